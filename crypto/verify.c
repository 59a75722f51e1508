#include "crypto/verify.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "crypto/eddsa.h"
#include "crypto/number_pair.h"
#include "crypto/verify_pq.h"
#include "proto/limits.h"

enum {
    PKCS1_OVERHEAD_BYTES = 11, /* RFC 8017 section 9.2 */
    PARAMS_MAX = 5
};

/* What OpenSSL is told, by the words that it takes. */
struct plan {
    OSSL_PARAM params[PARAMS_MAX];
    size_t n;
    int salt_bytes;
};

static void plan_text(struct plan *p, const char *name, const char *value)
{
    p->params[p->n++] = OSSL_PARAM_construct_utf8_string(name, (char *)value, 0);
}

static const char *hash_of(const struct verify *v)
{
    return v->mechanism->param == PARAM_PSS && v->pss != NULL ? mechanism_hash_name(v->pss->hash) : v->mechanism->hash;
}

static enum err check_pss(const struct verify *v)
{
    const char *hash;

    if (v->pss == NULL)
        return ERR_MECHANISM_PARAM;
    hash = mechanism_hash_name(v->pss->hash);
    if (hash == NULL || mechanism_mgf_hash(v->pss->mgf) == NULL)
        return ERR_MECHANISM_PARAM;
    if (v->mechanism->hash != NULL && strcmp(v->mechanism->hash, hash) != 0)
        return ERR_MECHANISM_PARAM; /* PKCS#11 v3.1 section 6.1.12: the parameter's hash is the mechanism's */
    return mechanism_pss_fits(public_key_bits(v->key), hash, v->pss->salt_bytes) ? ERR_OK : ERR_MECHANISM_PARAM;
}

enum err verify_check(const struct verify *v)
{
    const struct mechanism *m = v->mechanism;

    if (!mechanism_does(m, CKF_VERIFY))
        return ERR_MECHANISM;
    if (m->key_type != public_key_type(v->key))
        return ERR_KEY_TYPE;
    if (public_key_bits(v->key) < m->size_min || public_key_bits(v->key) > m->size_max)
        return ERR_KEY_SIZE;
    if (m->param == PARAM_PSS)
        return check_pss(v);
    if (m->param == PARAM_EDDSA)
        return eddsa_check(public_key_curve(v->key), v->eddsa);
    return v->pss == NULL ? ERR_OK : ERR_MECHANISM_PARAM;
}

static enum err ask_openssl(const struct verify *v, struct plan *p, const uint8_t *data, size_t data_n,
                            const uint8_t *signature, size_t signature_n)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(v->libctx, public_key_evp(v->key), NULL);
    enum err e;

    p->params[p->n] = OSSL_PARAM_construct_end();
    if (ctx == NULL)
        e = ERR_NO_MEMORY;
    else if (EVP_PKEY_verify_init_ex(ctx, p->params) != 1)
        e = ERR_BUG;
    else /* negative: the signature's form is wrong, which is no better than a wrong one */
        e = EVP_PKEY_verify(ctx, signature, signature_n, data, data_n) == 1 ? ERR_OK : ERR_SIGNATURE;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

static enum err verify_rsa(const struct verify *v, const uint8_t *data, size_t data_n, const uint8_t *signature,
                           size_t signature_n)
{
    size_t modulus_bytes = (public_key_bits(v->key) + 7) / 8;
    const char *hash = hash_of(v);
    uint8_t padded[RSA_BITS_MAX / 8] = {0};
    struct plan p = {.n = 0};

    if (signature_n != modulus_bytes)
        return ERR_SIGNATURE_LEN;
    if (hash != NULL && data_n != mechanism_hash_bytes(hash))
        return ERR_DATA_LEN;
    if (v->mechanism->family == FAMILY_RSA_RAW) {
        /* PKCS#11 v3.1 section 6.1.5: shorter data is padded with zeros in front. */
        if (data_n > modulus_bytes)
            return ERR_DATA_LEN;
        if (data_n > 0)
            memcpy(padded + modulus_bytes - data_n, data, data_n);
        data = padded;
        data_n = modulus_bytes;
        plan_text(&p, OSSL_SIGNATURE_PARAM_PAD_MODE, OSSL_PKEY_RSA_PAD_MODE_NONE);
        return ask_openssl(v, &p, data, data_n, signature, signature_n);
    }
    if (hash != NULL)
        plan_text(&p, OSSL_SIGNATURE_PARAM_DIGEST, hash);
    else if (data_n + PKCS1_OVERHEAD_BYTES > modulus_bytes)
        return ERR_DATA_LEN;
    if (v->mechanism->family == FAMILY_RSA_PSS) {
        p.salt_bytes = (int)v->pss->salt_bytes;
        plan_text(&p, OSSL_SIGNATURE_PARAM_PAD_MODE, OSSL_PKEY_RSA_PAD_MODE_PSS);
        plan_text(&p, OSSL_SIGNATURE_PARAM_MGF1_DIGEST, mechanism_mgf_hash(v->pss->mgf));
        p.params[p.n++] = OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, &p.salt_bytes);
    } else {
        plan_text(&p, OSSL_SIGNATURE_PARAM_PAD_MODE, OSSL_PKEY_RSA_PAD_MODE_PKCSV15);
    }
    return ask_openssl(v, &p, data, data_n, signature, signature_n);
}

