#include "vault/provider/sign.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "crypto/eddsa.h"
#include "crypto/number_pair.h"
#include "vault/provider/sign_pq.h"

enum {
    PKCS1_OVERHEAD_BYTES = 11, /* RFC 8017 section 9.2 */
    PARAMS_MAX = 5
};

static size_t modulus_bytes(const struct sign *s)
{
    return (key_size(s->key) + 7) / 8;
}

static enum err check_pss(const struct sign *s)
{
    const char *hash = s->pss == NULL ? NULL : mechanism_hash_name(s->pss->hash);

    if (hash == NULL || mechanism_mgf_hash(s->pss->mgf) == NULL)
        return ERR_MECHANISM_PARAM;
    if (s->mechanism->hash != NULL && strcmp(s->mechanism->hash, hash) != 0)
        return ERR_MECHANISM_PARAM;
    return mechanism_pss_fits(key_size(s->key), hash, s->pss->salt_bytes) ? ERR_OK : ERR_MECHANISM_PARAM;
}

enum err sign_check(const struct sign *s)
{
    const struct mechanism *m = s->mechanism;

    if (!mechanism_does(m, CKF_SIGN))
        return ERR_MECHANISM;
    if (!mechanism_takes_key(m, key_type(s->key)))
        return ERR_KEY_TYPE;
    if (key_size(s->key) < m->size_min || key_size(s->key) > m->size_max)
        return ERR_KEY_SIZE;
    if (m->param == PARAM_PSS)
        return check_pss(s);
    if (m->param == PARAM_EDDSA)
        return eddsa_check(key_curve(s->key), s->eddsa);
    return s->pss == NULL ? ERR_OK : ERR_MECHANISM_PARAM;
}

static enum err ask_openssl(const struct sign *s, const OSSL_PARAM *params, const uint8_t *data, size_t data_n,
                            uint8_t *out, size_t *out_n)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(s->libctx, key_evp(s->key), NULL);
    enum err e;

    if (ctx == NULL)
        e = ERR_NO_MEMORY;
    else if (EVP_PKEY_sign_init_ex(ctx, params) != 1)
        e = ERR_BUG;
    else
        e = EVP_PKEY_sign(ctx, out, out_n, data, data_n) == 1 ? ERR_OK : ERR_BUG;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

static OSSL_PARAM text(const char *name, const char *value)
{
    return OSSL_PARAM_construct_utf8_string(name, (char *)value, 0);
}

static enum err sign_rsa_pkcs(const struct sign *s, const uint8_t *data, size_t data_n, uint8_t *out, size_t *out_n)
{
    const char *hash = s->mechanism->hash;
    OSSL_PARAM params[PARAMS_MAX] = {text(OSSL_SIGNATURE_PARAM_PAD_MODE, OSSL_PKEY_RSA_PAD_MODE_PKCSV15)};

    if (hash != NULL ? data_n != mechanism_hash_bytes(hash) : data_n + PKCS1_OVERHEAD_BYTES > modulus_bytes(s))
        return ERR_DATA_LEN;
    params[1] = hash != NULL ? text(OSSL_SIGNATURE_PARAM_DIGEST, hash) : OSSL_PARAM_construct_end();
    params[2] = OSSL_PARAM_construct_end();
    return ask_openssl(s, params, data, data_n, out, out_n);
}

/* PKCS#11 v3.1 section 6.1.5: shorter data is padded with zeros in front. */
static enum err sign_rsa_raw(const struct sign *s, const uint8_t *data, size_t data_n, uint8_t *out, size_t *out_n)
{
    size_t n = modulus_bytes(s);
    uint8_t padded[SIGNATURE_BYTES_MAX] = {0};
    OSSL_PARAM params[] = {
        text(OSSL_SIGNATURE_PARAM_PAD_MODE, OSSL_PKEY_RSA_PAD_MODE_NONE),
        OSSL_PARAM_construct_end(),
    };
    BIGNUM *modulus = NULL, *block = NULL;
    enum err e = ERR_NO_MEMORY;

