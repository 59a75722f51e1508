#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "vault/provider/pkcs1_unpad.h"
#include "vault/provider/wrap_family.h"

enum { OAEP_OVERHEAD_BYTES = 2, PKCS1_OVERHEAD_BYTES = 11 };

static EVP_PKEY *rsa_of(const struct wrap *w)
{
    return w->public_key != NULL ? public_key_evp(w->public_key) : key_evp(w->key);
}

size_t wrap_rsa_bytes(const struct wrap *w)
{
    return (size_t)EVP_PKEY_get_size(rsa_of(w));
}

static EVP_PKEY_CTX *rsa_begin(const struct wrap *w, bool encrypt)
{
    const Hsm__OaepParams *oaep = w->given->oaep;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(w->libctx, rsa_of(w), NULL);
    OSSL_PARAM params[5];
    size_t n = 0;

    if (oaep != NULL) {
        const char *hash = mechanism_hash_name(oaep->hash), *mgf = mechanism_mgf_hash(oaep->mgf);
        static uint8_t none;
        params[n++] = OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, (char *)(uintptr_t)hash, 0);
        params[n++] = OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, (char *)(uintptr_t)mgf, 0);
        params[n++] = OSSL_PARAM_construct_octet_string(
            OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, oaep->label.len > 0 ? oaep->label.data : &none, oaep->label.len);
    }
    /* PKCS #1 v1.5 is taken off by pkcs1_unpad. */
    params[n++] = OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE,
                                                   (char *)(uintptr_t)(oaep != NULL ? OSSL_PKEY_RSA_PAD_MODE_OAEP
                                                                       : encrypt    ? OSSL_PKEY_RSA_PAD_MODE_PKCSV15
                                                                                    : OSSL_PKEY_RSA_PAD_MODE_NONE),
                                                   0);
    params[n] = OSSL_PARAM_construct_end();
    if (ctx != NULL && (encrypt ? EVP_PKEY_encrypt_init_ex(ctx, params) : EVP_PKEY_decrypt_init_ex(ctx, params)) == 1)
        return ctx;
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

size_t wrap_rsa_holds(const struct wrap *w)
{
    size_t k = wrap_rsa_bytes(w), overhead = PKCS1_OVERHEAD_BYTES;

    if (w->given->oaep != NULL)
        overhead = 2 * mechanism_hash_bytes(mechanism_hash_name(w->given->oaep->hash)) + OAEP_OVERHEAD_BYTES;
    return k > overhead ? k - overhead : 0;
}

enum err wrap_by_rsa(const struct wrap *w, const uint8_t *plain, size_t n, struct buffer *out)
{
    EVP_PKEY_CTX *ctx;
    size_t from = out->len, made = wrap_rsa_bytes(w);
    uint8_t *to;
    enum err e = ERR_NO_MEMORY;

    if (n > wrap_rsa_holds(w))
        return ERR_KEY_SIZE;
    ctx = rsa_begin(w, true);
    to = buffer_extend(out, made);
    if (ctx != NULL && to != NULL)
        e = EVP_PKEY_encrypt(ctx, to, &made, plain, n) == 1 ? ERR_OK : ERR_BUG;
    out->len = e == ERR_OK ? from + made : from;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

enum err unwrap_by_rsa(const struct wrap *w, const uint8_t *wrapped, size_t n, struct secret *out)
{
    EVP_PKEY_CTX *ctx;
    struct secret made = {0};
    size_t made_n = wrap_rsa_bytes(w);
    enum err e = ERR_NO_MEMORY;

    if (n != wrap_rsa_bytes(w))
        return ERR_WRAPPED_KEY_LEN;
    ctx = rsa_begin(w, false);
    if (ctx != NULL && secret_new(&made, made_n))
        e = EVP_PKEY_decrypt(ctx, made.bytes, &made_n, wrapped, n) == 1 ? ERR_OK : ERR_WRAPPED_KEY;
    if (e == ERR_OK) {
        made.len = made_n;
        if (w->given->oaep == NULL)
            e = pkcs1_unpad(w->libctx, w->key, wrapped, n, &made);
    }
    if (e == ERR_OK)
        secret_move(out, &made);
    secret_clear(&made);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return e;
}
