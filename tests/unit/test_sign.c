/* Private keys loaded, made and used: every signing row against the public side, and what must be refused. */
#include "vault/provider/sign.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "common/hex.h"
#include "crypto/eddsa.h"
#include "crypto/verify.h"
#include "proto/limits.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_mechanism.h"
#include "vault/provider/generate.h"

static const uint8_t F4[] = {1, 0, 1};
static const CK_ATTRIBUTE_TYPE rsa_types[] = {CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_PRIVATE_EXPONENT, CKA_PRIME_1,
                                              CKA_PRIME_2, CKA_EXPONENT_1,      CKA_EXPONENT_2,       CKA_COEFFICIENT};
static const CK_ATTRIBUTE_TYPE ec_types[] = {CKA_EC_PARAMS, CKA_VALUE, CKA_EC_POINT};
enum { PARTS_MAX = 8 };

static struct secret store[PARTS_MAX];
static struct key_part parts[PARTS_MAX];
static size_t parts_n;

static void take_apart(const struct key *k)
{
    const CK_ATTRIBUTE_TYPE *types = key_type(k) == CKK_RSA ? rsa_types : ec_types;
    parts_n = key_type(k) == CKK_RSA ? 8 : 3;
    for (size_t i = 0; i < parts_n; i++) {
        ck_assert_int_eq(key_part(k, types[i], &store[i]), ERR_OK);
        parts[i] = (struct key_part){.type = types[i], .value = store[i].bytes, .n = store[i].len};
    }
}

static struct key *make(CK_KEY_TYPE type, const char *curve)
{
    struct key *k = NULL;
    if (type == CKK_RSA)
        ck_assert_int_eq(generate_rsa(NULL, 2048, F4, sizeof F4, &k), ERR_OK);
    else
        ck_assert_int_eq(generate_ec(NULL, curve_by_name(curve), &k), ERR_OK);
    take_apart(k);
    return k;
}

static void drop(struct key *k)
{
    for (size_t i = 0; i < PARTS_MAX; i++)
        secret_clear(&store[i]);
    key_free(k);
}

static void sign_all_rows_of(const struct key *k, const struct public_key *public)
{
    uint8_t data[64], out[SIGNATURE_BYTES_MAX];
    int tried = 0;
    memset(data, 0x42, sizeof data);
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *m = mechanism_at(i);
        size_t n = m->hash != NULL ? mechanism_hash_bytes(m->hash) : 32, out_n = 0;
        if (!mechanism_does(m, CKF_SIGN) || m->key_type != key_type(k))
            continue;
        CK_RSA_PKCS_PSS_PARAMS params = sample_pss(m);
        Hsm__PssParams pss = sample_pss_wire(&params), *given = m->param == PARAM_PSS ? &pss : NULL;
        struct sign s = {.mechanism = m, .pss = given, .key = k};
        struct verify v = {.mechanism = m, .pss = given, .key = public};
        ck_assert_msg(sign_data(&s, data, n, out, &out_n) == ERR_OK, "%s", m->name);
        ck_assert_uint_eq(out_n, mechanism_signature_bytes(m, key_size(k)));
        ck_assert_msg(verify_signature(&v, data, n, out, out_n) == ERR_OK, "%s", m->name);
        out[out_n / 2] ^= 1;
        ck_assert_msg(verify_signature(&v, data, n, out, out_n) == ERR_SIGNATURE, "%s", m->name);
        if (m->hash != NULL)
            ck_assert_int_eq(sign_data(&s, data, n - 1, out, &out_n), ERR_DATA_LEN);
        tried++;
    }
    ck_assert((tried > 0) == (key_type(k) != CKK_EC_MONTGOMERY));
}

START_TEST(test_every_rsa_row_signs_what_the_public_key_verifies)
{
    struct key *k = make(CKK_RSA, NULL);
    struct public_key *public = NULL;
    ck_assert_int_eq(public_key_rsa(NULL, parts[0].value, parts[0].n, parts[1].value, parts[1].n, &public), ERR_OK);
    sign_all_rows_of(k, public);
    public_key_free(public);
    drop(k);
}
END_TEST

