/* Wycheproof's vectors against what the vault does with secret keys: MACs. */
#include <string.h>

#include "tests/unit/runner.h"
#include "tests/unit/vectors.h"
#include "vault/provider/mac.h"

static struct vector_bytes secret, message, tag;

static struct key *key_of(const json_t *test, CK_KEY_TYPE type, enum err expected)
{
    struct key_part value = {.type = CKA_VALUE, .value = secret.at};
    struct key *key = NULL;

    vector_bytes(test, "key", &secret);
    value.n = secret.n;
    ck_assert_int_eq(key_load(NULL, type, &value, 1, &key), expected);
    return key;
}

static void mac_case(const json_t *test, CK_MECHANISM_TYPE type, size_t bytes, const struct key *key)
{
    Hsm__Mechanism given = HSM__MECHANISM__INIT;
    Hsm__GeneralParams general = HSM__GENERAL_PARAMS__INIT;
    struct mac m = {.mechanism = mechanism_find(type), .given = &given, .key = key};

    general.bytes = (uint32_t)bytes;
    if (m.mechanism->param == PARAM_GENERAL)
        given.general = &general;
    vector_bytes(test, "msg", &message);
    vector_bytes(test, "tag", &tag);
    vector_judge(test, m.mechanism->name, mac_verify(&m, message.at, message.n, tag.at, tag.n) == ERR_OK);
}

static void mac_file(const char *name, CK_MECHANISM_TYPE whole, CK_MECHANISM_TYPE cut, CK_KEY_TYPE key_type)
{
    json_t *file = vectors_open(name), *group, *test;
    size_t g, t;

    json_array_foreach(json_object_get(file, "testGroups"), g, group) {
        size_t bytes = vector_number(group, "tagSize") / 8;
        json_t *tests = json_object_get(group, "tests");
        if (key_type == CKK_AES && vector_number(group, "keySize") != 128 && vector_number(group, "keySize") != 192 &&
            vector_number(group, "keySize") != 256) {
            json_array_foreach(tests, t, test)
                key_free(key_of(test, key_type, vector_number(group, "keySize") == 0 ? ERR_TEMPLATE_INCOMPLETE : ERR_ATTRIBUTE_VALUE));
            vector_skip("keys of lengths that no such key has, refused as such", json_array_size(tests));
            continue;
        }
        json_array_foreach(tests, t, test) {
            struct key *key = key_of(test, key_type, ERR_OK);
            if (bytes == mechanism_signature_bytes(mechanism_find(whole), 0))
                mac_case(test, whole, bytes, key);
            mac_case(test, cut, bytes, key);
            key_free(key);
        }
    }
    json_decref(file);
}

START_TEST(test_macs_are_judged_as_wycheproof_does)
{
    mac_file("hmac_sha1_test.json", CKM_SHA_1_HMAC, CKM_SHA_1_HMAC_GENERAL, CKK_GENERIC_SECRET);
    mac_file("hmac_sha256_test.json", CKM_SHA256_HMAC, CKM_SHA256_HMAC_GENERAL, CKK_SHA256_HMAC);
    mac_file("hmac_sha384_test.json", CKM_SHA384_HMAC, CKM_SHA384_HMAC_GENERAL, CKK_GENERIC_SECRET);
    mac_file("hmac_sha512_test.json", CKM_SHA512_HMAC, CKM_SHA512_HMAC_GENERAL, CKK_GENERIC_SECRET);
    mac_file("hmac_sha3_256_test.json", CKM_SHA3_256_HMAC, CKM_SHA3_256_HMAC_GENERAL, CKK_SHA3_256_HMAC);
    mac_file("aes_cmac_test.json", CKM_AES_CMAC, CKM_AES_CMAC_GENERAL, CKK_AES);
    vectors_report("MACs");
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_macs_are_judged_as_wycheproof_does,
        NULL,
    };

    return suite_of("wycheproof_secret", 300, tests);
}
