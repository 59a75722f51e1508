#include "vault/hkdf.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

enum err hkdf_derive(OSSL_LIB_CTX *libctx, const struct secret *key, struct hkdf_bytes salt, struct hkdf_bytes info, size_t n,
                     struct secret *out)
{
    OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)"SHA256", 0),
                           OSSL_PARAM_octet_string(OSSL_KDF_PARAM_KEY, key->bytes, key->len),
                           OSSL_PARAM_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info.bytes, info.n),
                           OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.bytes, salt.n), OSSL_PARAM_END};
    EVP_KDF *hkdf = EVP_KDF_fetch(libctx, "HKDF", NULL);
    EVP_KDF_CTX *ctx = hkdf != NULL ? EVP_KDF_CTX_new(hkdf) : NULL;
    enum err e = ctx != NULL && secret_new(out, n) ? ERR_OK : ERR_NO_MEMORY;

    if (salt.n == 0)
        params[3] = (OSSL_PARAM)OSSL_PARAM_END;
    if (e == ERR_OK && EVP_KDF_derive(ctx, out->bytes, n, params) != 1) {
        secret_clear(out);
        e = ERR_BUG;
    }
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(hkdf);
    ERR_clear_error();
    return e;
}
