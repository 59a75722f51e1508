/* Wycheproof's vectors against what the vault encrypts and decrypts: secret keys both ways, private keys back. */
#include <string.h>

#include "crypto/rsa_padding.h"
#include "proto/limits.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_mechanism.h"
#include "tests/unit/vectors.h"
#include "vault/provider/cipher.h"
#include "vault/provider/decrypt.h"

static struct vector_bytes secret, message, sealed, tag, iv, aad;
static uint8_t out[VECTOR_BYTES_MAX];
static Hsm__Mechanism given;
static Hsm__AeadParams aead;
static Hsm__IvParams vector;

static ProtobufCBinaryData borrow(struct vector_bytes *b)
{
    return (ProtobufCBinaryData){.data = b->at, .len = b->n};
}

/* NULL: there is no such key, which is a refusal. */
static struct key *key_of(const json_t *test, CK_KEY_TYPE type)
{
    struct key_part value = {.type = CKA_VALUE, .value = secret.at};
    struct key *key = NULL;

    vector_bytes(test, "key", &secret);
    value.n = secret.n;
    return key_load(NULL, type, &value, 1, &key) == ERR_OK ? key : NULL;
}

static void parameter_of(const struct mechanism *row)
{
    hsm__mechanism__init(&given);
    hsm__aead_params__init(&aead);
    hsm__iv_params__init(&vector);
    aead.iv = vector.iv = borrow(&iv);
    aead.aad = borrow(&aad);
    aead.tag_bytes = 16;
    if (cipher_mode_of(row)->tagged)
        given.aead = &aead;
    else if (row->param == PARAM_IV)
        given.iv = &vector;
}

/* Both ways: what is encrypted is the file's, and so is what is decrypted. */
static bool agrees(struct cipher *c)
{
    size_t n = 0;

    c->encrypt = false;
    if (cipher_run(c, sealed.at, sealed.n, out, &n) != ERR_OK || n != message.n || memcmp(out, message.at, n) != 0)
        return false;
    c->encrypt = true;
    return cipher_run(c, message.at, message.n, out, &n) == ERR_OK && n == sealed.n && memcmp(out, sealed.at, n) == 0;
}

static void cipher_case(const json_t *test, const struct mechanism *row)
{
    struct key *key = key_of(test, row->key_type);
    struct cipher c = {.mechanism = row, .given = &given, .key = key};

    iv.n = aad.n = 0;
    vector_bytes(test, "msg", &message);
    vector_bytes(test, "ct", &sealed);
    if (json_object_get(test, "iv") != NULL)
        vector_bytes(test, "iv", &iv);
    if (json_object_get(test, "aad") != NULL)
        vector_bytes(test, "aad", &aad);
    if (cipher_mode_of(row)->tagged) {
        vector_bytes(test, "tag", &tag);
        memcpy(sealed.at + sealed.n, tag.at, tag.n);
        sealed.n += tag.n;
    }
    if (row->family == FAMILY_XTS) { /* a number of a data unit, little endian */
        memset(iv.at + iv.n, 0, CIPHER_BLOCK_BYTES_MAX);
        iv.n = CIPHER_BLOCK_BYTES_MAX;
    }
    parameter_of(row);
    if (iv.n > GCM_IV_BYTES_MAX)
        vector_skip("vectors above 128 bytes, which OpenSSL has not", 1);
    else if (row->family == FAMILY_XTS && secret.n == 48)
        vector_skip("XTS with AES-192, which IEEE 1619 has not; such keys are refused", 1);
    else
        vector_judge(test, row->name, key != NULL && agrees(&c));
    key_free(key);
}

static void cipher_file(const char *name, CK_MECHANISM_TYPE type)
{
    json_t *file = vectors_open(name), *group, *test;
    size_t g, t;

    json_array_foreach(json_object_get(file, "testGroups"), g, group)
        json_array_foreach(json_object_get(group, "tests"), t, test)
            cipher_case(test, mechanism_find(type));
    json_decref(file);
}