START_TEST(test_every_ec_row_signs_what_the_public_key_verifies)
{
    for (size_t i = 0; curve_at(i) != NULL; i++) {
        struct key *k = make(curve_at(i)->key_type, curve_at(i)->name);
        struct public_key *public = NULL;
        ck_assert_int_eq(public_key_ec(NULL, key_type(k), parts[0].value, parts[0].n, parts[2].value, parts[2].n, &public), ERR_OK);
        sign_all_rows_of(k, public);
        public_key_free(public);
        drop(k);
    }
}
END_TEST

START_TEST(test_rsa_key_loads_without_remainders_and_gets_the_same)
{
    struct key *k = make(CKK_RSA, NULL), *loaded = NULL;
    ck_assert_int_eq(key_load(NULL, CKK_RSA, parts, 5, &loaded), ERR_OK);
    ck_assert_int_eq(key_check(NULL, loaded), ERR_OK);
    for (size_t i = 0; i < parts_n; i++) {
        struct secret again = {0};
        ck_assert_int_eq(key_part(loaded, parts[i].type, &again), ERR_OK);
        ck_assert(secret_equal(&again, &store[i]));
        secret_clear(&again);
    }
    key_free(loaded);
    drop(k);
}
END_TEST

START_TEST(test_rsa_key_with_a_wrong_part_is_refused)
{
    struct key *k = make(CKK_RSA, NULL), *loaded = NULL;
    for (size_t i = 0; i < parts_n; i++) {
        if (parts[i].type == CKA_PUBLIC_EXPONENT || parts[i].type == CKA_PRIVATE_EXPONENT)
            continue;
        store[i].bytes[store[i].len / 2] ^= 4;
        ck_assert_int_eq(key_load(NULL, CKK_RSA, parts, parts_n, &loaded), ERR_TEMPLATE_INCONSISTENT);
        store[i].bytes[store[i].len / 2] ^= 4;
    }
    for (size_t i = 0; i < 3; i++) {
        parts[i].n = 0;
        ck_assert_int_eq(key_load(NULL, CKK_RSA, parts, parts_n, &loaded), ERR_TEMPLATE_INCOMPLETE);
        parts[i].n = store[i].len;
    }
    drop(k);
}
END_TEST

START_TEST(test_rsa_key_with_a_part_of_its_primes_is_refused)
{
    struct key *k = make(CKK_RSA, NULL), *loaded = NULL;
    for (size_t i = 3; i < 8; i++) {
        size_t n = parts[i].n;
        for (size_t j = 3; j < 8; j++)
            parts[j].n = 0;
        parts[i].n = n;
        ck_assert_int_eq(key_load(NULL, CKK_RSA, parts, parts_n, &loaded), ERR_TEMPLATE_INCOMPLETE);
        for (size_t j = 3; j < 8; j++)
            parts[j].n = store[j].len;
    }
    drop(k);
}
END_TEST

/* The primes come back in order of size, so the parts that depend on the order are compared with a key loaded from the others. */
START_TEST(test_rsa_key_without_its_primes_gets_them_back)
{
    for (int round = 0; round < 5; round++) {
        struct key *k = make(CKK_RSA, NULL), *loaded = NULL;
        struct secret p = {0}, q = {0};
        ck_assert_int_eq(key_load(NULL, CKK_RSA, parts, 3, &loaded), ERR_OK);
        ck_assert_int_eq(key_check(NULL, loaded), ERR_OK);
        ck_assert_int_eq(key_part(loaded, CKA_PRIME_1, &p), ERR_OK);
        ck_assert_int_eq(key_part(loaded, CKA_PRIME_2, &q), ERR_OK);
        ck_assert((secret_equal(&p, &store[3]) && secret_equal(&q, &store[4])) ||
                  (secret_equal(&p, &store[4]) && secret_equal(&q, &store[3])));
        ck_assert_int_gt(memcmp(p.bytes, q.bytes, p.len), 0);
        secret_clear(&p);
        secret_clear(&q);
        key_free(loaded);
        drop(k);
    }
}
END_TEST

