#include "vault/provider/key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "proto/key_kind.h"
#include "proto/limits.h"
#include "vault/provider/recover.h"

struct key {
    EVP_PKEY *evp;
    struct secret secret;
    const struct curve *curve;
    size_t size;
    CK_KEY_TYPE type;
};

enum rsa_number { RSA_N, RSA_E, RSA_D, RSA_P, RSA_Q, RSA_DP, RSA_DQ, RSA_QINV, RSA_NUMBERS };

enum { RSA_NUMBERS_NEEDED = RSA_D + 1, NUMBER_BYTES_MAX = RSA_BITS_MAX / 8 };

static const struct {
    CK_ATTRIBUTE_TYPE type;
    const char *name;
} rsa_numbers[RSA_NUMBERS] = {
    [RSA_N] = {CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N},
    [RSA_E] = {CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E},
    [RSA_D] = {CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D},
    [RSA_P] = {CKA_PRIME_1, OSSL_PKEY_PARAM_RSA_FACTOR1},
    [RSA_Q] = {CKA_PRIME_2, OSSL_PKEY_PARAM_RSA_FACTOR2},
    [RSA_DP] = {CKA_EXPONENT_1, OSSL_PKEY_PARAM_RSA_EXPONENT1},
    [RSA_DQ] = {CKA_EXPONENT_2, OSSL_PKEY_PARAM_RSA_EXPONENT2},
    [RSA_QINV] = {CKA_COEFFICIENT, OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
};

static const struct key_part *part_find(const struct key_part *parts, size_t n, CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < n; i++)
        if (parts[i].type == type && parts[i].n > 0)
            return &parts[i];
    return NULL;
}

/* OSSL_PARAM_free does not wipe what it frees. */
static void params_free(OSSL_PARAM *params)
{
    for (OSSL_PARAM *p = params; p != NULL && p->key != NULL; p++)
        if (p->data != NULL)
            OPENSSL_cleanse(p->data, p->data_size);
    OSSL_PARAM_free(params);
}

static enum err from_builder(OSSL_LIB_CTX *libctx, const char *type, OSSL_PARAM_BLD *build, EVP_PKEY **out)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(libctx, type, NULL);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    enum err e = ERR_OK;

    if (ctx == NULL || params == NULL || EVP_PKEY_fromdata_init(ctx) != 1)
        e = ERR_NO_MEMORY;
    else if (EVP_PKEY_fromdata(ctx, out, EVP_PKEY_KEYPAIR, params) != 1)
        e = ERR_ATTRIBUTE_VALUE;
    params_free(params);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

enum err key_wrap(EVP_PKEY *evp, struct key **out)
{
    struct key *k = calloc(1, sizeof *k);
    char group[32];
    size_t n = 0;
    enum err e = ERR_KEY_TYPE;

    if (k == NULL) {
        EVP_PKEY_free(evp);
        return ERR_NO_MEMORY;
    }
    k->evp = evp;
    k->size = (size_t)EVP_PKEY_get_bits(evp);
    if (EVP_PKEY_is_a(evp, "RSA")) {
        k->type = CKK_RSA;
        e = ERR_OK;
    } else if (EVP_PKEY_is_a(evp, "EC") && EVP_PKEY_get_group_name(evp, group, sizeof group, &n) == 1) {
        int nid = OBJ_txt2nid(group);
        const char *nist = nid == NID_undef ? NULL : EC_curve_nid2nist(nid);
        k->type = CKK_EC;
        k->curve = curve_by_name(nist != NULL ? nist : group);
        e = k->curve != NULL ? ERR_OK : ERR_CURVE;
    }
    ERR_clear_error();
    if (e != ERR_OK) {
        key_free(k);
        return e;
    }
    *out = k;
    return ERR_OK;
}

static enum err rsa_sizes(BIGNUM *const *v)
{
    int bits = BN_num_bits(v[RSA_N]);

    if (bits < (int)RSA_BITS_MIN || bits > (int)RSA_BITS_MAX)
        return ERR_KEY_SIZE;
    if (!BN_is_odd(v[RSA_N]) || !BN_is_odd(v[RSA_E]) || BN_is_one(v[RSA_E]) || BN_is_zero(v[RSA_D]))
        return ERR_ATTRIBUTE_VALUE;
    return ERR_OK;
}

