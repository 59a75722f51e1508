/* Groups of Diffie-Hellman that keys may live in, and hostile ones. */
#include "vault/provider/field_group.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "tests/unit/runner.h"
#include "tests/unit/sample_template.h"
#include "vault/provider/key.h"
#include "vault/provider/wrap.h"

static void ck_group(enum err wanted, const BIGNUM *p, BN_ULONG base)
{
    BIGNUM *g = BN_new();

    ck_assert_int_eq(BN_set_word(g, base), 1);
    ck_assert_int_eq(field_group_check(NULL, CKK_DH, p, NULL, g), wanted);
    BN_free(g);
}

START_TEST(test_groups_of_the_rfcs_are_known_by_prime_and_base)
{
    static const char *const names[] = {"ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192",
                                        "modp_2048", "modp_3072", "modp_4096", "modp_6144", "modp_8192"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        EVP_PKEY *key = sample_dh(names[i]);
        BIGNUM *p = NULL, *g = NULL;
        ck_assert_int_eq(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_FFC_P, &p), 1);
        ck_assert_int_eq(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_FFC_G, &g), 1);
        ck_assert_msg(field_group_is_known(NULL, p, g), "%s", names[i]);
        ck_assert_int_eq(field_group_check(NULL, CKK_DH, p, NULL, g), ERR_OK);
        ck_assert_int_eq(BN_add_word(g, 1), 1);
        ck_assert_msg(!field_group_is_known(NULL, p, g), "%s", names[i]);
        BN_free(p);
        BN_free(g);
        EVP_PKEY_free(key);
    }
}
END_TEST

/* Oakley's of 1024 bits is in no list of OpenSSL's; the one of 2048 bits with another base neither. */
START_TEST(test_other_safe_primes_are_found_out)
{
    BIGNUM *small = BN_get_rfc2409_prime_1024(NULL), *large = BN_get_rfc3526_prime_2048(NULL);

    ck_group(ERR_OK, small, 2);
    ck_group(ERR_OK, large, 5);
    BN_free(small);
    BN_free(large);
}
END_TEST

/* RFC 5114's have a subgroup of 160 bits and others that are small; OpenSSL knows them by name as well. */
START_TEST(test_primes_that_are_not_safe_are_refused)
{
    EVP_PKEY *dsa = sample_dsa();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DHX", NULL);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)"dh_2048_224", 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *named = NULL;
    BIGNUM *p = NULL, *g = NULL;

    ck_assert_int_eq(EVP_PKEY_get_bn_param(dsa, OSSL_PKEY_PARAM_FFC_P, &p), 1);
    ck_group(ERR_DOMAIN_PARAMS, p, 2);
    ck_assert_int_eq(EVP_PKEY_keygen_init(ctx), 1);
    ck_assert_int_eq(EVP_PKEY_CTX_set_params(ctx, params), 1);
    ck_assert_int_eq(EVP_PKEY_generate(ctx, &named), 1);
    ck_assert_int_eq(EVP_PKEY_get_bn_param(named, OSSL_PKEY_PARAM_FFC_P, &p), 1);
    ck_assert_int_eq(EVP_PKEY_get_bn_param(named, OSSL_PKEY_PARAM_FFC_G, &g), 1);
    ck_assert(!field_group_is_known(NULL, p, g));
    ck_assert_int_eq(field_group_check(NULL, CKK_DH, p, NULL, g), ERR_DOMAIN_PARAMS);
    BN_free(p);
    BN_free(g);
    EVP_PKEY_free(named);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(dsa);
}
END_TEST

START_TEST(test_composite_numbers_are_refused)
{
    BIGNUM *p = BN_get_rfc3526_prime_2048(NULL), *square = BN_new();
    BN_CTX *ctx = BN_CTX_new();

    ck_assert_int_eq(BN_add_word(p, 4), 1);
    ck_group(ERR_DOMAIN_PARAMS, p, 2);
    BN_get_rfc2409_prime_1024(p);
    ck_assert_int_eq(BN_sqr(square, p, ctx), 1);
    ck_group(ERR_DOMAIN_PARAMS, square, 2);
    BN_zero(square);
    ck_assert_int_eq(BN_set_bit(square, 2048), 1);
    ck_assert_int_eq(BN_sub_word(square, 1), 1); /* 2^2048 - 1, a product of small numbers; 2 has the order 2048 */
    ck_group(ERR_DOMAIN_PARAMS, square, 2);
    BN_free(p);
    BN_free(square);
    BN_CTX_free(ctx);
}
END_TEST

/* Whoever changes the prime within a wrapped key would read it from the public value. */
START_TEST(test_a_wrapped_key_in_another_group_is_refused)
{
    EVP_PKEY *key = sample_dh("ffdhe2048");
    struct key *loaded = NULL, *back = NULL;
    struct secret packed = {0};
    BIGNUM *p = NULL;
    uint8_t prime[256];
    size_t at = 0;

    ck_assert_int_eq(key_wrap(key, &loaded), ERR_OK);
    ck_assert_int_eq(wrap_pack(loaded, &packed), ERR_OK);
    ck_assert_int_eq(wrap_unpack_private(NULL, &packed, &back), ERR_OK);
    key_free(back);
    back = NULL;
    ck_assert_int_eq(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_FFC_P, &p), 1);
    ck_assert_int_eq(BN_bn2bin(p, prime), (int)sizeof prime);
    while (at + sizeof prime <= packed.len && memcmp(packed.bytes + at, prime, sizeof prime) != 0)
        at++;
    ck_assert_uint_le(at + sizeof prime, packed.len);
    packed.bytes[at + 100] ^= 1;
    ck_assert_int_eq(wrap_unpack_private(NULL, &packed, &back), ERR_WRAPPED_KEY);
    ck_assert_ptr_null(back);
    BN_free(p);
    secret_clear(&packed);
    key_free(loaded);
}
END_TEST

/* 0, p - 1 and what is beyond: the public value would be 1, or tell all of a key of one bit. */
START_TEST(test_private_numbers_out_of_range_are_refused)
{
    BIGNUM *p = BN_get_rfc3526_prime_2048(NULL);
    uint8_t prime[256], base = 2, x[256];
    struct key *none = NULL;
    struct key_part parts[] = {{CKA_PRIME, prime, sizeof prime}, {CKA_BASE, &base, 1}, {CKA_VALUE, x, sizeof x}};

    ck_assert_int_eq(BN_bn2bin(p, prime), (int)sizeof prime);
    for (BN_ULONG below = 0; below < 3; below++) {
        struct key *k = NULL;
        enum err e;
        ck_assert_int_eq(BN_bn2bin(p, x), (int)sizeof x);
        ck_assert_int_eq(BN_sub_word(p, 1), 1);
        e = key_load(NULL, CKK_DH, parts, 3, &k);
        ck_assert_int_eq(e, below < 2 ? ERR_ATTRIBUTE_VALUE : ERR_OK);
        key_free(k);
    }
    memset(x, 0, sizeof x);
    ck_assert_int_eq(key_load(NULL, CKK_DH, parts, 3, &none), ERR_ATTRIBUTE_VALUE);
    BN_free(p);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_groups_of_the_rfcs_are_known_by_prime_and_base, &test_other_safe_primes_are_found_out,
        &test_primes_that_are_not_safe_are_refused,           &test_composite_numbers_are_refused,
        &test_a_wrapped_key_in_another_group_is_refused,      &test_private_numbers_out_of_range_are_refused,
        NULL,
    };

    return suite_of("field_group", 60, tests);
}
