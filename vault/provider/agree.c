#include "vault/provider/agree.h"

#include <openssl/err.h>
#include <openssl/evp.h>

static EVP_PKEY *load(OSSL_LIB_CTX *libctx, const struct secret *private_key)
{
    return EVP_PKEY_new_raw_private_key_ex(libctx, "X25519", NULL, private_key->bytes, private_key->len);
}

enum err agree_generate(OSSL_LIB_CTX *libctx, struct secret *private_key)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(libctx, NULL, "X25519");
    size_t n = AGREE_KEY_BYTES;
    enum err e = key == NULL ? ERR_BUG : secret_new(private_key, n) ? ERR_OK : ERR_NO_MEMORY;

    if (e == ERR_OK && (EVP_PKEY_get_raw_private_key(key, private_key->bytes, &n) != 1 || n != AGREE_KEY_BYTES)) {
        secret_clear(private_key);
        e = ERR_BUG;
    }
    EVP_PKEY_free(key);
    ERR_clear_error();
    return e;
}

enum err agree_public(OSSL_LIB_CTX *libctx, const struct secret *private_key, uint8_t out[AGREE_KEY_BYTES])
{
    EVP_PKEY *key;
    size_t n = AGREE_KEY_BYTES;
    enum err e = ERR_BUG;

    if (private_key->len != AGREE_KEY_BYTES)
        return ERR_ARGUMENTS;
    key = load(libctx, private_key);
    if (key == NULL)
        e = ERR_NO_MEMORY;
    else if (EVP_PKEY_get_raw_public_key(key, out, &n) == 1 && n == AGREE_KEY_BYTES)
        e = ERR_OK;
    EVP_PKEY_free(key);
    ERR_clear_error();
    return e;
}

enum err agree_derive(OSSL_LIB_CTX *libctx, const struct secret *private_key, const uint8_t public_key[AGREE_KEY_BYTES],
                      struct secret *out)
{
    EVP_PKEY *own, *other;
    EVP_PKEY_CTX *ctx;
    size_t n = AGREE_KEY_BYTES;
    enum err e = ERR_NO_MEMORY;

    if (private_key->len != AGREE_KEY_BYTES)
        return ERR_ARGUMENTS;
    own = load(libctx, private_key);
    other = EVP_PKEY_new_raw_public_key_ex(libctx, "X25519", NULL, public_key, AGREE_KEY_BYTES);
    ctx = own != NULL ? EVP_PKEY_CTX_new_from_pkey(libctx, own, NULL) : NULL;
    if (ctx != NULL && other != NULL && secret_new(out, AGREE_KEY_BYTES)) {
        e = EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, other) == 1 &&
            EVP_PKEY_derive(ctx, out->bytes, &n) == 1 && n == AGREE_KEY_BYTES ? ERR_OK : ERR_FORGED;
        if (e != ERR_OK)
            secret_clear(out);
    }
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(other);
    EVP_PKEY_free(own);
    ERR_clear_error();
    return e;
}
