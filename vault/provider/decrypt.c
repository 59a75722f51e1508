#include "vault/provider/decrypt.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/rsa_padding.h"
#include "proto/parameter.h"

static size_t modulus_bytes(const struct decrypt *d)
{
    return (key_size(d->key) + 7) / 8;
}

enum err decrypt_check(const struct decrypt *d)
{
    const struct mechanism *m = d->mechanism;
    enum err e;

    if (!mechanism_does(m, CKF_DECRYPT))
        return ERR_MECHANISM;
    if (m->key_type != CKK_RSA || key_type(d->key) != CKK_RSA)
        return ERR_KEY_TYPE;
    if (key_size(d->key) < m->size_min || key_size(d->key) > m->size_max)
        return ERR_KEY_SIZE;
    if ((e = parameter_check(m, d->given)) != ERR_OK)
        return e;
    return rsa_padding_data_bytes_max(m, d->given, modulus_bytes(d)) > 0 ? ERR_OK : ERR_MECHANISM_PARAM;
}

enum err decrypt_data(const struct decrypt *d, const uint8_t *data, size_t n, uint8_t *out, size_t *out_n)
{
    OSSL_PARAM params[RSA_PADDING_PARAMS_MAX];
    size_t room = modulus_bytes(d);
    EVP_PKEY_CTX *ctx;
    enum err e = decrypt_check(d);

    if (e != ERR_OK)
        return e;
    if (n != room)
        return ERR_ENCRYPTED_DATA_LEN;
    if (!rsa_padding_params(d->mechanism, d->given, params))
        return ERR_MECHANISM;
    ctx = EVP_PKEY_CTX_new_from_pkey(d->libctx, key_evp(d->key), NULL);
    if (ctx == NULL)
        e = ERR_NO_MEMORY;
    else if (EVP_PKEY_decrypt_init_ex(ctx, params) != 1)
        e = ERR_BUG;
    else if (EVP_PKEY_decrypt(ctx, out, &room, data, n) != 1)
        e = ERR_ENCRYPTED_DATA;
    else
        *out_n = room;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return e;
}