/* d = e^-1 mod (p - 1)(q - 1), as older libraries have it, is larger than the one that OpenSSL 3 makes. */
START_TEST(test_rsa_primes_are_found_by_either_private_exponent)
{
    struct key *k = make(CKK_RSA, NULL), *loaded = NULL;
    BIGNUM *v[5], *phi = BN_new(), *d = BN_new();
    BN_CTX *ctx = BN_CTX_new();
    uint8_t bytes[256];
    for (int i = 0; i < 5; i++)
        v[i] = BN_bin2bn(parts[i].value, (int)parts[i].n, NULL);
    BN_sub_word(v[3], 1);
    BN_sub_word(v[4], 1);
    ck_assert_int_eq(BN_mul(phi, v[3], v[4], ctx), 1);
    ck_assert_ptr_nonnull(BN_mod_inverse(d, v[1], phi, ctx));
    ck_assert_int_gt(BN_bn2binpad(d, bytes, sizeof bytes), 0);
    parts[2] = (struct key_part){.type = CKA_PRIVATE_EXPONENT, .value = bytes, .n = sizeof bytes};
    ck_assert_int_eq(key_load(NULL, CKK_RSA, parts, 3, &loaded), ERR_OK);
    ck_assert_int_eq(key_check(NULL, loaded), ERR_OK);
    key_free(loaded);
    for (int i = 0; i < 5; i++)
        BN_free(v[i]);
    BN_free(phi);
    BN_free(d);
    BN_CTX_free(ctx);
    drop(k);
}
END_TEST

START_TEST(test_rsa_numbers_of_no_key_give_no_primes)
{
    struct key *k = make(CKK_RSA, NULL), *loaded = NULL;
    store[2].bytes[100] ^= 1;
    ck_assert_int_eq(key_load(NULL, CKK_RSA, parts, 3, &loaded), ERR_TEMPLATE_INCONSISTENT);
    store[2].bytes[100] ^= 1;
    store[2].bytes[store[2].len - 1] ^= 1; /* an even one */
    ck_assert_int_eq(key_load(NULL, CKK_RSA, parts, 3, &loaded), ERR_TEMPLATE_INCONSISTENT);
    store[2].bytes[store[2].len - 1] ^= 1;
    store[0].bytes[50] ^= 1;
    ck_assert_int_eq(key_load(NULL, CKK_RSA, parts, 3, &loaded), ERR_TEMPLATE_INCONSISTENT);
    drop(k);
}
END_TEST

START_TEST(test_rsa_exponents_that_do_not_belong_together_fail_the_check)
{
    struct key *k = make(CKK_RSA, NULL), *loaded = NULL;
    store[2].bytes[store[2].len / 2] ^= 4;
    ck_assert_int_eq(key_load(NULL, CKK_RSA, parts, 5, &loaded), ERR_OK);
    ck_assert_int_eq(key_check(NULL, loaded), ERR_TEMPLATE_INCONSISTENT);
    key_free(loaded);
    drop(k);
}
END_TEST

START_TEST(test_ec_key_loads_from_its_value_alone_and_gets_its_point)
{
    for (size_t i = 0; curve_at(i) != NULL; i++) {
        struct key *k = make(curve_at(i)->key_type, curve_at(i)->name), *loaded = NULL;
        struct secret point = {0};
        ck_assert_int_eq(key_load(NULL, curve_at(i)->key_type, parts, 2, &loaded), ERR_OK);
        ck_assert_int_eq(key_check(NULL, loaded), ERR_OK);
        ck_assert_int_eq(key_part(loaded, CKA_EC_POINT, &point), ERR_OK);
        ck_assert(secret_equal(&point, &store[2]));
        secret_clear(&point);
        key_free(loaded);
        drop(k);
    }
}
END_TEST

