#include "crypto/public_key.h"

#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "crypto/field.h"
#include "proto/limits.h"
#include "proto/mechanism.h"

/* OpenSSL itself refuses larger exponents with large moduli: a signature check would cost as much as a private operation. */
enum { EXPONENT_BITS_MAX = 64, GROUP_NAME_BYTES_MAX = 64 };

struct public_key {
    EVP_PKEY *evp;
    const struct curve *curve;
    const struct parameter_set *set;
    size_t bits;
    size_t number_bytes;
    CK_KEY_TYPE type;
};

/* Takes the EVP_PKEY over, also on failure. */
static enum err wrap(EVP_PKEY *evp, CK_KEY_TYPE type, const struct curve *curve, struct public_key **out)
{
    struct public_key *k = calloc(1, sizeof *k);

    if (k == NULL) {
        EVP_PKEY_free(evp);
        return ERR_NO_MEMORY;
    }
    k->evp = evp;
    k->type = type;
    k->curve = curve;
    k->bits = curve != NULL ? curve->bits : (size_t)EVP_PKEY_get_bits(evp);
    k->number_bytes = curve != NULL ? curve->field_bytes : field_number_bytes(evp);
    *out = k;
    return ERR_OK;
}

static enum err from_params(OSSL_LIB_CTX *libctx, const char *type, OSSL_PARAM *params, EVP_PKEY **out)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(libctx, type, NULL);
    EVP_PKEY_CTX *check = NULL;
    EVP_PKEY *evp = NULL;
    enum err e = ERR_OK;

    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1) {
        e = ERR_NO_MEMORY;
        goto out;
    }
    /* On a curve OpenSSL refuses a point that does not lie on it here already; the quick check adds range and infinity. */
    if (EVP_PKEY_fromdata(ctx, &evp, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        e = ERR_ATTRIBUTE_VALUE;
        goto out;
    }
    if ((check = EVP_PKEY_CTX_new_from_pkey(libctx, evp, NULL)) == NULL) {
        e = ERR_NO_MEMORY;
        goto out;
    }
    if (EVP_PKEY_public_check_quick(check) != 1) {
        e = ERR_ATTRIBUTE_VALUE;
        goto out;
    }
    *out = evp;
    evp = NULL; /* transferred */
out:
    EVP_PKEY_CTX_free(check);
    EVP_PKEY_free(evp);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

static enum err check_rsa(const BIGNUM *n, const BIGNUM *e)
{
    int bits = BN_num_bits(n);

    if (bits < (int)RSA_BITS_MIN || bits > (int)RSA_BITS_MAX)
        return ERR_KEY_SIZE;
    if (!BN_is_odd(n) || !BN_is_odd(e) || BN_is_one(e) || BN_num_bits(e) > EXPONENT_BITS_MAX)
        return ERR_ATTRIBUTE_VALUE;
    return ERR_OK;
}

enum err public_key_rsa(OSSL_LIB_CTX *libctx, const uint8_t *modulus, size_t modulus_n, const uint8_t *exponent,
                        size_t exponent_n, struct public_key **out)
{
    BIGNUM *n = NULL, *e = NULL;
    OSSL_PARAM_BLD *build = NULL;
    OSSL_PARAM *params = NULL;
    EVP_PKEY *evp = NULL;
    enum err result;

    if (modulus_n > ATTRIBUTE_BYTES_MAX || exponent_n > ATTRIBUTE_BYTES_MAX)
        return ERR_ATTRIBUTE_VALUE;
    n = BN_bin2bn(modulus, (int)modulus_n, NULL);
    e = BN_bin2bn(exponent, (int)exponent_n, NULL);
    if (n == NULL || e == NULL) {
        result = ERR_NO_MEMORY;
        goto out;
    }
    if ((result = check_rsa(n, e)) != ERR_OK)
        goto out;
    build = OSSL_PARAM_BLD_new();
    if (build == NULL || OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) != 1 ||
        (params = OSSL_PARAM_BLD_to_param(build)) == NULL) {
        result = ERR_NO_MEMORY;
        goto out;
    }
    if ((result = from_params(libctx, "RSA", params, &evp)) == ERR_OK)
        result = wrap(evp, CKK_RSA, NULL, out);
out:
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return result;
}

static enum err from_point(OSSL_LIB_CTX *libctx, const struct curve *curve, const uint8_t *raw, size_t n, EVP_PKEY **out)
{
    OSSL_PARAM group[] = {
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)curve->name, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)raw, n),
        OSSL_PARAM_END,
    };

    return curve->key_type == CKK_EC ? from_params(libctx, "EC", group, out) : from_params(libctx, curve->name, group + 1, out);
}