/* Both primes stand there, given or found. Without them what was given of the remainders' parts cannot be placed: which of the primes
 * is the first one is the caller's choice. */
static enum err rsa_primes(OSSL_LIB_CTX *libctx, BIGNUM **v)
{
    if (v[RSA_P] == NULL && v[RSA_Q] == NULL) {
        if (v[RSA_DP] != NULL || v[RSA_DQ] != NULL || v[RSA_QINV] != NULL)
            return ERR_TEMPLATE_INCOMPLETE;
        return recover_primes(libctx, v[RSA_N], v[RSA_E], v[RSA_D], &v[RSA_P], &v[RSA_Q]);
    }
    if (v[RSA_P] == NULL || v[RSA_Q] == NULL)
        return ERR_TEMPLATE_INCOMPLETE;
    if (!BN_is_odd(v[RSA_P]) || !BN_is_odd(v[RSA_Q]) || BN_is_one(v[RSA_P]) || BN_is_one(v[RSA_Q]))
        return ERR_ATTRIBUTE_VALUE;
    return ERR_OK;
}

/* Fills what is missing of the Chinese remainder's parts, and holds what was given against it: a wrong one would give
 * signatures that betray the primes. */
static enum err rsa_remainders(BIGNUM **v)
{
    BN_CTX *ctx = BN_CTX_secure_new();
    BIGNUM *made[RSA_NUMBERS] = {NULL};
    BIGNUM *p1 = BN_new(), *q1 = BN_new(), *product = BN_new();
    enum err e = ERR_NO_MEMORY;

    for (int i = RSA_DP; i < RSA_NUMBERS; i++)
        if ((made[i] = BN_new()) == NULL)
            goto out;
    if (ctx == NULL || p1 == NULL || q1 == NULL || product == NULL)
        goto out;
    if (!BN_mul(product, v[RSA_P], v[RSA_Q], ctx) || !BN_copy(p1, v[RSA_P]) || !BN_sub_word(p1, 1) ||
        !BN_copy(q1, v[RSA_Q]) || !BN_sub_word(q1, 1))
        goto out;
    e = ERR_TEMPLATE_INCONSISTENT;
    if (BN_cmp(product, v[RSA_N]) != 0)
        goto out;
    BN_set_flags(p1, BN_FLG_CONSTTIME);
    BN_set_flags(q1, BN_FLG_CONSTTIME);
    if (!BN_mod(made[RSA_DP], v[RSA_D], p1, ctx) || !BN_mod(made[RSA_DQ], v[RSA_D], q1, ctx) ||
        BN_mod_inverse(made[RSA_QINV], v[RSA_Q], v[RSA_P], ctx) == NULL)
        goto out;
    for (int i = RSA_DP; i < RSA_NUMBERS; i++)
        if (v[i] != NULL && BN_cmp(v[i], made[i]) != 0)
            goto out;
    for (int i = RSA_DP; i < RSA_NUMBERS; i++) {
        BN_clear_free(v[i]);
        v[i] = made[i];
        made[i] = NULL; /* transferred */
    }
    e = ERR_OK;
out:
    for (int i = RSA_DP; i < RSA_NUMBERS; i++)
        BN_clear_free(made[i]);
    BN_clear_free(p1);
    BN_clear_free(q1);
    BN_clear_free(product);
    BN_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

static enum err load_rsa(OSSL_LIB_CTX *libctx, const struct key_part *parts, size_t n, EVP_PKEY **out)
{
    BIGNUM *v[RSA_NUMBERS] = {NULL};
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    enum err e = ERR_NO_MEMORY;