START_TEST(test_ciphers_are_judged_as_wycheproof_does)
{
    cipher_file("aes_cbc_pkcs5_test.json", CKM_AES_CBC_PAD);
    cipher_file("aes_gcm_test.json", CKM_AES_GCM);
    cipher_file("aes_xts_test.json", CKM_AES_XTS);
    cipher_file("aes_wrap_test.json", CKM_AES_KEY_WRAP);
    cipher_file("aes_kwp_test.json", CKM_AES_KEY_WRAP_KWP);
    cipher_file("chacha20_poly1305_test.json", CKM_CHACHA20_POLY1305);
    vectors_report("ciphers");
}
END_TEST

/* ---- RSA */

static struct key *private_key(const json_t *group)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        const char *name;
    } names[] = {{CKA_MODULUS, "modulus"}, {CKA_PUBLIC_EXPONENT, "publicExponent"}, {CKA_PRIVATE_EXPONENT, "privateExponent"},
                 {CKA_PRIME_1, "prime1"}, {CKA_PRIME_2, "prime2"}};
    static struct vector_bytes values[5];
    struct key_part parts[5];
    struct key *key = NULL;

    for (size_t i = 0; i < 5; i++) {
        vector_bytes(json_object_get(group, "privateKey"), names[i].name, &values[i]);
        parts[i] = (struct key_part){.type = names[i].type, .value = values[i].at, .n = values[i].n};
    }
    ck_assert_int_eq(key_load(NULL, CKK_RSA, parts, 5, &key), ERR_OK);
    return key;
}

static void rsa_file(const char *name, CK_MECHANISM_TYPE type)
{
    json_t *file = vectors_open(name), *group, *test;
    Hsm__OaepParams oaep;
    size_t g, t;

    json_array_foreach(json_object_get(file, "testGroups"), g, group) {
        struct key *key = private_key(group);
        struct decrypt d = {.mechanism = mechanism_find(type), .given = &given, .key = key};
        hsm__mechanism__init(&given);
        hsm__oaep_params__init(&oaep);
        if (type == CKM_RSA_PKCS_OAEP) {
            oaep.hash = sample_hash_type(vector_hash(vector_text(group, "sha")));
            oaep.mgf = sample_mgf(vector_hash(vector_text(group, "mgfSha")));
            given.oaep = &oaep;
        }
        if (type == CKM_RSA_PKCS_OAEP && oaep.mgf == CK_UNAVAILABLE_INFORMATION) {
            vector_skip("mask generation with a hash for which PKCS #11 has none", json_array_size(json_object_get(group, "tests")));
            key_free(key);
            continue;
        }
        json_array_foreach(json_object_get(group, "tests"), t, test) {
            size_t n = 0;
            vector_bytes(test, "msg", &message);
            vector_bytes(test, "ct", &sealed);
            aad.n = 0;
            if (json_object_get(test, "label") != NULL)
                vector_bytes(test, "label", &aad);
            oaep.label = borrow(&aad);
            vector_judge(test, d.mechanism->name, decrypt_data(&d, sealed.at, sealed.n, out, &n) == ERR_OK && n == message.n &&
                                                      memcmp(out, message.at, n) == 0);
        }
        key_free(key);
    }
    json_decref(file);
}

START_TEST(test_rsa_ciphertexts_are_judged_as_wycheproof_does)
{
    static const char *const files[] = {
        "rsa_oaep_2048_sha1_mgf1sha1_test.json",           "rsa_oaep_2048_sha224_mgf1sha1_test.json",
        "rsa_oaep_2048_sha224_mgf1sha224_test.json",       "rsa_oaep_2048_sha256_mgf1sha1_test.json",
        "rsa_oaep_2048_sha256_mgf1sha256_test.json",       "rsa_oaep_2048_sha384_mgf1sha1_test.json",
        "rsa_oaep_2048_sha384_mgf1sha384_test.json",       "rsa_oaep_2048_sha512_224_mgf1sha1_test.json",
        "rsa_oaep_2048_sha512_224_mgf1sha512_224_test.json", "rsa_oaep_2048_sha512_mgf1sha1_test.json",
        "rsa_oaep_2048_sha512_mgf1sha512_test.json",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        rsa_file(files[i], CKM_RSA_PKCS_OAEP);
    rsa_file("rsa_pkcs1_2048_test.json", CKM_RSA_PKCS);
    vectors_report("RSA decryption");
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_ciphers_are_judged_as_wycheproof_does,
        &test_rsa_ciphertexts_are_judged_as_wycheproof_does,
        NULL,
    };

    return suite_of("wycheproof_cipher", 300, tests);
}
