#include "vault/provider/xcbc.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

enum { KEYS = 3 };

/* The key of the CBC, then what is added to a last block that is whole, and to one that is padded (RFC 3566 section 4). */
struct keys {
    uint8_t bytes[KEYS][XCBC_BYTES];
};

static bool encrypt(OSSL_LIB_CTX *libctx, const uint8_t key[XCBC_BYTES], struct keys *made)
{
    EVP_CIPHER *ecb = EVP_CIPHER_fetch(libctx, "AES-128-ECB", NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    struct keys constants;
    int n = 0;
    bool ok;

    for (int i = 0; i < KEYS; i++)
        memset(constants.bytes[i], i + 1, XCBC_BYTES);
    ok = ecb != NULL && ctx != NULL && EVP_EncryptInit_ex2(ctx, ecb, key, NULL, NULL) == 1 &&
         EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
         EVP_EncryptUpdate(ctx, made->bytes[0], &n, constants.bytes[0], sizeof constants.bytes) == 1;
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(ecb);
    return ok;
}

/* A block is held back until it is known whether it is the last. */
struct run {
    EVP_CIPHER_CTX *cbc;
    uint8_t block[XCBC_BYTES], out[XCBC_BYTES];
    size_t n;
};

static bool chain(struct run *r)
{
    int n = 0;

    return EVP_EncryptUpdate(r->cbc, r->out, &n, r->block, XCBC_BYTES) == 1 && n == XCBC_BYTES;
}

static bool feed(struct run *r, struct kdf_bytes part)
{
    for (size_t i = 0; i < part.n; i++) {
        if (r->n == XCBC_BYTES) {
            if (!chain(r))
                return false;
            r->n = 0;
        }
        r->block[r->n++] = part.bytes[i];
    }
    return true;
}

static bool finish(struct run *r, const struct keys *keys)
{
    const uint8_t *last = keys->bytes[r->n == XCBC_BYTES ? 1 : 2];

    if (r->n < XCBC_BYTES) {
        memset(r->block + r->n, 0, XCBC_BYTES - r->n);
        r->block[r->n] = 0x80;
    }
    for (size_t i = 0; i < XCBC_BYTES; i++)
        r->block[i] ^= last[i];
    return chain(r);
}

enum err xcbc_mac(OSSL_LIB_CTX *libctx, const uint8_t key[XCBC_BYTES], const struct kdf_bytes *parts, size_t n, uint8_t out[XCBC_BYTES])
{
    static const uint8_t zeros[XCBC_BYTES];
    EVP_CIPHER *cbc = EVP_CIPHER_fetch(libctx, "AES-128-CBC", NULL);
    struct run r = {.cbc = EVP_CIPHER_CTX_new()};
    struct keys keys;
    bool ok = cbc != NULL && r.cbc != NULL && encrypt(libctx, key, &keys) &&
              EVP_EncryptInit_ex2(r.cbc, cbc, keys.bytes[0], zeros, NULL) == 1 && EVP_CIPHER_CTX_set_padding(r.cbc, 0) == 1;

    for (size_t i = 0; ok && i < n; i++)
        ok = feed(&r, parts[i]);
    ok = ok && finish(&r, &keys);
    if (ok)
        memcpy(out, r.out, XCBC_BYTES);
    bytes_wipe(&keys, sizeof keys);
    EVP_CIPHER_CTX_free(r.cbc);
    bytes_wipe(&r, sizeof r);
    EVP_CIPHER_free(cbc);
    ERR_clear_error();
    return ok ? ERR_OK : ERR_NO_MEMORY;
}