    for (int i = 0; i < RSA_NUMBERS; i++) {
        const struct key_part *part = part_find(parts, n, rsa_numbers[i].type);
        if (part == NULL && i < RSA_NUMBERS_NEEDED) {
            e = ERR_TEMPLATE_INCOMPLETE;
            goto out;
        }
        if (part == NULL)
            continue;
        if (part->n > NUMBER_BYTES_MAX) {
            e = i == RSA_N ? ERR_KEY_SIZE : ERR_ATTRIBUTE_VALUE;
            goto out;
        }
        if ((v[i] = BN_bin2bn(part->value, (int)part->n, NULL)) == NULL)
            goto out;
        if (i > RSA_E)
            BN_set_flags(v[i], BN_FLG_CONSTTIME);
    }
    if ((e = rsa_sizes(v)) != ERR_OK || (e = rsa_primes(libctx, v)) != ERR_OK || (e = rsa_remainders(v)) != ERR_OK)
        goto out;
    for (int i = 0; i < RSA_NUMBERS; i++)
        if (build == NULL || OSSL_PARAM_BLD_push_BN(build, rsa_numbers[i].name, v[i]) != 1) {
            e = ERR_NO_MEMORY;
            goto out;
        }
    e = from_builder(libctx, "RSA", build, out);
out:
    OSSL_PARAM_BLD_free(build);
    for (int i = 0; i < RSA_NUMBERS; i++)
        BN_clear_free(v[i]);
    return e;
}

/* The public point of d, raw. ERR_ATTRIBUTE_VALUE: d is not in 1 .. order - 1. */
static enum err ec_point(OSSL_LIB_CTX *libctx, const struct curve *c, const BIGNUM *d, uint8_t *point, size_t *point_n)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name_ex(libctx, NULL, EC_curve_nist2nid(c->name));
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

static enum err load_ec(OSSL_LIB_CTX *libctx, const struct key_part *parts, size_t n, EVP_PKEY **out)
{
    const struct key_part *params = part_find(parts, n, CKA_EC_PARAMS), *value = part_find(parts, n, CKA_VALUE);
    const struct key_part *given = part_find(parts, n, CKA_EC_POINT);
    const struct curve *curve;
    uint8_t point[CURVE_POINT_BYTES_MAX];
    const uint8_t *raw = NULL;
    size_t point_n = 0, raw_n = 0;
    OSSL_PARAM_BLD *build = NULL;
    BIGNUM *d = NULL;
    enum err e;

    if (params == NULL || value == NULL)
        return ERR_TEMPLATE_INCOMPLETE;
    if ((curve = curve_find(params->value, params->n)) == NULL)
        return ERR_CURVE;
    if (value->n > NUMBER_BYTES_MAX)
        return ERR_ATTRIBUTE_VALUE;
    if ((d = BN_bin2bn(value->value, (int)value->n, NULL)) == NULL)
        return ERR_NO_MEMORY;
    BN_set_flags(d, BN_FLG_CONSTTIME);
    if ((e = ec_point(libctx, curve, d, point, &point_n)) != ERR_OK)
        goto out;
    if (given != NULL) {
        if ((e = curve_point_read(curve, given->value, given->n, &raw, &raw_n)) != ERR_OK)
            goto out;
        if (raw_n != point_n || memcmp(raw, point, point_n) != 0) {
            e = ERR_TEMPLATE_INCONSISTENT;
            goto out;
        }
    }
    build = OSSL_PARAM_BLD_new();
    if (build == NULL || OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve->name, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, point_n) != 1 ||
        OSSL_PARAM_BLD_push_BN_pad(build, OSSL_PKEY_PARAM_PRIV_KEY, d, curve->field_bytes) != 1) {
        e = ERR_NO_MEMORY;
        goto out;
    }
    e = from_builder(libctx, "EC", build, out);
out:
    OSSL_PARAM_BLD_free(build);
    BN_clear_free(d);
    return e;
}

/* IEEE 1619: with two equal halves XTS tells which blocks are alike. */
static bool halves_differ(const uint8_t *bytes, size_t n)
{
    return !bytes_equal(bytes, bytes + n / 2, n / 2);
}

static enum err load_secret(const struct key_kind *kind, const struct key_part *parts, size_t n, struct key **out)
{
    const struct key_part *value = part_find(parts, n, CKA_VALUE);
    struct key *k;

    if (value == NULL)
        return ERR_TEMPLATE_INCOMPLETE;
    if (!key_kind_has_length(kind, value->n) || (kind->type == CKK_AES_XTS && !halves_differ(value->value, value->n)))
        return ERR_ATTRIBUTE_VALUE;
    if ((k = calloc(1, sizeof *k)) == NULL || !secret_copy(&k->secret, value->value, value->n)) {
        free(k);
        return ERR_NO_MEMORY;
    }
    k->type = kind->type;
    k->size = value->n;
    *out = k;
    return ERR_OK;
}

enum err key_load(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const struct key_part *parts, size_t n, struct key **out)
{
    EVP_PKEY *evp = NULL;
    enum err e = ERR_KEY_TYPE;

