#include "vault/gcm.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

enum err gcm_seal(OSSL_LIB_CTX *libctx, const struct secret *key, struct gcm_aad aad, const uint8_t *text, size_t n, uint8_t *out)
{
    EVP_CIPHER *aes = EVP_CIPHER_fetch(libctx, "AES-256-GCM", NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0;
    bool ok = aes != NULL && ctx != NULL && RAND_bytes_ex(libctx, out, GCM_NONCE_BYTES, 0) == 1 &&
              EVP_EncryptInit_ex2(ctx, aes, key->bytes, out, NULL) == 1 &&
              EVP_EncryptUpdate(ctx, NULL, &len, aad.bytes, (int)aad.n) == 1 &&
              (n == 0 || EVP_EncryptUpdate(ctx, out + GCM_NONCE_BYTES, &len, text, (int)n) == 1) &&
              EVP_EncryptFinal_ex(ctx, out + GCM_NONCE_BYTES + n, &len) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_BYTES, out + GCM_NONCE_BYTES + n) == 1;
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(aes);
    ERR_clear_error();
    return ok ? ERR_OK : ERR_BUG;
}

enum err gcm_open(OSSL_LIB_CTX *libctx, const struct secret *key, struct gcm_aad aad, const uint8_t *sealed, size_t n,
                  struct secret *out)
{
    EVP_CIPHER *aes = EVP_CIPHER_fetch(libctx, "AES-256-GCM", NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    size_t text_n = n - GCM_SEAL_BYTES;
    uint8_t tag[GCM_TAG_BYTES], none[1];
    int len = 0;
    bool ok;

    if (!secret_new(out, text_n + 1)) { /* one more, so that an empty text has memory */
        EVP_CIPHER_CTX_free(ctx);
        EVP_CIPHER_free(aes);
        return ERR_NO_MEMORY;
    }
    memcpy(tag, sealed + n - GCM_TAG_BYTES, sizeof tag);
    ok = aes != NULL && ctx != NULL && EVP_DecryptInit_ex2(ctx, aes, key->bytes, sealed, NULL) == 1 &&
         EVP_DecryptUpdate(ctx, NULL, &len, aad.bytes, (int)aad.n) == 1 &&
         (text_n == 0 || EVP_DecryptUpdate(ctx, out->bytes, &len, sealed + GCM_NONCE_BYTES, (int)text_n) == 1) &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_BYTES, tag) == 1 && EVP_DecryptFinal_ex(ctx, none, &len) == 1;
    out->len = text_n;
    if (!ok)
        secret_clear(out);
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(aes);
    ERR_clear_error();
    return ok ? ERR_OK : ERR_FORGED;
}
