#include "vault/master.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "common/buffer.h"

struct master {
    OSSL_LIB_CTX *libctx;
    EVP_KDF *hkdf;
    size_t n;
    struct {
        uint32_t epoch;
        struct secret key;
    } keys[MASTER_EPOCHS_MAX];
};

/* In front of each info, so that no two purposes ever derive the same key. */
static const char *const labels[] = {
    [MASTER_RECORD] = "record",   [MASTER_INDEX] = "index",
    [MASTER_COMMAND] = "command", [MASTER_TICKET] = "ticket",
    [MASTER_SESSION_OBJECT] = "session object", [MASTER_AUDIT] = "audit",
};

enum err master_new(OSSL_LIB_CTX *libctx, struct master **out)
{
    struct master *m = calloc(1, sizeof *m);
    if (m == NULL)
        return ERR_NO_MEMORY;
    m->libctx = libctx;
    m->hkdf = EVP_KDF_fetch(libctx, "HKDF", NULL);
    if (m->hkdf == NULL) {
        free(m);
        return ERR_BUG;
    }
    *out = m;
    return ERR_OK;
}

void master_free(struct master *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->n; i++)
        secret_clear(&m->keys[i].key);
    EVP_KDF_free(m->hkdf);
    free(m);
}

enum err master_add(struct master *m, uint32_t epoch, const struct secret *key)
{
    struct secret own = {0};

    if (epoch <= master_epoch(m) || (key != NULL && key->len != MASTER_KEY_BYTES))
        return ERR_ARGUMENTS;
    if (m->n == MASTER_EPOCHS_MAX)
        return ERR_LIMIT;
    if (key != NULL ? !secret_copy(&own, key->bytes, key->len) : !secret_new(&own, MASTER_KEY_BYTES))
        return ERR_NO_MEMORY;
    if (key == NULL && RAND_priv_bytes_ex(m->libctx, own.bytes, own.len, 0) != 1) {
        secret_clear(&own);
        ERR_clear_error();
        return ERR_BUG;
    }
    m->keys[m->n].epoch = epoch;
    secret_move(&m->keys[m->n++].key, &own);
    return ERR_OK;
}

uint32_t master_epoch(const struct master *m)
{
    return m->n > 0 ? m->keys[m->n - 1].epoch : 0;
}

const struct secret *master_key(const struct master *m, uint32_t epoch)
{
    for (size_t i = m->n; i > 0; i--) /* the newest is the one that is asked for */
        if (m->keys[i - 1].epoch == epoch)
            return &m->keys[i - 1].key;
    return NULL;
}

static bool derive(const struct master *m, const struct secret *key, const uint8_t *salt, size_t salt_n, const struct buffer *info,
                   struct secret *out)
{
    OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
                           OSSL_PARAM_octet_string(OSSL_KDF_PARAM_KEY, key->bytes, key->len),
                           OSSL_PARAM_octet_string(OSSL_KDF_PARAM_INFO, info->data, info->len),
                           OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SALT, (uint8_t *)(uintptr_t)salt, salt_n), OSSL_PARAM_END};
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(m->hkdf);
    bool ok;

    if (salt_n == 0)
        params[3] = (OSSL_PARAM)OSSL_PARAM_END;
    ok = ctx != NULL && EVP_KDF_derive(ctx, out->bytes, out->len, params) == 1;
    EVP_KDF_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}

enum err master_derive(const struct master *m, enum master_purpose purpose, uint32_t epoch, const uint8_t *salt, size_t salt_n,
                       const uint8_t *info, size_t info_n, struct secret *out)
{
    const struct secret *key = master_key(m, epoch);
    struct secret derived = {0};
    struct buffer whole = {0};
    enum err e = ERR_OK;

    if (key == NULL)
        return ERR_FORGED;
    /* The label with its terminating zero: no label is the beginning of another one's info. */
    if (!buffer_put(&whole, labels[purpose], strlen(labels[purpose]) + 1) || (info_n > 0 && !buffer_put(&whole, info, info_n)) ||
        !secret_new(&derived, MASTER_KEY_BYTES))
        e = ERR_NO_MEMORY;
    else if (!derive(m, key, salt, salt_n, &whole, &derived))
        e = ERR_BUG;
    if (e == ERR_OK)
        secret_move(out, &derived);
    secret_clear(&derived);
    buffer_clear(&whole);
    return e;
}

OSSL_LIB_CTX *master_libctx(const struct master *m)
{
    return m->libctx;
}
