/* Wycheproof's vectors against ML-DSA and ML-KEM keys of the module and of the vault. */
#include <string.h>

#include "crypto/post_quantum.h"
#include "crypto/verify.h"
#include "proto/parameter_set.h"
#include "tests/unit/runner.h"
#include "tests/unit/vectors.h"
#include "vault/provider/ml_kem.h"
#include "vault/provider/sign.h"

static struct vector_bytes public_value, private_value, message, context, signature, ciphertext, wanted;

/* NULL: libcrypto does not have it, which is counted. */
static const struct parameter_set *set_of(const char *name, const json_t *file)
{
    const struct parameter_set *set;

    post_quantum_probe(NULL);
    set = parameter_set_by_name(name);
    if (set == NULL && file != NULL)
        vector_skip("libcrypto has no such keys", vector_number(file, "numberOfTests"));
    return set;
}

static struct public_key *public_of(const struct parameter_set *set)
{
    struct public_key *k = NULL;

    return public_key_pq(NULL, set, public_value.at, public_value.n, &k) == ERR_OK ? k : NULL;
}

static enum err private_of(const struct parameter_set *set, CK_ATTRIBUTE_TYPE part, struct key **out)
{
    uint8_t number[8] = {[7] = (uint8_t)set->number};
    struct key_part parts[] = {{CKA_PARAMETER_SET, number, sizeof number}, {part, private_value.at, private_value.n}};

    return key_load(NULL, set->key_type, parts, 2, out);
}

static void context_of(const json_t *test, Hsm__PqParams *p)
{
    context.n = 0;
    if (json_object_get(test, "ctx") != NULL)
        vector_bytes(test, "ctx", &context);
    p->context = (ProtobufCBinaryData){.data = context.at, .len = context.n};
}

/* ---- signatures */

static void verify_file(const char *name, const char *set_name)
{
    json_t *file = vectors_open(name), *group, *test;
    const struct parameter_set *set = set_of(set_name, file);
    size_t g, t;

    json_array_foreach(set != NULL ? json_object_get(file, "testGroups") : NULL, g, group) {
        struct public_key *key;
        vector_bytes(group, "publicKey", &public_value);
        key = public_of(set);
        json_array_foreach(json_object_get(group, "tests"), t, test) {
            Hsm__PqParams p = HSM__PQ_PARAMS__INIT;
            struct verify v = {.mechanism = mechanism_find(CKM_ML_DSA), .pq = &p, .key = key};
            context_of(test, &p);
            vector_bytes(test, "msg", &message);
            vector_bytes(test, "sig", &signature);
            vector_judge(test, set_name,
                         key != NULL && verify_signature(&v, message.at, message.n, signature.at, signature.n) == ERR_OK);
        }
        public_key_free(key);
    }
    json_decref(file);
}

START_TEST(test_ml_dsa_signatures_are_judged_as_wycheproof_does)
{
    verify_file("mldsa_44_verify_test.json", "ML-DSA-44");
    verify_file("mldsa_65_verify_test.json", "ML-DSA-65");
    vectors_report("ML-DSA verification");
}
END_TEST

/* The signature that the deterministic variant has to make; of some messages the vectors have the external mu alone. */
static bool signs(const struct key *key, const json_t *test)
{
    static uint8_t made[PARAMETER_SET_OUTPUT_BYTES_MAX];
    Hsm__PqParams p = HSM__PQ_PARAMS__INIT;
    bool by_mu = json_object_get(test, "msg") == NULL;
    struct sign s = {.mechanism = mechanism_find(by_mu ? CKM_ML_DSA_EXTERNAL_MU : CKM_ML_DSA), .pq = &p, .key = key};
    size_t n = 0;

    p.hedge = CKH_DETERMINISTIC_REQUIRED;
    context_of(test, &p);
    vector_bytes(test, by_mu ? "mu" : "msg", &message);
    vector_bytes(test, "sig", &signature);
    if (key == NULL || sign_data(&s, message.at, message.n, made, &n) != ERR_OK)
        return false;
    ck_assert_uint_eq(n, signature.n);
    return memcmp(made, signature.at, n) == 0;
}

static void sign_file(const char *name, const char *set_name, const char *field, CK_ATTRIBUTE_TYPE part)
{
    json_t *file = vectors_open(name), *group, *test;
    const struct parameter_set *set = set_of(set_name, file);
    size_t g, t;

    json_array_foreach(set != NULL ? json_object_get(file, "testGroups") : NULL, g, group) {
        struct key *key = NULL;
        vector_bytes(group, field, &private_value);
        if (private_of(set, part, &key) != ERR_OK)
            key = NULL;
        json_array_foreach(json_object_get(group, "tests"), t, test) {
            if (json_object_get(test, "rnd") != NULL)
                vector_skip("randomness is libcrypto's", 1);
            else
                vector_judge(test, set_name, signs(key, test));
        }
        key_free(key);
    }
    json_decref(file);
}

