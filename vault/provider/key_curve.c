#include "vault/provider/key_curve.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "vault/provider/key_params.h"

/* The public point of d, raw. ERR_ATTRIBUTE_VALUE: d is not in 1 .. order - 1. */
static enum err ec_point(OSSL_LIB_CTX *libctx, const struct curve *c, const BIGNUM *d, uint8_t *point, size_t *point_n)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name_ex(libctx, NULL, c->nid);
    EC_POINT *at = group == NULL ? NULL : EC_POINT_new(group);
    BN_CTX *ctx = BN_CTX_secure_new();
    enum err e = ERR_NO_MEMORY;

    if (at == NULL || ctx == NULL)
        goto out;
    if (BN_is_zero(d) || BN_cmp(d, EC_GROUP_get0_order(group)) >= 0) {
        e = ERR_ATTRIBUTE_VALUE;
        goto out;
    }
    if (EC_POINT_mul(group, at, d, NULL, NULL, ctx) != 1)
        goto out;
    *point_n = EC_POINT_point2oct(group, at, POINT_CONVERSION_UNCOMPRESSED, point, CURVE_POINT_BYTES_MAX, ctx);
    e = *point_n > 0 ? ERR_OK : ERR_BUG;
out:
    EC_POINT_free(at);
    EC_GROUP_free(group);
    BN_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

/* A number: leading zeros may be missing, and too many are no harm. */
static enum err load_weierstrass(OSSL_LIB_CTX *libctx, const struct curve *curve, const struct key_part *value, EVP_PKEY **out)
{
    uint8_t point[CURVE_POINT_BYTES_MAX];
    size_t point_n = 0;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *d = BN_bin2bn(value->value, (int)value->n, NULL);
    enum err e = ERR_NO_MEMORY;

    if (build == NULL || d == NULL)
        goto out;
    BN_set_flags(d, BN_FLG_CONSTTIME);
    if ((e = ec_point(libctx, curve, d, point, &point_n)) != ERR_OK)
        goto out;
    if (OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve->name, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, point_n) != 1 ||
        OSSL_PARAM_BLD_push_BN_pad(build, OSSL_PKEY_PARAM_PRIV_KEY, d, curve->field_bytes) != 1)
        e = ERR_NO_MEMORY;
    else
        e = key_params_pair(libctx, "EC", build, out);
out:
    OSSL_PARAM_BLD_free(build);
    BN_clear_free(d);
    return e;
}

/* RFC 8032 and RFC 7748 keys are strings of one length, and every such string is a key. */
static enum err load_string(OSSL_LIB_CTX *libctx, const struct curve *curve, const struct key_part *value, EVP_PKEY **out)
{
    if (value->n != curve->field_bytes)
        return ERR_ATTRIBUTE_VALUE;
    *out = EVP_PKEY_new_raw_private_key_ex(libctx, curve->name, NULL, value->value, value->n);
    ERR_clear_error();
    return *out != NULL ? ERR_OK : ERR_NO_MEMORY;
}

static enum err raw_point(const EVP_PKEY *key, uint8_t point[CURVE_POINT_BYTES_MAX], size_t *n)
{
    int ok = EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, CURVE_POINT_BYTES_MAX, n);

    ERR_clear_error();
    return ok == 1 ? ERR_OK : ERR_BUG;
}

static enum err same_point(const EVP_PKEY *key, const struct curve *curve, const struct key_part *given)
{
    uint8_t point[CURVE_POINT_BYTES_MAX];
    const uint8_t *raw = NULL;
    size_t n = 0, raw_n = 0;
    enum err e = curve_point_read(curve, given->value, given->n, &raw, &raw_n);

    if (e == ERR_OK && (e = raw_point(key, point, &n)) == ERR_OK && (raw_n != n || memcmp(raw, point, n) != 0))
        e = ERR_TEMPLATE_INCONSISTENT;
    return e;
}

enum err key_curve_load(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const struct key_part *parts, size_t n, EVP_PKEY **out)
{
    const struct key_part *params = key_params_find(parts, n, CKA_EC_PARAMS), *value = key_params_find(parts, n, CKA_VALUE);
    const struct key_part *given = key_params_find(parts, n, CKA_EC_POINT);
    const struct curve *curve;
    EVP_PKEY *made = NULL;
    enum err e;

    if (params == NULL || value == NULL)
        return ERR_TEMPLATE_INCOMPLETE;
    if ((curve = curve_find(params->value, params->n)) == NULL || curve->key_type != type)
        return ERR_CURVE;
    if (value->n > KEY_NUMBER_BYTES_MAX)
        return ERR_ATTRIBUTE_VALUE;
    e = type == CKK_EC ? load_weierstrass(libctx, curve, value, &made) : load_string(libctx, curve, value, &made);
    if (e == ERR_OK && given != NULL)
        e = same_point(made, curve, given);
    if (e == ERR_OK)
        *out = made;
    else
        EVP_PKEY_free(made);
    return e;
}

bool key_curve_has_part(CK_ATTRIBUTE_TYPE type)
{
    return type == CKA_VALUE || type == CKA_EC_PARAMS || type == CKA_EC_POINT;
}

static enum err string_part(const EVP_PKEY *key, const struct curve *curve, struct secret *out)
{
    size_t n = curve->field_bytes;

    if (!secret_new(out, n))
        return ERR_NO_MEMORY;
    if (EVP_PKEY_get_raw_private_key(key, out->bytes, &n) == 1 && n == curve->field_bytes)
        return ERR_OK;
    ERR_clear_error();
    return ERR_BUG;
}

static enum err point_part(const EVP_PKEY *key, struct secret *out)
{
    uint8_t point[CURVE_POINT_BYTES_MAX];
    struct buffer der = {0};
    size_t n = 0;
    enum err e = raw_point(key, point, &n);

    if (e == ERR_OK && (e = curve_point_write(point, n, &der)) == ERR_OK && !secret_copy(out, der.data, der.len))
        e = ERR_NO_MEMORY;
    buffer_clear(&der);
    return e;
}

enum err key_curve_part(const EVP_PKEY *key, const struct curve *curve, CK_ATTRIBUTE_TYPE type, struct secret *out)
{
    switch (type) {
    case CKA_VALUE:
        return curve->key_type == CKK_EC ? key_params_number(key, OSSL_PKEY_PARAM_PRIV_KEY, curve->field_bytes, out)
                                         : string_part(key, curve, out);
    case CKA_EC_PARAMS:
        return secret_copy(out, curve->params, curve->params_bytes) ? ERR_OK : ERR_NO_MEMORY;
    case CKA_EC_POINT:
        return point_part(key, out);
    default:
        return ERR_ATTRIBUTE_TYPE;
    }
}
