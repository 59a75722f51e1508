#include "vault/provider/key_field.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/field.h"
#include "vault/provider/field_group.h"
#include "vault/provider/key_params.h"

/* p, q (of DSA, else NULL), g, the private x and the public y. */
struct numbers {
    BIGNUM *p, *q, *g, *x, *y;
};

static void clear(struct numbers *v)
{
    BN_free(v->p);
    BN_free(v->q);
    BN_free(v->g);
    BN_clear_free(v->x);
    BN_free(v->y);
}

static enum err take(const struct key_part *parts, size_t n, CK_ATTRIBUTE_TYPE type, BIGNUM **out)
{
    const struct key_part *part = key_params_find(parts, n, type);

    if (part == NULL)
        return ERR_TEMPLATE_INCOMPLETE;
    if (part->n > KEY_NUMBER_BYTES_MAX)
        return type == CKA_PRIME ? ERR_KEY_SIZE : ERR_ATTRIBUTE_VALUE;
    *out = BN_bin2bn(part->value, (int)part->n, NULL);
    return *out != NULL ? ERR_OK : ERR_NO_MEMORY;
}

/* PKCS #3 section 7.1, FIPS 186-4 section 4.1: 0 < x < p - 1, or q. */
static bool private_in_range(const struct numbers *v)
{
    BIGNUM *end = BN_dup(v->q != NULL ? v->q : v->p);
    bool ok = end != NULL && (v->q != NULL || BN_sub_word(end, 1) == 1) && !BN_is_zero(v->x) && BN_cmp(v->x, end) < 0;

    BN_free(end);
    return ok;
}

static enum err compute_public(OSSL_LIB_CTX *libctx, struct numbers *v)
{
    BN_CTX *ctx = BN_CTX_secure_new_ex(libctx);
    enum err e = ERR_NO_MEMORY;

    BN_set_flags(v->x, BN_FLG_CONSTTIME);
    if (ctx != NULL && (v->y = BN_new()) != NULL && BN_mod_exp_mont_consttime(v->y, v->g, v->x, v->p, ctx, NULL) == 1)
        e = field_in_range(v->y, v->p) ? ERR_OK : ERR_ATTRIBUTE_VALUE;
    BN_CTX_free(ctx);
    ERR_clear_error();
    return e;
}

static bool push_parameters(OSSL_PARAM_BLD *params, const struct numbers *v)
{
    return OSSL_PARAM_BLD_push_BN(params, OSSL_PKEY_PARAM_FFC_P, v->p) == 1 &&
           (v->q == NULL || OSSL_PARAM_BLD_push_BN(params, OSSL_PKEY_PARAM_FFC_Q, v->q) == 1) &&
           OSSL_PARAM_BLD_push_BN(params, OSSL_PKEY_PARAM_FFC_G, v->g) == 1;
}

static enum err build(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const struct numbers *v, EVP_PKEY **out)
{
    OSSL_PARAM_BLD *params = OSSL_PARAM_BLD_new();
    enum err e = ERR_NO_MEMORY;

    if (params != NULL && push_parameters(params, v) &&
        (v->y == NULL || OSSL_PARAM_BLD_push_BN(params, OSSL_PKEY_PARAM_PUB_KEY, v->y) == 1) &&
        OSSL_PARAM_BLD_push_BN_pad(params, OSSL_PKEY_PARAM_PRIV_KEY, v->x, (size_t)BN_num_bytes(v->q != NULL ? v->q : v->p)) == 1)
        e = key_params_pair(libctx, field_name(type), params, out);
    OSSL_PARAM_BLD_free(params);
    return e;
}

static enum err take_parameters(CK_KEY_TYPE type, const struct key_part *parts, size_t n, struct numbers *v)
{
    enum err e = take(parts, n, CKA_PRIME, &v->p);

    if (e == ERR_OK && field_has_parameter(type, CKA_SUBPRIME))
        e = take(parts, n, CKA_SUBPRIME, &v->q);
    if (e == ERR_OK)
        e = take(parts, n, CKA_BASE, &v->g);
    return e == ERR_OK ? field_check(type, v->p, v->q, v->g) : e;
}

enum err key_field_load(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const struct key_part *parts, size_t n, EVP_PKEY **out)
{
    struct numbers v = {0};
    enum err e = take_parameters(type, parts, n, &v);

    if (e == ERR_OK)
        e = take(parts, n, CKA_VALUE, &v.x);
    if (e == ERR_OK && !private_in_range(&v))
        e = ERR_ATTRIBUTE_VALUE;
    if (e == ERR_OK && type == CKK_DSA) /* which OpenSSL wants, and which is short */
        e = compute_public(libctx, &v);
    if (e == ERR_OK)
        e = build(libctx, type, &v, out);
    clear(&v);
    return e;
}

/* ---- new ones */

enum err key_field_parameters(CK_KEY_TYPE type, const struct key_part *parts, size_t n)
{
    struct numbers v = {0};
    enum err e = take_parameters(type, parts, n, &v);

    clear(&v);
    return e;
}

/* OpenSSL makes x as FIPS 186-4 appendix B.1 says. */
static enum err generate_with(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, OSSL_PARAM *params, EVP_PKEY **out)
{
    EVP_PKEY_CTX *from = EVP_PKEY_CTX_new_from_name(libctx, field_name(type), NULL), *ctx = NULL;
    EVP_PKEY *domain = NULL;
    enum err e = ERR_NO_MEMORY;