START_TEST(test_ec_key_outside_its_group_or_with_anothers_point_is_refused)
{
    struct key *other = make(CKK_EC, "P-256"), *k, *loaded = NULL;
    struct secret point = {0};
    secret_move(&point, &store[2]);
    k = make(CKK_EC, "P-256");
    parts[2].value = point.bytes;
    ck_assert_int_eq(key_load(NULL, CKK_EC, parts, 3, &loaded), ERR_TEMPLATE_INCONSISTENT);
    memset(store[1].bytes, 0xff, store[1].len);
    ck_assert_int_eq(key_load(NULL, CKK_EC, parts, 2, &loaded), ERR_ATTRIBUTE_VALUE);
    memset(store[1].bytes, 0, store[1].len);
    ck_assert_int_eq(key_load(NULL, CKK_EC, parts, 2, &loaded), ERR_ATTRIBUTE_VALUE);
    parts[0].n--;
    ck_assert_int_eq(key_load(NULL, CKK_EC, parts, 2, &loaded), ERR_CURVE);
    secret_clear(&point);
    key_free(other);
    drop(k);
}
END_TEST

/* RFC 8032 sections 7.1 and 7.4, the signatures of nothing: the private string makes the point, and the signature is one of a kind. */
START_TEST(test_eddsa_gives_the_published_values)
{
    static const struct {
        const char *curve, *value, *point, *signature;
    } rows[] = {
        {"ED25519", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
         "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"ED448", "6c82a562cb808d10d632be89c8513ebf6c929f34ddfa8c9f63c9960ef6e348a3528c8a3fcc2f044e39a3fc5b94492f8f032e7549a20098f95b",
         "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6cd1fa1abeafe8256180",
         "533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f2fd7a22ddd47d7828c59bd0a21bfd3980"
         "ff0d2028d4b18a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4dbb61149f05a7363268c71d95808ff2e652600"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct curve *c = curve_by_name(rows[i].curve);
        uint8_t value[CURVE_FIELD_BYTES_MAX], point[CURVE_POINT_BYTES_MAX], right[SIGNATURE_BYTES_MAX], out[SIGNATURE_BYTES_MAX];
        size_t value_n, point_n, right_n, n = 0;
        struct key *k = NULL;
        ck_assert(hex_decode(rows[i].value, value, sizeof value, &value_n) && hex_decode(rows[i].point, point, sizeof point, &point_n) &&
                  hex_decode(rows[i].signature, right, sizeof right, &right_n));
        const struct key_part given[] = {
            {CKA_EC_PARAMS, c->params, c->params_bytes}, {CKA_VALUE, value, value_n}, {CKA_EC_POINT, point, point_n}};
        ck_assert_int_eq(key_load(NULL, CKK_EC_EDWARDS, given, 3, &k), ERR_OK);
        struct sign s = {.mechanism = mechanism_find(CKM_EDDSA), .key = k};
        ck_assert_int_eq(sign_data(&s, NULL, 0, out, &n), ERR_OK);
        ck_assert_uint_eq(n, right_n);
        ck_assert_mem_eq(out, right, n);
        key_free(k);
        k = NULL;
        point[0] ^= 1;
        ck_assert_int_eq(key_load(NULL, CKK_EC_EDWARDS, given, 3, &k), ERR_TEMPLATE_INCONSISTENT);
        ck_assert_int_eq(key_load(NULL, CKK_EC, given, 2, &k), ERR_CURVE);
        value[0] ^= 1;
        const struct key_part cut[] = {{CKA_EC_PARAMS, c->params, c->params_bytes}, {CKA_VALUE, value, value_n - 1}};
        ck_assert_int_eq(key_load(NULL, CKK_EC_EDWARDS, cut, 2, &k), ERR_ATTRIBUTE_VALUE);
    }
}
END_TEST

START_TEST(test_generate_refuses_sizes_and_exponents_out_of_range)
{
    static const uint8_t even[] = {1, 0, 2}, three[] = {3}, large[9] = {1, 0, 0, 0, 0, 0, 0, 0, 1};
    struct key *k = NULL;
    ck_assert_int_eq(generate_rsa(NULL, 1016, F4, sizeof F4, &k), ERR_KEY_SIZE);
    ck_assert_int_eq(generate_rsa(NULL, 8193, F4, sizeof F4, &k), ERR_KEY_SIZE);
    ck_assert_int_eq(generate_rsa(NULL, 2048, even, sizeof even, &k), ERR_ATTRIBUTE_VALUE);
    ck_assert_int_eq(generate_rsa(NULL, 2048, three, sizeof three, &k), ERR_ATTRIBUTE_VALUE);
    ck_assert_int_eq(generate_rsa(NULL, 2048, large, sizeof large, &k), ERR_ATTRIBUTE_VALUE);
}
END_TEST

START_TEST(test_sign_refuses_a_mechanism_of_another_key_type)
{
    struct key *k = make(CKK_EC, "P-256");
    uint8_t data[32] = {0}, out[SIGNATURE_BYTES_MAX];
    size_t n = 0;
    struct sign s = {.mechanism = mechanism_find(CKM_RSA_PKCS), .key = k};
    ck_assert_int_eq(sign_data(&s, data, sizeof data, out, &n), ERR_KEY_TYPE);
    s.mechanism = mechanism_find(CKM_SHA256);
    ck_assert_int_eq(sign_data(&s, data, sizeof data, out, &n), ERR_MECHANISM);
    s.mechanism = mechanism_find(CKM_ECDSA);
    ck_assert_int_eq(sign_data(&s, data, 0, out, &n), ERR_DATA_LEN);
    drop(k);
}
END_TEST

START_TEST(test_sign_refuses_blocks_that_do_not_fit_the_modulus)
{
    struct key *k = make(CKK_RSA, NULL);
    uint8_t data[257], out[SIGNATURE_BYTES_MAX];
    size_t n = 0;
    struct sign s = {.mechanism = mechanism_find(CKM_RSA_PKCS), .key = k};
    memset(data, 0xff, sizeof data);
    ck_assert_int_eq(sign_data(&s, data, 245, out, &n), ERR_OK);
    ck_assert_int_eq(sign_data(&s, data, 246, out, &n), ERR_DATA_LEN);
    s.mechanism = mechanism_find(CKM_RSA_X_509);
    ck_assert_int_eq(sign_data(&s, data, 257, out, &n), ERR_DATA_LEN);
    ck_assert_int_eq(sign_data(&s, data, 256, out, &n), ERR_DATA);
    s.mechanism = mechanism_find(CKM_RSA_PKCS_PSS);
    ck_assert_int_eq(sign_data(&s, data, 32, out, &n), ERR_MECHANISM_PARAM);
    drop(k);
}
END_TEST

START_TEST(test_eddsa_has_the_variants_that_libcrypto_was_found_to_have)
{
    bool has = OpenSSL_version_num() >= 0x30200000L;
    Hsm__EddsaParams pure = HSM__EDDSA_PARAMS__INIT, prehash = HSM__EDDSA_PARAMS__INIT;

    prehash.prehash = true;
    for (int probed = 0; probed < 2; probed++) {
        for (size_t i = 0; curve_at(i) != NULL; i++) {
            if (curve_at(i)->key_type != CKK_EC_EDWARDS)
                continue;
            ck_assert_int_eq(eddsa_check(curve_at(i), &pure), ERR_OK);
            ck_assert_int_eq(eddsa_check(curve_at(i), &prehash), probed && has ? ERR_OK : ERR_MECHANISM_PARAM);
        }
        eddsa_probe(NULL);
    }
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_every_rsa_row_signs_what_the_public_key_verifies,
        &test_every_ec_row_signs_what_the_public_key_verifies,
        &test_rsa_key_loads_without_remainders_and_gets_the_same,
        &test_rsa_key_with_a_wrong_part_is_refused,
        &test_rsa_key_with_a_part_of_its_primes_is_refused,
        &test_rsa_key_without_its_primes_gets_them_back,
        &test_rsa_primes_are_found_by_either_private_exponent,
        &test_rsa_numbers_of_no_key_give_no_primes,
        &test_rsa_exponents_that_do_not_belong_together_fail_the_check,
        &test_ec_key_loads_from_its_value_alone_and_gets_its_point,
        &test_ec_key_outside_its_group_or_with_anothers_point_is_refused,
        &test_eddsa_gives_the_published_values,
        &test_eddsa_has_the_variants_that_libcrypto_was_found_to_have,
        &test_generate_refuses_sizes_and_exponents_out_of_range,
        &test_sign_refuses_a_mechanism_of_another_key_type,
        &test_sign_refuses_blocks_that_do_not_fit_the_modulus,
        NULL,
    };

    return suite_of("sign", 60, tests);
}