enum err public_key_ec(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const uint8_t *params, size_t params_n, const uint8_t *point,
                       size_t point_n, struct public_key **out)
{
    const struct curve *curve = curve_find(params, params_n);
    const uint8_t *raw = NULL;
    size_t raw_n = 0;
    EVP_PKEY *evp = NULL;
    enum err e;

    if (curve == NULL || curve->key_type != type)
        return ERR_CURVE;
    if ((e = curve_point_read(curve, point, point_n, &raw, &raw_n)) != ERR_OK)
        return e;
    if ((e = from_point(libctx, curve, raw, raw_n, &evp)) == ERR_OK)
        e = wrap(evp, type, curve, out);
    return e;
}

enum err public_key_pq(OSSL_LIB_CTX *libctx, const struct parameter_set *set, const uint8_t *value, size_t n, struct public_key **out)
{
    OSSL_PARAM list[] = {
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)value, n),
        OSSL_PARAM_END,
    };
    EVP_PKEY *evp = NULL;
    enum err e = ERR_ATTRIBUTE_VALUE;

    if (n == set->public_bytes && (e = from_params(libctx, set->name, list, &evp)) == ERR_OK &&
        (e = wrap(evp, set->key_type, NULL, out)) == ERR_OK) {
        (*out)->set = set;
        (*out)->bits = set->public_bytes;
    }
    return e;
}

/* p, g, y, and q of DSA. */
struct field_numbers {
    BIGNUM *p, *q, *g, *y;
};

static void field_numbers_clear(struct field_numbers *v)
{
    BN_free(v->p);
    BN_free(v->q);
    BN_free(v->g);
    BN_free(v->y);
}

static enum err from_field(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const struct field_numbers *v, struct public_key **out)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *evp = NULL;
    enum err e = field_check(type, v->p, v->q, v->g);

    if (e == ERR_OK && !field_in_range(v->y, v->p))
        e = ERR_ATTRIBUTE_VALUE;
    if (e == ERR_OK && (build == NULL || OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_P, v->p) != 1 ||
                        (v->q != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_Q, v->q) != 1) ||
                        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_G, v->g) != 1 ||
                        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PUB_KEY, v->y) != 1 ||
                        (params = OSSL_PARAM_BLD_to_param(build)) == NULL))
        e = ERR_NO_MEMORY;
    if (e == ERR_OK && (e = from_params(libctx, field_name(type), params, &evp)) == ERR_OK)
        e = wrap(evp, type, NULL, out);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    return e;
}

static enum err read_numbers(CK_KEY_TYPE type, const struct public_field *parts, struct field_numbers *v)
{
    bool subprime = field_has_parameter(type, CKA_SUBPRIME);

    if (parts->prime.n > ATTRIBUTE_BYTES_MAX || parts->subprime.n > ATTRIBUTE_BYTES_MAX || parts->base.n > ATTRIBUTE_BYTES_MAX ||
        parts->value.n > ATTRIBUTE_BYTES_MAX)
        return ERR_ATTRIBUTE_VALUE;
    v->p = BN_bin2bn(parts->prime.bytes, (int)parts->prime.n, NULL);
    v->g = BN_bin2bn(parts->base.bytes, (int)parts->base.n, NULL);
    v->y = BN_bin2bn(parts->value.bytes, (int)parts->value.n, NULL);
    if (subprime)
        v->q = BN_bin2bn(parts->subprime.bytes, (int)parts->subprime.n, NULL);
    return v->p != NULL && v->g != NULL && v->y != NULL && (!subprime || v->q != NULL) ? ERR_OK : ERR_NO_MEMORY;
}

enum err public_key_field(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const struct public_field *parts, struct public_key **out)
{
    struct field_numbers v = {0};
    enum err e = read_numbers(type, parts, &v);

    if (e == ERR_OK)
        e = from_field(libctx, type, &v, out);
    field_numbers_clear(&v);
    return e;
}

enum err public_field_check(CK_KEY_TYPE type, const struct public_field *parts)
{
    struct field_numbers v = {0};
    enum err e = read_numbers(type, parts, &v);

    if (e == ERR_OK)
        e = field_check(type, v.p, v.q, v.g);
    field_numbers_clear(&v);
    return e;
}

/* The parts again through the doors above, so that a key from DER has passed the same checks as one from attributes. */
static enum err reread_rsa(OSSL_LIB_CTX *libctx, const EVP_PKEY *evp, struct public_key **out)
{
    uint8_t modulus[RSA_BITS_MAX / 8], exponent[EXPONENT_BITS_MAX / 8];
    BIGNUM *n = NULL, *e = NULL;
    enum err result = ERR_ATTRIBUTE_VALUE;