START_TEST(test_ml_dsa_signatures_are_made_as_wycheproof_has_them)
{
    sign_file("mldsa_65_sign_seed_test.json", "ML-DSA-65", "privateSeed", CKA_SEED);
    sign_file("mldsa_65_sign_noseed_test.json", "ML-DSA-65", "privateKey", CKA_VALUE);
    vectors_report("ML-DSA signing");
}
END_TEST

/* ---- encapsulation */

static bool same(const struct secret *made, const json_t *test)
{
    if (json_object_get(test, "K") == NULL)
        return true;
    vector_bytes(test, "K", &wanted);
    return made->len == wanted.n && memcmp(made->bytes, wanted.at, wanted.n) == 0;
}

static bool decapsulates(const struct parameter_set *set, CK_ATTRIBUTE_TYPE part, const json_t *test)
{
    struct secret secret = {0};
    struct key *key = NULL;
    bool good;

    vector_bytes(test, "c", &ciphertext);
    good = private_of(set, part, &key) == ERR_OK && ml_kem_decapsulate(NULL, key, ciphertext.at, ciphertext.n, &secret) == ERR_OK &&
           same(&secret, test);
    secret_clear(&secret);
    key_free(key);
    return good;
}

static void decapsulate_file(const char *name, const char *field, CK_ATTRIBUTE_TYPE part)
{
    json_t *file = vectors_open(name), *group, *test;
    const struct parameter_set *set = set_of("ML-KEM-768", file);
    size_t g, t;

    json_array_foreach(set != NULL ? json_object_get(file, "testGroups") : NULL, g, group)
        json_array_foreach(json_object_get(group, "tests"), t, test) {
            vector_bytes(test, field, &private_value);
            vector_judge(test, "ML-KEM-768", decapsulates(set, part, test));
        }
    json_decref(file);
}

START_TEST(test_ml_kem_secrets_come_out_as_wycheproof_has_them)
{
    decapsulate_file("mlkem_768_test.json", "seed", CKA_SEED);
    decapsulate_file("mlkem_768_semi_expanded_decaps_test.json", "dk", CKA_VALUE);
    vectors_report("ML-KEM decapsulation");
}
END_TEST

static bool part_is(const struct key *key, bool of_public, const struct vector_bytes *value)
{
    struct secret made = {0};
    bool good = (of_public ? key_public_part : key_part)(key, CKA_VALUE, &made) == ERR_OK && made.len == value->n &&
                memcmp(made.bytes, value->at, value->n) == 0;

    secret_clear(&made);
    return good;
}

START_TEST(test_ml_kem_seeds_make_the_keys_of_wycheproof)
{
    json_t *file = vectors_open("mlkem_768_keygen_seed_test.json"), *group, *test;
    const struct parameter_set *set = set_of("ML-KEM-768", file);
    size_t g, t;

    json_array_foreach(set != NULL ? json_object_get(file, "testGroups") : NULL, g, group)
        json_array_foreach(json_object_get(group, "tests"), t, test) {
            struct key *key = NULL;
            vector_bytes(test, "seed", &private_value);
            vector_bytes(test, "ek", &public_value);
            vector_bytes(test, "dk", &wanted);
            vector_judge(test, "ML-KEM-768", private_of(set, CKA_SEED, &key) == ERR_OK && part_is(key, true, &public_value) &&
                                                 part_is(key, false, &wanted));
            key_free(key);
        }
    json_decref(file);
    vectors_report("ML-KEM keys by seed");
}
END_TEST

/* Which public keys are keys. What is made by one is checked by the other side: the randomness is libcrypto's. */
START_TEST(test_ml_kem_public_keys_are_judged_as_wycheproof_does)
{
    json_t *file = vectors_open("mlkem_768_encaps_test.json"), *group, *test;
    const struct parameter_set *set = set_of("ML-KEM-768", file);
    size_t g, t;

    json_array_foreach(set != NULL ? json_object_get(file, "testGroups") : NULL, g, group)
        json_array_foreach(json_object_get(group, "tests"), t, test) {
            static uint8_t made[PARAMETER_SET_OUTPUT_BYTES_MAX];
            struct secret secret = {0};
            struct public_key *key;
            vector_bytes(test, "ek", &public_value);
            key = public_of(set);
            vector_judge(test, "ML-KEM-768", key != NULL && ml_kem_encapsulate(NULL, key, &secret, made) == ERR_OK);
            secret_clear(&secret);
            public_key_free(key);
        }
    json_decref(file);
    vectors_report("ML-KEM public keys");
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_ml_dsa_signatures_are_judged_as_wycheproof_does,
        &test_ml_dsa_signatures_are_made_as_wycheproof_has_them,
        &test_ml_kem_secrets_come_out_as_wycheproof_has_them,
        &test_ml_kem_seeds_make_the_keys_of_wycheproof,
        &test_ml_kem_public_keys_are_judged_as_wycheproof_does,
        NULL,
    };

    return suite_of("wycheproof_pq", 300, tests);
}
