#include "vault/process/wiping.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "common/secret.h"

static void *take(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return malloc(n);
}

static void give(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    if (p == NULL)
        return;
    bytes_wipe(p, malloc_usable_size(p));
    free(p);
}

/* realloc would leave the old bytes behind where it moves them. */
static void *change(void *p, size_t n, const char *file, int line)
{
    size_t room = p != NULL ? malloc_usable_size(p) : 0;
    void *larger;

    if (n == 0) {
        give(p, file, line);
        return NULL;
    }
    if (n <= room)
        return p;
    larger = malloc(n);
    if (larger == NULL)
        return NULL;
    if (p != NULL)
        memcpy(larger, p, room);
    give(p, file, line);
    return larger;
}

bool wiping_begin(void)
{
    return CRYPTO_set_mem_functions(take, change, give) == 1;
}
