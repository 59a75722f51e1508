#include "vault/provider/field_group.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

enum { ROUNDS = 32, GROUP_NAME_BYTES_MAX = 64 };

/* OpenSSL knows those of RFC 5114 as well, which are of no safe primes. */
static bool is_safe_name(const char *name)
{
    return strncmp(name, "ffdhe", 5) == 0 || strncmp(name, "modp_", 5) == 0;
}

bool field_group_is_known(OSSL_LIB_CTX *libctx, const BIGNUM *p, const BIGNUM *g)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(libctx, "DH", NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *evp = NULL;
    char name[GROUP_NAME_BYTES_MAX];
    size_t n = 0;
    bool known = false;

    if (build != NULL && ctx != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_P, p) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_G, g) == 1 && (params = OSSL_PARAM_BLD_to_param(build)) != NULL &&
        EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &evp, EVP_PKEY_KEY_PARAMETERS, params) == 1 &&
        EVP_PKEY_get_group_name(evp, name, sizeof name, &n) == 1)
        known = is_safe_name(name);
    EVP_PKEY_free(evp);
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_BLD_free(build);
    ERR_clear_error();
    return known;
}

/* ---- primes */

/* One round of Miller and Rabin: n - 1 = odd * 2^twos. ERR_DOMAIN_PARAMS: n is composite. */
static enum err round_passes(const BIGNUM *n, const BIGNUM *n1, const BIGNUM *odd, int twos, BN_MONT_CTX *mont, BN_CTX *ctx)
{
    BIGNUM *a, *z;
    enum err e = ERR_NO_MEMORY;

    BN_CTX_start(ctx);
    a = BN_CTX_get(ctx);
    z = BN_CTX_get(ctx);
    if (z == NULL || BN_copy(z, n) == NULL || BN_sub_word(z, 3) != 1 || BN_rand_range_ex(a, z, 0, ctx) != 1 || BN_add_word(a, 2) != 1 ||
        BN_mod_exp_mont(z, a, odd, n, ctx, mont) != 1)
        goto out;
    e = BN_is_one(z) || BN_cmp(z, n1) == 0 ? ERR_OK : ERR_DOMAIN_PARAMS;
    for (int i = 1; e == ERR_DOMAIN_PARAMS && i < twos; i++) {
        if (BN_mod_sqr(z, z, n, ctx) != 1)
            e = ERR_NO_MEMORY;
        else if (BN_cmp(z, n1) == 0)
            e = ERR_OK;
    }
out:
    BN_CTX_end(ctx);
    return e;
}

/* OpenSSL's own test takes 64 or 128 rounds and no fewer: minutes, for numbers of 8192 bits. n is odd and above 3. */
static enum err is_prime(const BIGNUM *n, BN_CTX *ctx)
{
    BN_MONT_CTX *mont = BN_MONT_CTX_new();
    BIGNUM *n1, *odd;
    int twos = 1;
    enum err e = ERR_NO_MEMORY;

    BN_CTX_start(ctx);
    n1 = BN_CTX_get(ctx);
    odd = BN_CTX_get(ctx);
    if (odd != NULL && mont != NULL && BN_copy(n1, n) != NULL && BN_sub_word(n1, 1) == 1 && BN_MONT_CTX_set(mont, n, ctx) == 1) {
        while (!BN_is_bit_set(n1, twos))
            twos++;
        e = BN_rshift(odd, n1, twos) == 1 ? ERR_OK : ERR_NO_MEMORY;
    }
    for (int i = 0; e == ERR_OK && i < ROUNDS; i++)
        e = round_passes(n, n1, odd, twos, mont, ctx);
    BN_CTX_end(ctx);
    BN_MONT_CTX_free(mont);
    return e;
}

/* Pocklington: where q is a prime, p = 2q + 1 is one if 2^(p - 1) = 1 mod p, and 3 = 2^2 - 1 does not divide p. */
static enum err is_twice_prime(const BIGNUM *p, const BIGNUM *q, BN_CTX *ctx)
{
    BIGNUM *two, *power;
    enum err e = ERR_NO_MEMORY;

    BN_CTX_start(ctx);
    two = BN_CTX_get(ctx);
    power = BN_CTX_get(ctx);
    /* 2^q is 1 or -1 mod p then. */
    if (power != NULL && BN_set_word(two, 2) == 1 && BN_mod_exp_mont(power, two, q, p, ctx, NULL) == 1 &&
        (BN_is_one(power) || BN_add_word(power, 1) == 1))
        e = BN_mod_word(p, 3) != 0 && (BN_is_one(power) || BN_cmp(power, p) == 0) ? ERR_OK : ERR_DOMAIN_PARAMS;
    BN_CTX_end(ctx);
    return e;
}

/* (p - 1) / 2 is odd for all safe primes but 5. Nearly all other numbers fail at the first power already, whatever q is. */
static enum err is_safe_prime(const BIGNUM *p, BN_CTX *ctx)
{
    BIGNUM *q;
    enum err e = ERR_NO_MEMORY;

    BN_CTX_start(ctx);
    q = BN_CTX_get(ctx);
    if (q != NULL && BN_rshift1(q, p) == 1)
        e = BN_is_odd(q) ? is_twice_prime(p, q, ctx) : ERR_DOMAIN_PARAMS;
    if (e == ERR_OK)
        e = is_prime(q, ctx);
    BN_CTX_end(ctx);
    return e;
}

/* FIPS 186-4 section 4.1. */
static enum err is_subgroup(const BIGNUM *p, const BIGNUM *q, const BIGNUM *g, BN_CTX *ctx)
{
    BIGNUM *n;
    enum err e = ERR_NO_MEMORY;

    BN_CTX_start(ctx);
    n = BN_CTX_get(ctx);
    if (n != NULL && BN_copy(n, p) != NULL && BN_sub_word(n, 1) == 1 && BN_mod(n, n, q, ctx) == 1)
        e = BN_is_zero(n) ? ERR_OK : ERR_DOMAIN_PARAMS;
    if (e == ERR_OK && BN_mod_exp_mont(n, g, q, p, ctx, NULL) != 1)
        e = ERR_NO_MEMORY;
    if (e == ERR_OK && !BN_is_one(n))
        e = ERR_DOMAIN_PARAMS;
    if (e == ERR_OK)
        e = is_prime(q, ctx);
    if (e == ERR_OK)
        e = is_prime(p, ctx);
    BN_CTX_end(ctx);
    return e;
}

enum err field_group_check(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const BIGNUM *p, const BIGNUM *q, const BIGNUM *g)
{
    BN_CTX *ctx;
    enum err e;

    if (type == CKK_DH && field_group_is_known(libctx, p, g))
        return ERR_OK;
    if ((ctx = BN_CTX_new_ex(libctx)) == NULL)
        return ERR_NO_MEMORY;
    e = type == CKK_DSA ? is_subgroup(p, q, g, ctx) : is_safe_prime(p, ctx);
    BN_CTX_free(ctx);
    ERR_clear_error();
    return e;
}
