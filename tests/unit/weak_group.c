#include "tests/unit/weak_group.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/evp.h>

#include "tests/unit/runner.h"

enum { SMALL_PRIMES = 16, NUMBER_BYTES = 128 };

static struct sample_group good;

/* A random number of so many bits. */
static BIGNUM *random_of(int bits)
{
    BIGNUM *n = BN_new();

    ck_assert_int_eq(BN_rand(n, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY), 1);
    return n;
}

/* A prime of so many bits with q | p - 1. */
static BIGNUM *prime_over(int bits, const BIGNUM *q)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *p = NULL, *rest = BN_new();

    do {
        BN_free(p);
        p = random_of(bits);
        ck_assert(BN_mod(rest, p, q, ctx) == 1 && BN_sub(p, p, rest) == 1 && BN_add_word(p, 1) == 1);
    } while (BN_num_bits(p) != bits || !BN_is_odd(p) || BN_check_prime(p, ctx, NULL) != 1);
    BN_free(rest);
    BN_CTX_free(ctx);
    return p;
}

/* 3 ^ exponent mod p; the exponent is freed. */
static BIGNUM *power_of_3(BIGNUM *exponent, const BIGNUM *p)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *g = BN_new();

    ck_assert(BN_set_word(g, 3) == 1 && BN_mod_exp(g, g, exponent, p, ctx) == 1);
    BN_free(exponent);
    BN_CTX_free(ctx);
    return g;
}

/* (p - 1) / q */
static BIGNUM *cofactor_of(const BIGNUM *p, const BIGNUM *q)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *n = BN_dup(p);

    ck_assert(BN_sub_word(n, 1) == 1 && BN_div(n, NULL, n, q, ctx) == 1);
    BN_CTX_free(ctx);
    return n;
}

static struct sample_group freed(BIGNUM *p, BIGNUM *q, BIGNUM *g)
{
    struct sample_group made = sample_group_of_numbers(p, q, g);

    BN_free(p);
    BN_free(q);
    BN_free(g);
    return made;
}

/* q is a product of primes of 10 bits: sixteen small searches give the whole of x. */
static struct sample_group of_small_factors(void)
{
    static const BN_ULONG primes[SMALL_PRIMES] = {1009, 1013, 1019, 1021, 1009, 1013, 1019, 1021,
                                                  1009, 1013, 1019, 1021, 1013, 1019, 1021, 1021};
    BIGNUM *q = BN_new(), *p;

    ck_assert_int_eq(BN_one(q), 1);
    for (size_t i = 0; i < SMALL_PRIMES; i++)
        ck_assert_int_eq(BN_mul_word(q, primes[i]), 1);
    ck_assert_int_eq(BN_num_bits(q), 160);
    p = prime_over(1024, q);
    return freed(p, q, power_of_3(cofactor_of(p, q), p));
}

/* p is a product of two primes: two searches of half the size. */
static struct sample_group of_composite_prime(void)
{
    BIGNUM *q = BN_bin2bn(good.q, (int)good.q_n, NULL), *p = BN_new(), *a = NULL, *b = NULL, *exponent, *other;
    BN_CTX *ctx = BN_CTX_new();

    do {
        BN_free(a);
        BN_free(b);
        a = prime_over(512, q);
        b = prime_over(512, q);
        ck_assert_int_eq(BN_mul(p, a, b, ctx), 1);
    } while (BN_num_bits(p) != 1024);
    exponent = cofactor_of(a, q);
    other = cofactor_of(b, q);
    ck_assert_int_eq(BN_mul(exponent, exponent, other, ctx), 1);
    BN_free(a);
    BN_free(b);
    BN_free(other);
    BN_CTX_free(ctx);
    return freed(p, q, power_of_3(exponent, p));
}

/* The base has another order. */
static struct sample_group with_base(BN_ULONG base)
{
    struct sample_group made = good;

    made.g_n = 1;
    made.g[0] = (CK_BYTE)base;
    return made;
}

/* Of order 2: y tells whether x is even, and no more; all signatures by such keys are the same two r. */
static struct sample_group with_base_of_order_2(void)
{
    struct sample_group made = good;

    made.g_n = made.p_n;
    memcpy(made.g, made.p, made.p_n);
    made.g[made.p_n - 1] ^= 1; /* p - 1 */
    return made;
}

static struct sample_group where_q_does_not_divide(void)
{
    BIGNUM *q = BN_new(), *p = BN_bin2bn(good.p, (int)good.p_n, NULL), *g = BN_bin2bn(good.g, (int)good.g_n, NULL);

    ck_assert_int_eq(BN_generate_prime_ex(q, 160, 0, NULL, NULL, NULL), 1);
    return freed(p, q, g);
}

static struct sample_group with_short_subprime(void)
{
    struct sample_group made = good;

    made.q_n = 10;
    return made;
}

/* Each is a size of ours, and both together are none. */
static struct sample_group of_two_sizes(void)
{
    EVP_PKEY *key = sample_dsa_of(1);
    struct sample_group made = sample_group_of(key);

    made.p_n = made.g_n = NUMBER_BYTES;
    EVP_PKEY_free(key);
    return made;
}

static struct sample_group with_base_of_another_order(void)
{
    return with_base(3);
}

static struct sample_group with_base_1(void)
{
    return with_base(1);
}

static const struct {
    const char *what;
    struct sample_group (*make)(void);
    CK_RV answer;
} ways[] = {
    {"q of small factors", of_small_factors, CKR_DOMAIN_PARAMS_INVALID},
    {"a composite p", of_composite_prime, CKR_DOMAIN_PARAMS_INVALID},
    {"a base of another order", with_base_of_another_order, CKR_DOMAIN_PARAMS_INVALID},
    {"q that does not divide p - 1", where_q_does_not_divide, CKR_DOMAIN_PARAMS_INVALID},
    {"a base of 1", with_base_1, CKR_ATTRIBUTE_VALUE_INVALID},
    {"a base of order 2", with_base_of_order_2, CKR_ATTRIBUTE_VALUE_INVALID},
    {"q of 80 bits", with_short_subprime, CKR_KEY_SIZE_RANGE},
    {"p of 1024 bits and q of 224", of_two_sizes, CKR_KEY_SIZE_RANGE},
};

bool weak_group_at(size_t position, struct weak_group *out)
{
    EVP_PKEY *key;

    if (position >= sizeof ways / sizeof ways[0])
        return false;
    key = sample_dsa_of(0);
    good = sample_group_of(key);
    EVP_PKEY_free(key);
    *out = (struct weak_group){ways[position].what, ways[position].make(), ways[position].answer};
    return true;
}