static enum err verify_pair(const struct verify *v, const uint8_t *data, size_t data_n, const uint8_t *signature,
                            size_t signature_n)
{
    struct plan p = {.n = 0};
    uint8_t *der = NULL;
    size_t n = 0;
    enum err e;

    if (!number_pair_fits(v->mechanism, signature_n, public_key_number_bytes(v->key)))
        return ERR_SIGNATURE_LEN;
    if (!number_pair_signs(v->mechanism, data_n))
        return ERR_DATA_LEN;
    if ((e = number_pair_to_der(signature, signature_n, &der, &n)) == ERR_OK)
        e = ask_openssl(v, &p, data, data_n, der, n);
    OPENSSL_free(der);
    return e;
}

static enum err verify_eddsa(const struct verify *v, const uint8_t *data, size_t data_n, const uint8_t *signature,
                             size_t signature_n)
{
    EVP_MD_CTX *ctx;
    OSSL_PARAM params[EDDSA_PARAMS];
    enum err e;

    if (signature_n != mechanism_signature_bytes(v->mechanism, public_key_bits(v->key)))
        return ERR_SIGNATURE_LEN;
    eddsa_params(public_key_curve(v->key), v->eddsa, params);
    if ((ctx = EVP_MD_CTX_new()) == NULL)
        return ERR_NO_MEMORY;
    if (EVP_DigestVerifyInit_ex(ctx, NULL, NULL, v->libctx, NULL, public_key_evp(v->key), params) != 1)
        e = ERR_BUG;
    else
        e = EVP_DigestVerify(ctx, signature, signature_n, data, data_n) == 1 ? ERR_OK : ERR_SIGNATURE;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

static enum err (*const families[])(const struct verify *, const uint8_t *, size_t, const uint8_t *, size_t) = {
    [FAMILY_RSA_PKCS] = verify_rsa,
    [FAMILY_RSA_RAW] = verify_rsa,
    [FAMILY_RSA_PSS] = verify_rsa,
    [FAMILY_ECDSA] = verify_pair,
    [FAMILY_DSA] = verify_pair,
    [FAMILY_EDDSA] = verify_eddsa,
    [FAMILY_PQ_PURE] = verify_pq,
    [FAMILY_PQ_HASH] = verify_pq,
    [FAMILY_PQ_MU] = verify_pq,
};

enum err verify_signature(const struct verify *v, const uint8_t *data, size_t data_n, const uint8_t *signature,
                          size_t signature_n)
{
    size_t family = (size_t)v->mechanism->family;
    enum err e = verify_check(v);

    if (e != ERR_OK)
        return e;
    if (family >= sizeof families / sizeof families[0] || families[family] == NULL)
        return ERR_MECHANISM;
    return families[family](v, data, data_n, signature, signature_n);
}

enum err verify_recover(const struct verify *v, const uint8_t *signature, size_t signature_n, uint8_t *out, size_t *out_n)
{
    bool raw = v->mechanism->family == FAMILY_RSA_RAW;
    struct plan p = {.n = 0};
    EVP_PKEY_CTX *ctx = NULL;
    size_t n = RSA_BITS_MAX / 8;
    enum err e = verify_check(v);

    if (e != ERR_OK)
        return e;
    if (!mechanism_does(v->mechanism, CKF_VERIFY_RECOVER))
        return ERR_MECHANISM;
    if (signature_n != (public_key_bits(v->key) + 7) / 8)
        return ERR_SIGNATURE_LEN;
    plan_text(&p, OSSL_SIGNATURE_PARAM_PAD_MODE, raw ? OSSL_PKEY_RSA_PAD_MODE_NONE : OSSL_PKEY_RSA_PAD_MODE_PKCSV15);
    p.params[p.n] = OSSL_PARAM_construct_end();
    if ((ctx = EVP_PKEY_CTX_new_from_pkey(v->libctx, public_key_evp(v->key), NULL)) == NULL)
        e = ERR_NO_MEMORY;
    else if (EVP_PKEY_verify_recover_init_ex(ctx, p.params) != 1)
        e = ERR_BUG;
    else if (EVP_PKEY_verify_recover(ctx, out, &n, signature, signature_n) != 1)
        e = ERR_SIGNATURE;
    else
        *out_n = n;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return e;
}
