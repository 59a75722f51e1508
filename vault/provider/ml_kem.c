#include "vault/provider/ml_kem.h"

#include <openssl/err.h>
#include <openssl/evp.h>

static enum err finish(int ok, size_t secret_n, struct secret *secret, EVP_PKEY_CTX *ctx)
{
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    if (ok == 1 && secret_n == ML_KEM_SECRET_BYTES)
        return ERR_OK;
    secret_clear(secret);
    return ERR_BUG;
}

enum err ml_kem_encapsulate(OSSL_LIB_CTX *libctx, const struct public_key *k, struct secret *secret, uint8_t *out)
{
    size_t n, secret_n = ML_KEM_SECRET_BYTES;
    EVP_PKEY_CTX *ctx;
    int ok;

    if (public_key_type(k) != CKK_ML_KEM)
        return ERR_KEY_TYPE;
    if ((ctx = EVP_PKEY_CTX_new_from_pkey(libctx, public_key_evp(k), NULL)) == NULL)
        return ERR_NO_MEMORY;
    if (!secret_new(secret, ML_KEM_SECRET_BYTES)) {
        EVP_PKEY_CTX_free(ctx);
        return ERR_NO_MEMORY;
    }
    n = public_key_set(k)->output_bytes;
    ok = EVP_PKEY_encapsulate_init(ctx, NULL) == 1 && EVP_PKEY_encapsulate(ctx, out, &n, secret->bytes, &secret_n) == 1 &&
         n == public_key_set(k)->output_bytes;
    return finish(ok, secret_n, secret, ctx);
}

enum err ml_kem_decapsulate(OSSL_LIB_CTX *libctx, const struct key *k, const uint8_t *ciphertext, size_t n, struct secret *secret)
{
    size_t secret_n = ML_KEM_SECRET_BYTES;
    EVP_PKEY_CTX *ctx;
    int ok;

    if (key_type(k) != CKK_ML_KEM)
        return ERR_KEY_TYPE;
    if (n != key_set(k)->output_bytes)
        return ERR_DATA_LEN;
    if ((ctx = EVP_PKEY_CTX_new_from_pkey(libctx, key_evp(k), NULL)) == NULL)
        return ERR_NO_MEMORY;
    if (!secret_new(secret, ML_KEM_SECRET_BYTES)) {
        EVP_PKEY_CTX_free(ctx);
        return ERR_NO_MEMORY;
    }
    ok = EVP_PKEY_decapsulate_init(ctx, NULL) == 1 && EVP_PKEY_decapsulate(ctx, secret->bytes, &secret_n, ciphertext, n) == 1;
    return finish(ok, secret_n, secret, ctx);
}