    if (from != NULL && EVP_PKEY_fromdata_init(from) == 1 && EVP_PKEY_fromdata(from, &domain, EVP_PKEY_KEY_PARAMETERS, params) == 1 &&
        (ctx = EVP_PKEY_CTX_new_from_pkey(libctx, domain, NULL)) != NULL && EVP_PKEY_keygen_init(ctx) == 1)
        e = EVP_PKEY_generate(ctx, out) == 1 ? ERR_OK : ERR_BUG;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(domain);
    EVP_PKEY_CTX_free(from);
    ERR_clear_error();
    return e;
}

static enum err generate_dsa(OSSL_LIB_CTX *libctx, const struct numbers *v, EVP_PKEY **out)
{
    OSSL_PARAM_BLD *build_params = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    enum err e = ERR_NO_MEMORY;

    if (build_params != NULL && push_parameters(build_params, v) && (params = OSSL_PARAM_BLD_to_param(build_params)) != NULL)
        e = generate_with(libctx, CKK_DSA, params, out);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build_params);
    return e;
}

size_t key_field_private_bits(size_t prime_bits)
{
    static const struct {
        size_t prime, number;
    } least[] = {{2048, 225}, {3072, 275}, {4096, 325}, {6144, 375}, {SIZE_MAX, 400}};
    size_t i = 0;

    while (prime_bits > least[i].prime)
        i++;
    return least[i].number;
}

/* The first bit is set, so that CKA_VALUE_BITS tells nothing of the number (PKCS #3 section 7.1 has l such bits). */
static enum err generate_dh(OSSL_LIB_CTX *libctx, struct numbers *v, size_t bits, EVP_PKEY **out)
{
    size_t least = key_field_private_bits((size_t)BN_num_bits(v->p));
    BN_CTX *ctx;
    enum err e = ERR_OK;

    if (bits != 0 && (bits < least || bits >= (size_t)BN_num_bits(v->p)))
        return ERR_ATTRIBUTE_VALUE;
    if ((ctx = BN_CTX_secure_new_ex(libctx)) == NULL || (v->x = BN_secure_new()) == NULL)
        e = ERR_NO_MEMORY;
    else if (BN_priv_rand_ex(v->x, (int)(bits != 0 ? bits : least), BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY, 0, ctx) != 1)
        e = ERR_BUG;
    BN_CTX_free(ctx);
    if (e == ERR_OK)
        e = compute_public(libctx, v);
    return e == ERR_OK ? build(libctx, CKK_DH, v, out) : e;
}

enum err key_field_generate(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const struct key_part *parts, size_t n, size_t bits, EVP_PKEY **out)
{
    struct numbers v = {0};
    enum err e = take_parameters(type, parts, n, &v);

    if (e == ERR_OK)
        e = field_group_check(libctx, type, v.p, v.q, v.g);
    if (e == ERR_OK)
        e = type == CKK_DH ? generate_dh(libctx, &v, bits, out) : generate_dsa(libctx, &v, out);
    clear(&v);
    return e;
}

/* ---- the slow check */

static bool read_numbers(const EVP_PKEY *key, CK_KEY_TYPE type, struct numbers *v)
{
    return EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_FFC_P, &v->p) == 1 && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_FFC_G, &v->g) == 1 &&
           EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &v->x) == 1 &&
           (!field_has_parameter(type, CKA_SUBPRIME) || EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_FFC_Q, &v->q) == 1);
}

enum err key_field_check(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const EVP_PKEY *key)
{
    struct numbers v = {0};
    enum err e = read_numbers(key, type, &v) ? ERR_OK : ERR_TEMPLATE_INCONSISTENT;

    ERR_clear_error();
    if (e == ERR_OK && (field_check(type, v.p, v.q, v.g) != ERR_OK || !private_in_range(&v)))
        e = ERR_TEMPLATE_INCONSISTENT;
    if (e == ERR_OK)
        e = field_group_check(libctx, type, v.p, v.q, v.g);
    if (e == ERR_OK && (e = compute_public(libctx, &v)) == ERR_ATTRIBUTE_VALUE)
        e = ERR_TEMPLATE_INCONSISTENT;
    clear(&v);
    return e;
}

/* ---- parts */

enum err key_field_part(const EVP_PKEY *key, CK_KEY_TYPE type, CK_ATTRIBUTE_TYPE part, struct secret *out)
{
    if (!field_has_part(type, part))
        return ERR_ATTRIBUTE_TYPE;
    return key_params_number(key, part == CKA_VALUE ? OSSL_PKEY_PARAM_PRIV_KEY : field_parameter_name(part), 0, out);
}

enum err key_field_public_value(const EVP_PKEY *key, CK_KEY_TYPE type, struct secret *out)
{
    struct numbers v = {0};
    enum err e = ERR_BUG;

    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PUB_KEY, &v.y) == 1 || /* of CKK_DSA, and of a pair that was just made */
        (read_numbers(key, type, &v) && (e = compute_public(NULL, &v)) == ERR_OK))
        e = secret_new(out, (size_t)BN_num_bytes(v.y)) ? ERR_OK : ERR_NO_MEMORY;
    if (e == ERR_OK && BN_bn2bin(v.y, out->bytes) != (int)out->len)
        e = ERR_BUG;
    clear(&v);
    ERR_clear_error();
    return e;
}