    if (data_n > n)
        return ERR_DATA_LEN;
    if (data_n > 0)
        memcpy(padded + n - data_n, data, data_n);
    block = BN_bin2bn(padded, (int)n, NULL);
    if (block != NULL && EVP_PKEY_get_bn_param(key_evp(s->key), OSSL_PKEY_PARAM_RSA_N, &modulus) == 1)
        e = BN_cmp(block, modulus) < 0 ? ask_openssl(s, params, padded, n, out, out_n) : ERR_DATA;
    BN_free(modulus);
    BN_free(block);
    return e;
}

static enum err sign_rsa_pss(const struct sign *s, const uint8_t *data, size_t data_n, uint8_t *out, size_t *out_n)
{
    const char *hash = mechanism_hash_name(s->pss->hash);
    int salt_bytes = (int)s->pss->salt_bytes;
    OSSL_PARAM params[PARAMS_MAX] = {
        text(OSSL_SIGNATURE_PARAM_PAD_MODE, OSSL_PKEY_RSA_PAD_MODE_PSS),
        text(OSSL_SIGNATURE_PARAM_DIGEST, hash),
        text(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, mechanism_mgf_hash(s->pss->mgf)),
        OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, &salt_bytes),
        OSSL_PARAM_construct_end(),
    };

    if (data_n != mechanism_hash_bytes(hash))
        return ERR_DATA_LEN;
    return ask_openssl(s, params, data, data_n, out, out_n);
}

static enum err sign_pair(const struct sign *s, const uint8_t *data, size_t data_n, uint8_t *out, size_t *out_n)
{
    OSSL_PARAM params[] = {OSSL_PARAM_construct_end()};
    size_t half = key_number_bytes(s->key), n = NUMBER_PAIR_DER_BYTES_MAX;
    uint8_t der[NUMBER_PAIR_DER_BYTES_MAX];
    enum err e;

    if (!number_pair_signs(s->mechanism, data_n))
        return ERR_DATA_LEN;
    if ((e = ask_openssl(s, params, data, data_n, der, &n)) == ERR_OK && (e = number_pair_from_der(der, n, half, out)) == ERR_OK)
        *out_n = 2 * half;
    return e;
}

static enum err sign_eddsa(const struct sign *s, const uint8_t *data, size_t data_n, uint8_t *out, size_t *out_n)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    OSSL_PARAM params[EDDSA_PARAMS];
    enum err e;

    eddsa_params(key_curve(s->key), s->eddsa, params);
    if (ctx == NULL)
        e = ERR_NO_MEMORY;
    else if (EVP_DigestSignInit_ex(ctx, NULL, NULL, s->libctx, NULL, key_evp(s->key), params) != 1)
        e = ERR_BUG;
    else
        e = EVP_DigestSign(ctx, out, out_n, data, data_n) == 1 ? ERR_OK : ERR_BUG;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

static enum err (*const families[])(const struct sign *, const uint8_t *, size_t, uint8_t *, size_t *) = {
    [FAMILY_RSA_PKCS] = sign_rsa_pkcs,
    [FAMILY_RSA_RAW] = sign_rsa_raw,
    [FAMILY_RSA_PSS] = sign_rsa_pss,
    [FAMILY_ECDSA] = sign_pair,
    [FAMILY_DSA] = sign_pair,
    [FAMILY_EDDSA] = sign_eddsa,
    [FAMILY_PQ_PURE] = sign_pq,
    [FAMILY_PQ_HASH] = sign_pq,
    [FAMILY_PQ_MU] = sign_pq,
};

size_t sign_bytes_max(const struct key *k)
{
    return key_set(k) != NULL ? key_set(k)->output_bytes : SIGNATURE_BYTES_MAX;
}

enum err sign_data(const struct sign *s, const uint8_t *data, size_t data_n, uint8_t *out, size_t *out_n)
{
    size_t family = (size_t)s->mechanism->family, n = sign_bytes_max(s->key);
    enum err e = sign_check(s);

    if (e != ERR_OK)
        return e;
    if (family >= sizeof families / sizeof families[0] || families[family] == NULL)
        return ERR_MECHANISM;
    if ((e = families[family](s, data, data_n, out, &n)) == ERR_OK)
        *out_n = n;
    return e;
}
