/* One application that goes on: logs in once, then signs a file whenever it is told to, with the login that it has.
 *
 *   quickstart-client MODULE KEY-LABEL FILE     PIN in the environment's CLUSTERHSM_PIN
 *
 * For each line of standard input, a path, it signs FILE (RSA, SHA-256, PKCS #1 v1.5) into that path and answers with one line, "signed in
 * N ms" or "failed: why". The quickstart kills the leader between two lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tools/token.h"

enum { FILE_BYTES_MAX = 1 << 20 };

static bool read_file(const char *path, uint8_t *bytes, size_t *n)
{
    FILE *f = fopen(path, "re");

    if (f == NULL)
        return false;
    *n = fread(bytes, 1, FILE_BYTES_MAX, f);
    fclose(f);
    return true;
}

static bool write_file(const char *path, const uint8_t *bytes, size_t n)
{
    FILE *f = fopen(path, "we");
    bool ok = f != NULL && fwrite(bytes, 1, n, f) == n;

    return f != NULL && fclose(f) == 0 && ok;
}

static int fail(const struct diag *why)
{
    char text[1024];

    printf("failed: %s\n", diag_text(why, text, sizeof text));
    return 1;
}

static int serve(const struct token *t, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, const uint8_t *bytes, size_t n)
{
    char path[4096];
    int code = 0;

    printf("ready\n");
    while (fflush(stdout) == 0 && fgets(path, sizeof path, stdin) != NULL) {
        uint64_t before = clock_boot_ms();
        uint8_t signature[1024];
        size_t bytes_out = sizeof signature;
        struct diag why = {0};

        path[strcspn(path, "\n")] = '\0';
        if (!token_sign(t, session, CKM_SHA256_RSA_PKCS, key, bytes, n, signature, &bytes_out, &why))
            code = fail(&why);
        else if (!write_file(path, signature, bytes_out))
            printf("failed: %s cannot be written\n", path);
        else
            printf("signed in %llu ms\n", (unsigned long long)(clock_boot_ms() - before));
    }
    return code;
}

int main(int argc, char **argv)
{
    static uint8_t bytes[FILE_BYTES_MAX];
    const char *pin = getenv("CLUSTERHSM_PIN");
    CK_SESSION_HANDLE session = 0;
    CK_OBJECT_HANDLE key = 0;
    struct token token;
    struct diag why = {0};
    size_t n = 0;
    int code;

    if (argc != 4 || pin == NULL || !read_file(argv[3], bytes, &n)) {
        fprintf(stderr, "usage: CLUSTERHSM_PIN=user:password quickstart-client MODULE KEY-LABEL FILE\n");
        return 2;
    }
    if (token_load(&token, argv[1], &why) && token_session(&token, &session, &why) && token_login(&token, session, pin, &why) &&
        token_find_private(&token, session, argv[2], &key, &why))
        code = serve(&token, session, key, bytes, n);
    else
        code = fail(&why);
    token_unload(&token);
    return code;
}
