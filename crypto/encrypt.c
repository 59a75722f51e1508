#include "crypto/encrypt.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "proto/limits.h"
#include "proto/parameter.h"

static size_t modulus_bytes(const struct encrypt *e)
{
    return (public_key_bits(e->key) + 7) / 8;
}

enum err encrypt_check(const struct encrypt *e)
{
    const struct mechanism *m = e->mechanism;
    enum err error;

    if (!mechanism_does(m, CKF_ENCRYPT))
        return ERR_MECHANISM;
    if (m->key_type != CKK_RSA || public_key_type(e->key) != CKK_RSA)
        return ERR_KEY_TYPE;
    if (public_key_bits(e->key) < m->size_min || public_key_bits(e->key) > m->size_max)
        return ERR_KEY_SIZE;
    if ((error = parameter_check(m, e->given)) != ERR_OK)
        return error;
    return rsa_padding_data_bytes_max(m, e->given, modulus_bytes(e)) > 0 ? ERR_OK : ERR_MECHANISM_PARAM;
}

static enum err check_raw(const struct encrypt *e, const uint8_t *block, size_t n)
{
    BIGNUM *modulus = NULL, *number = BN_bin2bn(block, (int)n, NULL);
    enum err error = ERR_NO_MEMORY;

    if (number != NULL && EVP_PKEY_get_bn_param(public_key_evp(e->key), OSSL_PKEY_PARAM_RSA_N, &modulus) == 1)
        error = BN_cmp(number, modulus) < 0 ? ERR_OK : ERR_DATA;
    BN_free(modulus);
    BN_clear_free(number);
    return error;
}

enum err encrypt_data(const struct encrypt *e, const uint8_t *data, size_t n, uint8_t *out, size_t *out_n)
{
    uint8_t block[RSA_BITS_MAX / 8] = {0};
    OSSL_PARAM params[RSA_PADDING_PARAMS_MAX];
    size_t room = modulus_bytes(e);
    EVP_PKEY_CTX *ctx = NULL;
    enum err error = encrypt_check(e);

    if (error != ERR_OK)
        return error;
    if (n > rsa_padding_data_bytes_max(e->mechanism, e->given, room))
        return ERR_DATA_LEN;
    if (!rsa_padding_params(e->mechanism, e->given, params))
        return ERR_MECHANISM;
    if (e->mechanism->family == FAMILY_RSA_RAW) {
        /* PKCS#11 v3.1 section 6.1.5: shorter data is padded with zeros in front. */
        if (n > 0)
            memcpy(block + room - n, data, n);
        data = block;
        n = room;
        error = check_raw(e, block, n);
    }
    if (error == ERR_OK && (ctx = EVP_PKEY_CTX_new_from_pkey(e->libctx, public_key_evp(e->key), NULL)) == NULL)
        error = ERR_NO_MEMORY;
    if (error == ERR_OK && (EVP_PKEY_encrypt_init_ex(ctx, params) != 1 ||
                            EVP_PKEY_encrypt(ctx, out, &room, n > 0 ? data : block, n) != 1))
        error = ERR_BUG;
    if (error == ERR_OK)
        *out_n = room;
    EVP_PKEY_CTX_free(ctx);
    OPENSSL_cleanse(block, sizeof block);
    ERR_clear_error();
    return error;
}
