#include "vault/index.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "common/big_endian.h"

enum { FIRST_EPOCH = 1, HASH_BYTES = 32 };

/* A keyed context to copy: setting the key anew costs twice as much as copying it. */
struct index {
    EVP_MAC *hmac;
    EVP_MAC_CTX *keyed;
};

enum err index_new(const struct master *m, struct index **out)
{
    OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0), OSSL_PARAM_END};
    struct index *x = calloc(1, sizeof *x);
    struct secret key = {0};
    enum err e = x != NULL ? master_derive(m, MASTER_INDEX, FIRST_EPOCH, NULL, 0, NULL, 0, &key) : ERR_NO_MEMORY;

    if (e == ERR_OK) {
        x->hmac = EVP_MAC_fetch(master_libctx(m), "HMAC", NULL);
        x->keyed = x->hmac != NULL ? EVP_MAC_CTX_new(x->hmac) : NULL;
        if (x->keyed == NULL || EVP_MAC_init(x->keyed, key.bytes, key.len, params) != 1)
            e = ERR_BUG;
    }
    secret_clear(&key);
    ERR_clear_error();
    if (e != ERR_OK)
        index_free(x);
    else
        *out = x;
    return e;
}

void index_free(struct index *x)
{
    if (x == NULL)
        return;
    EVP_MAC_CTX_free(x->keyed);
    EVP_MAC_free(x->hmac);
    free(x);
}

enum err index_token(const struct index *x, uint64_t scope, uint64_t type, const uint8_t *value, size_t n,
                     uint8_t out[INDEX_TOKEN_BYTES])
{
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(x->keyed);
    uint8_t head[16], mac[HASH_BYTES];
    size_t len = 0;
    bool ok;

    u64_put(head, scope);
    u64_put(head + 8, type);
    ok = ctx != NULL && EVP_MAC_update(ctx, head, sizeof head) == 1 && (n == 0 || EVP_MAC_update(ctx, value, n) == 1) &&
         EVP_MAC_final(ctx, mac, &len, sizeof mac) == 1;
    EVP_MAC_CTX_free(ctx);
    ERR_clear_error();
    if (ok)
        memcpy(out, mac, INDEX_TOKEN_BYTES);
    return ok ? ERR_OK : ERR_BUG;
}
