#include "vault/provider/key_rsa.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "proto/limits.h"
#include "vault/provider/key_params.h"
#include "vault/provider/recover.h"

enum rsa_number { RSA_N, RSA_E, RSA_D, RSA_P, RSA_Q, RSA_DP, RSA_DQ, RSA_QINV, RSA_NUMBERS };

enum { RSA_NUMBERS_NEEDED = RSA_D + 1 };

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

enum err key_rsa_load(OSSL_LIB_CTX *libctx, const struct key_part *parts, size_t n, EVP_PKEY **out)
{
    BIGNUM *v[RSA_NUMBERS] = {NULL};
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    enum err e = ERR_NO_MEMORY;

    for (int i = 0; i < RSA_NUMBERS; i++) {
        const struct key_part *part = key_params_find(parts, n, rsa_numbers[i].type);
        if (part == NULL && i < RSA_NUMBERS_NEEDED) {
            e = ERR_TEMPLATE_INCOMPLETE;
            goto out;
        }
        if (part == NULL)
            continue;
        if (part->n > KEY_NUMBER_BYTES_MAX) {
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
    e = key_params_pair(libctx, "RSA", build, out);
out:
    OSSL_PARAM_BLD_free(build);
    for (int i = 0; i < RSA_NUMBERS; i++)
        BN_clear_free(v[i]);
    return e;
}

static bool has(const EVP_PKEY *key, const char *name, BIGNUM **n)
{
    return EVP_PKEY_get_bn_param(key, name, n) == 1;
}

static bool has_two_primes(const EVP_PKEY *key, BIGNUM **v)
{
    BIGNUM *third = NULL;
    bool more = has(key, OSSL_PKEY_PARAM_RSA_FACTOR3, &third);

    BN_clear_free(third);
    return !more && has(key, OSSL_PKEY_PARAM_RSA_FACTOR1, &v[RSA_P]) && has(key, OSSL_PKEY_PARAM_RSA_FACTOR2, &v[RSA_Q]);
}

enum err key_rsa_fits(const EVP_PKEY *key)
{
    BIGNUM *v[RSA_NUMBERS] = {NULL};
    enum err e = ERR_TEMPLATE_INCONSISTENT;

    if (has(key, OSSL_PKEY_PARAM_RSA_N, &v[RSA_N]) && has(key, OSSL_PKEY_PARAM_RSA_E, &v[RSA_E]) &&
        has(key, OSSL_PKEY_PARAM_RSA_D, &v[RSA_D]))
        e = rsa_sizes(v);
    if (e == ERR_OK && (!has_two_primes(key, v) || BN_num_bits(v[RSA_P]) + BN_num_bits(v[RSA_Q]) > BN_num_bits(v[RSA_N]) + 1))
        e = ERR_TEMPLATE_INCONSISTENT;
    for (int i = 0; i < RSA_NUMBERS; i++)
        BN_clear_free(v[i]);
    ERR_clear_error();
    return e;
}

const char *key_rsa_part_name(CK_ATTRIBUTE_TYPE type)
{
    for (int i = 0; i < RSA_NUMBERS; i++)
        if (rsa_numbers[i].type == type)
            return rsa_numbers[i].name;
    return NULL;
}
