#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/bench.h"

struct token_subject {
    struct subject base;
    struct token token;
    CK_SESSION_HANDLE session; /* carries the login */
    struct token_pair pair;
    bool has_pair;
    enum token_kind kind;
    char folder[256]; /* SoftHSM2's; empty: none */
};

struct token_worker {
    const struct token_subject *subject;
    CK_SESSION_HANDLE session;
    bool has_session;
};

/* What CKM_RSA_PKCS signs for SHA-256: the DigestInfo of a digest. CKM_ECDSA takes the digest alone, its last 32 bytes. */
static const uint8_t digest_info[51] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20, 0x5a, 0x5a, 0x5a, 0x5a};

static bool prepare(struct subject *base, enum token_kind kind, struct diag *why)
{
    struct token_subject *s = (struct token_subject *)base;

    s->kind = kind;
    s->has_pair = token_generate(&s->token, s->session, kind, "hsmbench", &s->pair, why);
    return s->has_pair;
}

static void discard(struct subject *base)
{
    struct token_subject *s = (struct token_subject *)base;

    if (s->has_pair)
        token_destroy(&s->token, s->session, &s->pair, NULL);
    s->has_pair = false;
}

static void worker_end(void *worker)
{
    struct token_worker *w = worker;

    if (w != NULL && w->has_session)
        w->subject->token.f->C_CloseSession(w->session);
    free(w);
}

static bool worker_begin(struct subject *base, void **out, struct diag *why)
{
    struct token_worker *w = calloc(1, sizeof *w);

    if (w == NULL) {
        diag_set(why, "out of memory");
        return false;
    }
    w->subject = (struct token_subject *)base;
    w->has_session = token_session(&w->subject->token, &w->session, why);
    if (!w->has_session) {
        free(w);
        return false;
    }
    *out = w;
    return true;
}

static bool sign(void *worker, struct diag *why)
{
    const struct token_worker *w = worker;
    const struct token_subject *s = w->subject;
    bool rsa = s->kind == TOKEN_RSA_2048;
    uint8_t signature[512];
    size_t n = sizeof signature;

    return token_sign(&s->token, w->session, rsa ? CKM_RSA_PKCS : CKM_ECDSA, s->pair.private_key, rsa ? digest_info : digest_info + 19,
                      rsa ? sizeof digest_info : 32, signature, &n, why);
}

static int remove_one(const char *path, const struct stat *st, int what, struct FTW *at)
{
    (void)st;
    (void)what;
    (void)at;
    return remove(path);
}

static void token_subject_free(struct subject *base)
{
    struct token_subject *s = (struct token_subject *)base;

    token_unload(&s->token);
    if (s->folder[0] != '\0')
        nftw(s->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(s);
}

static const struct subject_ops ops = {.prepare = prepare, .discard = discard, .worker_begin = worker_begin, .sign = sign,
    .worker_end = worker_end, .free = token_subject_free};

static struct token_subject *subject_new(const char *name, struct diag *why)
{
    struct token_subject *s = calloc(1, sizeof *s);

    if (s == NULL)
        diag_set(why, "out of memory");
    else
        s->base = (struct subject){.ops = &ops, .name = name};
    return s;
}

struct subject *subject_token_new(const char *name, const char *path, const char *pin, struct diag *why)
{
    struct token_subject *s = subject_new(name, why);

    if (s == NULL)
        return NULL;
    if (token_load(&s->token, path, why) && token_session(&s->token, &s->session, why) && token_login(&s->token, s->session, pin, why))
        return &s->base;
    token_subject_free(&s->base);
    return NULL;
}

/* ---- SoftHSM2 -------------------------------------------------------------------------------------------- */

/* The environment is its only way to learn of a configuration; no thread is there yet. */
static bool point_softhsm_to(struct token_subject *s, struct diag *why)
{
    static char variable[300];
    const char *tmp = getenv("TMPDIR");
    char path[280];
    FILE *f;
    bool ok;

    snprintf(s->folder, sizeof s->folder, "%s/hsmbench.XXXXXX", tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
    if (mkdtemp(s->folder) == NULL) {
        s->folder[0] = '\0';
        diag_set(why, "no folder for SoftHSM2's token could be made");
        return false;
    }
    snprintf(path, sizeof path, "%s/conf", s->folder);
    snprintf(variable, sizeof variable, "SOFTHSM2_CONF=%s", path);
    f = fopen(path, "we");
    ok = f != NULL && fprintf(f, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", s->folder) > 0;
    ok = f != NULL && fclose(f) == 0 && ok && putenv(variable) == 0;
    if (!ok)
        diag_set(why, "SoftHSM2's configuration could not be written");
    return ok;
}

static bool make_token(struct token_subject *s, struct diag *why)
{
    CK_UTF8CHAR label[32], pin[] = "123456";
    CK_FUNCTION_LIST *f = s->token.f;
    CK_SESSION_HANDLE session;
    CK_SLOT_ID slots[8];
    CK_ULONG n = 8;
    bool ok;

    memset(label, ' ', sizeof label);
    memcpy(label, "hsmbench", 8);
    ok = f->C_InitToken(s->token.slot, pin, 6, label) == CKR_OK && f->C_GetSlotList(CK_TRUE, slots, &n) == CKR_OK && n > 0;
    s->token.slot = ok ? slots[0] : 0; /* the made one comes before the empty one */
    ok = ok && token_session(&s->token, &session, NULL) && f->C_Login(session, CKU_SO, pin, 6) == CKR_OK &&
         f->C_InitPIN(session, pin, 6) == CKR_OK && f->C_Logout(session) == CKR_OK && f->C_CloseSession(session) == CKR_OK;
    if (!ok)
        diag_set(why, "SoftHSM2 made no token");
    return ok && token_session(&s->token, &s->session, why) && token_login(&s->token, s->session, "123456", why);
}

struct subject *subject_softhsm_new(struct diag *why)
{
    static const char *const paths[] = {"/usr/lib/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"};
    struct token_subject *s = subject_new("softhsm2", why);
    const char *found = NULL;

    for (size_t i = 0; i < sizeof paths / sizeof paths[0] && found == NULL; i++)
        found = access(paths[i], R_OK) == 0 ? paths[i] : NULL;
    if (found == NULL)
        diag_set(why, "SoftHSM2 is not installed (Debian: softhsm2)");
    if (s != NULL && found != NULL && point_softhsm_to(s, why) && token_load(&s->token, found, why) && make_token(s, why))
        return &s->base;
    if (s != NULL)
        token_subject_free(&s->base);
    return NULL;
}