    if (key_kind_is_secret(key_kind_find(type)))
        return load_secret(key_kind_find(type), parts, n, out);
    if (type == CKK_RSA)
        e = load_rsa(libctx, parts, n, &evp);
    else if (type == CKK_EC)
        e = load_ec(libctx, parts, n, &evp);
    return e == ERR_OK ? key_wrap(evp, out) : e;
}

enum err key_check(OSSL_LIB_CTX *libctx, const struct key *k)
{
    EVP_PKEY_CTX *ctx;
    enum err e;

    if (k->evp == NULL)
        return ERR_OK;
    if ((ctx = EVP_PKEY_CTX_new_from_pkey(libctx, k->evp, NULL)) == NULL)
        return ERR_NO_MEMORY;
    e = EVP_PKEY_check(ctx) == 1 ? ERR_OK : ERR_TEMPLATE_INCONSISTENT;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

void key_free(struct key *k)
{
    if (k == NULL)
        return;
    EVP_PKEY_free(k->evp); /* OpenSSL clears the private numbers */
    secret_clear(&k->secret);
    free(k);
}

static enum err number_part(const struct key *k, const char *name, size_t pad, struct secret *out)
{
    BIGNUM *number = NULL;
    size_t n;
    enum err e = ERR_BUG;

    if (EVP_PKEY_get_bn_param(k->evp, name, &number) == 1) {
        n = pad > 0 ? pad : (size_t)BN_num_bytes(number);
        if (!secret_new(out, n))
            e = ERR_NO_MEMORY;
        else if (BN_bn2binpad(number, out->bytes, (int)n) == (int)n)
            e = ERR_OK;
    }
    BN_clear_free(number);
    ERR_clear_error();
    return e;
}

static enum err point_part(const struct key *k, struct secret *out)
{
    uint8_t point[CURVE_POINT_BYTES_MAX];
    struct buffer der = {0};
    size_t n = 0;
    enum err e = ERR_BUG;

    if (EVP_PKEY_get_octet_string_param(k->evp, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &n) == 1 &&
        (e = curve_point_write(point, n, &der)) == ERR_OK && !secret_copy(out, der.data, der.len))
        e = ERR_NO_MEMORY;
    buffer_clear(&der);
    ERR_clear_error();
    return e;
}

bool key_type_has_part(CK_KEY_TYPE key, CK_ATTRIBUTE_TYPE part)
{
    for (int i = 0; key == CKK_RSA && i < RSA_NUMBERS; i++)
        if (rsa_numbers[i].type == part)
            return true;
    if (key == CKK_EC)
        return part == CKA_VALUE || part == CKA_EC_PARAMS || part == CKA_EC_POINT;
    return key_kind_is_secret(key_kind_find(key)) && part == CKA_VALUE;
}

enum err key_part(const struct key *k, CK_ATTRIBUTE_TYPE type, struct secret *out)
{
    if (k->type == CKK_RSA)
        for (int i = 0; i < RSA_NUMBERS; i++)
            if (rsa_numbers[i].type == type)
                return number_part(k, rsa_numbers[i].name, 0, out);
    if (k->type == CKK_EC && type == CKA_VALUE)
        return number_part(k, OSSL_PKEY_PARAM_PRIV_KEY, k->curve->field_bytes, out);
    if (k->type == CKK_EC && type == CKA_EC_PARAMS)
        return secret_copy(out, k->curve->params, k->curve->params_bytes) ? ERR_OK : ERR_NO_MEMORY;
    if (k->type == CKK_EC && type == CKA_EC_POINT)
        return point_part(k, out);
    if (k->evp == NULL && type == CKA_VALUE)
        return secret_copy(out, k->secret.bytes, k->secret.len) ? ERR_OK : ERR_NO_MEMORY;
    return ERR_ATTRIBUTE_TYPE;
}

CK_KEY_TYPE key_type(const struct key *k)
{
    return k->type;
}

size_t key_size(const struct key *k)
{
    return k->size;
}

const struct curve *key_curve(const struct key *k)
{
    return k->curve;
}

EVP_PKEY *key_evp(const struct key *k)
{
    return k->evp;
}

const struct secret *key_secret(const struct key *k)
{
    return &k->secret;
}