    if (EVP_PKEY_get_bn_param(evp, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
        EVP_PKEY_get_bn_param(evp, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && (result = check_rsa(n, e)) == ERR_OK)
        result = public_key_rsa(libctx, modulus, (size_t)BN_bn2bin(n, modulus), exponent, (size_t)BN_bn2bin(e, exponent),
                                out);
    BN_free(n);
    BN_free(e);
    return result;
}

static enum err reread_ec(OSSL_LIB_CTX *libctx, const EVP_PKEY *evp, struct public_key **out)
{
    const struct curve *c = public_key_curve_of(evp);
    uint8_t point[CURVE_POINT_BYTES_MAX];
    size_t n = 0;

    if (c == NULL)
        return EVP_PKEY_is_a(evp, "EC") ? ERR_CURVE : ERR_KEY_TYPE;
    if (EVP_PKEY_get_octet_string_param(evp, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &n) != 1)
        return ERR_ATTRIBUTE_VALUE;
    return public_key_ec(libctx, c->key_type, c->params, c->params_bytes, point, n, out);
}

static enum err reread_pq(OSSL_LIB_CTX *libctx, const EVP_PKEY *evp, struct public_key **out)
{
    const struct parameter_set *set = parameter_set_by_name(EVP_PKEY_get0_type_name(evp));
    uint8_t value[PARAMETER_SET_PUBLIC_BYTES_MAX];
    size_t n = 0;

    if (EVP_PKEY_get_octet_string_param(evp, OSSL_PKEY_PARAM_PUB_KEY, value, sizeof value, &n) != 1)
        return ERR_ATTRIBUTE_VALUE;
    return public_key_pq(libctx, set, value, n, out);
}

static enum err reread_field(OSSL_LIB_CTX *libctx, const EVP_PKEY *evp, struct public_key **out)
{
    CK_KEY_TYPE type = field_type_of(evp);
    struct field_numbers v = {0};
    enum err e = ERR_ATTRIBUTE_VALUE;

    if (EVP_PKEY_get_bn_param(evp, OSSL_PKEY_PARAM_FFC_P, &v.p) == 1 && EVP_PKEY_get_bn_param(evp, OSSL_PKEY_PARAM_FFC_G, &v.g) == 1 &&
        EVP_PKEY_get_bn_param(evp, OSSL_PKEY_PARAM_PUB_KEY, &v.y) == 1 &&
        (!field_has_parameter(type, CKA_SUBPRIME) || EVP_PKEY_get_bn_param(evp, OSSL_PKEY_PARAM_FFC_Q, &v.q) == 1))
        e = from_field(libctx, type, &v, out);
    field_numbers_clear(&v);
    return e;
}

enum err public_key_read(OSSL_LIB_CTX *libctx, const uint8_t *info, size_t n, struct public_key **out)
{
    const uint8_t *at = info;
    EVP_PKEY *evp = NULL;
    enum err e;

    if (n > ATTRIBUTE_BYTES_MAX || (evp = d2i_PUBKEY_ex(NULL, &at, (long)n, libctx, NULL)) == NULL || at != info + n)
        e = ERR_ATTRIBUTE_VALUE;
    else if (EVP_PKEY_is_a(evp, "RSA"))
        e = reread_rsa(libctx, evp, out);
    else if (parameter_set_by_name(EVP_PKEY_get0_type_name(evp)) != NULL)
        e = reread_pq(libctx, evp, out);
    else if (field_type_of(evp) != NO_KEY_TYPE)
        e = reread_field(libctx, evp, out);
    else
        e = reread_ec(libctx, evp, out);
    EVP_PKEY_free(evp);
    ERR_clear_error();
    return e;
}

void public_key_free(struct public_key *k)
{
    if (k == NULL)
        return;
    EVP_PKEY_free(k->evp);
    free(k);
}

CK_KEY_TYPE public_key_type(const struct public_key *k)
{
    return k->type;
}

size_t public_key_bits(const struct public_key *k)
{
    return k->bits;
}

const struct curve *public_key_curve(const struct public_key *k)
{
    return k->curve;
}

const struct parameter_set *public_key_set(const struct public_key *k)
{
    return k->set;
}

size_t public_key_number_bytes(const struct public_key *k)
{
    return k->number_bytes;
}

EVP_PKEY *public_key_evp(const struct public_key *k)
{
    return k->evp;
}

const struct curve *public_key_curve_of(const EVP_PKEY *key)
{
    char group[GROUP_NAME_BYTES_MAX];
    const struct curve *c = NULL;
    size_t n = 0;

    if (EVP_PKEY_is_a(key, "EC")) {
        if (EVP_PKEY_get_group_name(key, group, sizeof group, &n) == 1)
            c = curve_by_nid(OBJ_txt2nid(group));
        ERR_clear_error();
        return c;
    }
    for (size_t i = 0; (c = curve_at(i)) != NULL; i++)
        if (c->key_type != CKK_EC && EVP_PKEY_is_a(key, c->name))
            break;
    return c;
}

enum err public_key_info(const struct public_key *k, struct buffer *out)
{
    uint8_t *der = NULL;
    int n = i2d_PUBKEY(k->evp, &der);
    enum err e = ERR_OK;

    if (n <= 0 || !buffer_put(out, der, (size_t)n))
        e = ERR_NO_MEMORY;
    OPENSSL_free(der);
    ERR_clear_error();
    return e;
}
