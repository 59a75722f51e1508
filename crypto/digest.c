#include "crypto/digest.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "proto/mechanism.h"

struct digest {
    EVP_MD *md;
    EVP_MD_CTX *ctx;
    size_t bytes;
    bool extendable;
};

static struct digest *digest_alloc(void)
{
    struct digest *d = calloc(1, sizeof *d);

    if (d != NULL && (d->ctx = EVP_MD_CTX_new()) == NULL) {
        free(d);
        d = NULL;
    }
    return d;
}

enum err digest_new(OSSL_LIB_CTX *libctx, const char *name, struct digest **out)
{
    struct digest *d = digest_alloc();
    enum err e = ERR_OK;

    if (d == NULL)
        return ERR_NO_MEMORY;
    if ((d->md = EVP_MD_fetch(libctx, name, NULL)) == NULL) {
        e = ERR_MECHANISM;
        goto out;
    }
    d->extendable = (EVP_MD_get_flags(d->md) & EVP_MD_FLAG_XOF) != 0;
    d->bytes = d->extendable ? mechanism_hash_bytes(name) : (size_t)EVP_MD_get_size(d->md);
    if (d->bytes == 0 || d->bytes > DIGEST_BYTES_MAX) {
        e = ERR_MECHANISM;
        goto out;
    }
    if (EVP_DigestInit_ex2(d->ctx, d->md, NULL) != 1) {
        e = ERR_BUG;
        goto out;
    }
    *out = d;
    d = NULL; /* transferred */
out:
    digest_free(d);
    ERR_clear_error();
    return e;
}

enum err digest_clone(const struct digest *d, struct digest **out)
{
    struct digest *copy = digest_alloc();

    if (copy == NULL)
        return ERR_NO_MEMORY;
    if (EVP_MD_up_ref(d->md) == 1)
        copy->md = d->md;
    copy->bytes = d->bytes;
    copy->extendable = d->extendable;
    if (copy->md == NULL || EVP_MD_CTX_copy_ex(copy->ctx, d->ctx) != 1) {
        digest_free(copy);
        ERR_clear_error();
        return ERR_BUG;
    }
    *out = copy;
    return ERR_OK;
}

void digest_free(struct digest *d)
{
    if (d == NULL)
        return;
    EVP_MD_CTX_free(d->ctx);
    EVP_MD_free(d->md);
    free(d);
}

size_t digest_bytes(const struct digest *d)
{
    return d->bytes;
}

static enum err result(int ok)
{
    if (ok == 1)
        return ERR_OK;
    ERR_clear_error();
    return ERR_BUG;
}

enum err digest_update(struct digest *d, const void *bytes, size_t n)
{
    return n == 0 ? ERR_OK : result(EVP_DigestUpdate(d->ctx, bytes, n));
}

enum err digest_final(struct digest *d, uint8_t *out)
{
    unsigned n = 0;
    enum err e = result(d->extendable ? EVP_DigestFinalXOF(d->ctx, out, d->bytes) : EVP_DigestFinal_ex(d->ctx, out, &n));

    if (e == ERR_OK)
        e = result(EVP_DigestInit_ex2(d->ctx, d->md, NULL));
    return e;
}

enum err digest_once(OSSL_LIB_CTX *libctx, const char *name, const void *bytes, size_t n, uint8_t *out, size_t *out_n)
{
    struct digest *d = NULL;
    enum err e = digest_new(libctx, name, &d);

    if (e == ERR_OK)
        e = digest_update(d, bytes, n);
    if (e == ERR_OK)
        e = digest_final(d, out);
    if (e == ERR_OK)
        *out_n = d->bytes;
    digest_free(d);
    return e;
}
