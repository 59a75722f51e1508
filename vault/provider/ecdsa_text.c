#include "vault/provider/ecdsa_text.h"

#include <openssl/err.h>
#include <openssl/evp.h>

enum { SIGNATURE_DER_BYTES_MAX = 160 };

enum err ecdsa_text_sign(OSSL_LIB_CTX *libctx, EVP_PKEY *key, const uint8_t *text, size_t n, struct buffer *out)
{
    EVP_MD_CTX *ctx;
    uint8_t signature[SIGNATURE_DER_BYTES_MAX];
    size_t len = sizeof signature;
    enum err e = ERR_BUG;

    if (!EVP_PKEY_is_a(key, "EC"))
        return ERR_KEY_TYPE;
    ctx = EVP_MD_CTX_new();
    if (ctx == NULL)
        e = ERR_NO_MEMORY;
    else if (EVP_DigestSignInit_ex(ctx, NULL, "SHA256", libctx, NULL, key, NULL) == 1 &&
             EVP_DigestSign(ctx, signature, &len, text, n) == 1)
        e = buffer_put(out, signature, len) ? ERR_OK : ERR_NO_MEMORY;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

enum err ecdsa_text_verify(OSSL_LIB_CTX *libctx, EVP_PKEY *key, const uint8_t *text, size_t n, const uint8_t *signature,
                           size_t signature_n)
{
    EVP_MD_CTX *ctx;
    enum err e = ERR_SIGNATURE;

    if (!EVP_PKEY_is_a(key, "EC"))
        return ERR_KEY_TYPE;
    ctx = EVP_MD_CTX_new();
    if (ctx == NULL)
        e = ERR_NO_MEMORY;
    else if (EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", libctx, NULL, key, NULL) == 1 &&
             EVP_DigestVerify(ctx, signature, signature_n, text, n) == 1)
        e = ERR_OK;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return e;
}
