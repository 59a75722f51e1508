/* Wycheproof's vectors against what checks signatures in the module, and what signs in the vault (secret keys: test_wycheproof_secret.c).
 *
 * Every `valid` one has to be accepted, every `invalid` one refused; `acceptable` may be either. What is left out is
 * counted by its reason and printed, and so is each file that no test here is for. Where the vectors are not there,
 * that is printed and nothing is tested. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/ec.h>
#include <openssl/err.h>

#include "crypto/digest.h"
#include "crypto/verify.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_mechanism.h"
#include "tests/unit/vectors.h"
#include "vault/provider/sign.h"

/* The row of a family with this hash inside (NULL: none inside). NULL: no such row. */
static const struct mechanism *row_of(enum mechanism_family family, const char *hash)
{
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *m = mechanism_at(i);
        if (m->family == family && (hash == NULL ? m->hash == NULL : m->hash != NULL && strcmp(m->hash, hash) == 0))
            return m;
    }
    return NULL;
}

/* The row of a family that has no hash inside. */
static const struct mechanism *bare_row_of(enum mechanism_family family)
{
    const struct mechanism *m = row_of(family, NULL);

    ck_assert_ptr_nonnull(m);
    return m;
}

/* RFC 8017 section 9.2, note 1: what stands in front of the digest in a DigestInfo. */
static size_t digest_info(const char *hash, const uint8_t *digest, size_t n, uint8_t *out)
{
    static const struct {
        const char *name;
        uint8_t oid_end;
    } nist[] = {{"SHA256", 1},     {"SHA384", 2},   {"SHA512", 3},   {"SHA224", 4},   {"SHA512-224", 5},
                {"SHA512-256", 6}, {"SHA3-224", 7}, {"SHA3-256", 8}, {"SHA3-384", 9}, {"SHA3-512", 10}};
    uint8_t head[] = {0x30, 0x11, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0, 0x05, 0,
                      0x04, 0};
    static const uint8_t sha1[] = {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0, 0x04,
                                   0x14};

    for (size_t i = 0; i < sizeof nist / sizeof nist[0]; i++)
        if (strcmp(nist[i].name, hash) == 0)
            head[14] = nist[i].oid_end;
    head[1] = (uint8_t)(head[1] + n);
    head[18] = (uint8_t)n;
    if (strcmp(hash, "SHA1") == 0) {
        memcpy(out, sha1, sizeof sha1);
        memcpy(out + sizeof sha1, digest, n);
        return sizeof sha1 + n;
    }
    memcpy(out, head, sizeof head);
    memcpy(out + sizeof head, digest, n);
    return sizeof head + n;
}

/* ---- one vector */

static bool verifies(const struct mechanism *m, const Hsm__PssParams *pss, const struct public_key *key,
                     const uint8_t *data, size_t n, const struct vector_bytes *signature)
{
    struct verify v = {.mechanism = m, .pss = pss, .key = key};
    enum err e = verify_signature(&v, data, n, signature->at, signature->n);

    ck_assert_msg(e == ERR_OK || e == ERR_SIGNATURE || e == ERR_SIGNATURE_LEN, "%s: %s", m->name, err_name(e));
    ck_assert_msg(ERR_peek_error() == 0, "%s leaves an OpenSSL error behind", m->name);
    return e == ERR_OK;
}

static void digest_message(const json_t *test, const char *hash, uint8_t *digest, size_t *n)
{
    static struct vector_bytes message;

    vector_bytes(test, "msg", &message);
    ck_assert_int_eq(digest_once(NULL, hash, message.at, message.n, digest, n), ERR_OK);
}

/* By the row that has the hash inside, and by the one that has not. */
static void both_ways(const json_t *test, enum mechanism_family family, const char *hash, const struct public_key *key,
                      const uint8_t *digest, size_t n, const struct vector_bytes *signature)
{
    uint8_t info[128];
    size_t info_n = n;

    memcpy(info, digest, n);
    if (family == FAMILY_RSA_PKCS)
        info_n = digest_info(hash, digest, n, info);
    if (row_of(family, hash) != NULL)
        vector_judge(test, row_of(family, hash)->name, verifies(row_of(family, hash), NULL, key, digest, n, signature));
    vector_judge(test, bare_row_of(family)->name, verifies(bare_row_of(family), NULL, key, info, info_n, signature));
}

/* ---- ECDSA */

/* r || s from DER, both of the curve's length; false: no DER, not the only one, or numbers that r || s cannot hold. */
static bool halves_of(const struct vector_bytes *der, size_t field, struct vector_bytes *out)
{
    const uint8_t *at = der->at;
    uint8_t *again = NULL;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der->n);
    int n = pair != NULL ? i2d_ECDSA_SIG(pair, &again) : 0;
    bool ok = n > 0 && (size_t)n == der->n && memcmp(again, der->at, der->n) == 0 &&
              !BN_is_negative(ECDSA_SIG_get0_r(pair)) && !BN_is_negative(ECDSA_SIG_get0_s(pair)) &&
              BN_bn2binpad(ECDSA_SIG_get0_r(pair), out->at, (int)field) == (int)field &&
              BN_bn2binpad(ECDSA_SIG_get0_s(pair), out->at + field, (int)field) == (int)field;

    out->n = 2 * field;
    OPENSSL_free(again);
    ECDSA_SIG_free(pair);
    ERR_clear_error();
    return ok;
}

static void ecdsa_case(const json_t *test, const char *hash, const struct public_key *key, bool der)
{
    size_t field = public_key_curve(key)->field_bytes, n = 0;
    uint8_t digest[DIGEST_BYTES_MAX];
    static struct vector_bytes signature, halves;

    vector_bytes(test, "sig", &signature);
    digest_message(test, hash, digest, &n);
    if (der && !halves_of(&signature, field, &halves)) {
        ck_assert_str_ne(vector_text(test, "result"), "valid");
        vector_skip("a DER signature that is no pair of numbers of the curve's length: the callers' to refuse", 1);
        return;
    }
    if (der)
        signature = halves;
    if (!der && vector_has_flag(test, "SignatureSize") && signature.n < 2 * field && signature.n % 2 == 0) {
        vector_skip("short halves of equal length, which PKCS#11 v3.1 section 6.3.1 permits", 1);
        return;
    }
    both_ways(test, FAMILY_ECDSA, hash, key, digest, n, &signature);
}

static void ecdsa_file(const char *name, bool der)
{
    json_t *file = vectors_open(name), *group, *test;
    static struct vector_bytes info;
    size_t g, t;

    json_array_foreach(json_object_get(file, "testGroups"), g, group) {
        json_t *tests = json_object_get(group, "tests");
        struct public_key *key = NULL;
        enum err e;
        vector_bytes(group, "publicKeyDer", &info);
        e = public_key_read(NULL, info.at, info.n, &key);
        ck_assert_int_eq(e, ERR_OK);
        json_array_foreach(tests, t, test)
            ecdsa_case(test, vector_hash(vector_text(group, "sha")), key, der);
        public_key_free(key);
    }
    json_decref(file);
}

START_TEST(test_ecdsa_signatures_are_judged_as_wycheproof_does)
{
    static const char *const files[] = {
        "ecdsa_secp256r1_sha256_p1363_test.json",  "ecdsa_secp256r1_sha512_p1363_test.json",
        "ecdsa_secp384r1_sha384_p1363_test.json",  "ecdsa_secp224r1_sha224_p1363_test.json",
        "ecdsa_secp256k1_sha256_p1363_test.json",  "ecdsa_brainpoolP256r1_sha256_p1363_test.json",
    };
    static const char *const der_files[] = {
        "ecdsa_secp256r1_sha256_test.json", "ecdsa_secp256r1_sha512_test.json", "ecdsa_secp256r1_sha3_256_test.json",
        "ecdsa_secp384r1_sha384_test.json", "ecdsa_secp256k1_sha256_test.json",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        ecdsa_file(files[i], false);
    for (size_t i = 0; i < sizeof der_files / sizeof der_files[0]; i++)
        ecdsa_file(der_files[i], true);
    vectors_report("ECDSA");
}
END_TEST

/* ---- EdDSA */

START_TEST(test_eddsa_signatures_are_judged_as_wycheproof_does)
{
    json_t *file = vectors_open("ed25519_test.json"), *group, *test;
    const struct mechanism *row = mechanism_find(CKM_EDDSA);
    static struct vector_bytes info, message, signature;
    size_t g, t;

    json_array_foreach(json_object_get(file, "testGroups"), g, group) {
        struct public_key *key = NULL;
        vector_bytes(group, "publicKeyDer", &info);
        ck_assert_int_eq(public_key_read(NULL, info.at, info.n, &key), ERR_OK);
        json_array_foreach(json_object_get(group, "tests"), t, test) {
            vector_bytes(test, "msg", &message);
            vector_bytes(test, "sig", &signature);
            vector_judge(test, row->name, verifies(row, NULL, key, message.at, message.n, &signature));
        }
        public_key_free(key);
    }
    json_decref(file);
    vectors_report("EdDSA");
}
END_TEST

/* ---- RSA */

static struct public_key *rsa_key(const json_t *group)
{
    const json_t *parts = json_object_get(group, "publicKey");
    static struct vector_bytes info, modulus, exponent;
    struct public_key *key = NULL, *read = NULL;
    enum err e;

    vector_bytes(parts, "modulus", &modulus);
    vector_bytes(parts, "publicExponent", &exponent);
    vector_bytes(group, "publicKeyDer", &info);
    ck_assert_int_eq(public_key_rsa(NULL, modulus.at, modulus.n, exponent.at, exponent.n, &key), ERR_OK);
    e = public_key_read(NULL, info.at, info.n, &read);
    if (strcmp(vector_text(group, "type"), "RsassaPssWithParametersVerify") == 0)
        ck_assert_int_eq(e, ERR_KEY_TYPE); /* id-RSASSA-PSS keys are refused by design; their numbers are not */
    else
        ck_assert_int_eq(e, ERR_OK);
    public_key_free(read);
    return key;
}

static void rsa_pkcs_file(const char *name)
{
    json_t *file = vectors_open(name), *group, *test;
    uint8_t digest[DIGEST_BYTES_MAX];
    static struct vector_bytes signature;
    size_t g, t, n;

    json_array_foreach(json_object_get(file, "testGroups"), g, group) {
        struct public_key *key = rsa_key(group);
        json_array_foreach(json_object_get(group, "tests"), t, test) {
            vector_bytes(test, "sig", &signature);
            digest_message(test, vector_hash(vector_text(group, "sha")), digest, &n);
            both_ways(test, FAMILY_RSA_PKCS, vector_hash(vector_text(group, "sha")), key, digest, n, &signature);
        }
        public_key_free(key);
    }
    json_decref(file);
}

START_TEST(test_rsa_pkcs_signatures_are_judged_as_wycheproof_does)
{
    static const char *const files[] = {
        "rsa_signature_2048_sha224_test.json",     "rsa_signature_2048_sha256_test.json",
        "rsa_signature_2048_sha384_test.json",     "rsa_signature_2048_sha512_test.json",
        "rsa_signature_2048_sha512_224_test.json", "rsa_signature_2048_sha512_256_test.json",
        "rsa_signature_2048_sha3_224_test.json",   "rsa_signature_2048_sha3_256_test.json",
        "rsa_signature_2048_sha3_384_test.json",   "rsa_signature_2048_sha3_512_test.json",
        "rsa_signature_3072_sha256_test.json",     "rsa_signature_4096_sha512_test.json",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        rsa_pkcs_file(files[i]);
    vectors_report("RSASSA-PKCS1-v1_5");
}
END_TEST

static void rsa_pss_file(const char *name)
{
    json_t *file = vectors_open(name), *group, *test;
    uint8_t digest[DIGEST_BYTES_MAX];
    static struct vector_bytes signature;
    size_t g, t, n;

    json_array_foreach(json_object_get(file, "testGroups"), g, group) {
        const char *hash = vector_hash(vector_text(group, "sha"));
        CK_RSA_PKCS_PSS_PARAMS params = {.hashAlg = sample_hash_type(hash),
                                         .sLen = (CK_ULONG)json_integer_value(json_object_get(group, "sLen"))};
        Hsm__PssParams pss;
        json_t *tests = json_object_get(group, "tests");
        struct public_key *key;
        params.mgf = sample_mgf(vector_hash(vector_text(group, "mgfSha")));
        if (params.hashAlg == CK_UNAVAILABLE_INFORMATION || params.mgf == CK_UNAVAILABLE_INFORMATION) {
            vector_skip("PSS with a mask generation that the standard has no number for", json_array_size(tests));
            continue;
        }
        pss = sample_pss_wire(&params);
        key = rsa_key(group);
        json_array_foreach(tests, t, test) {
            const struct mechanism *inside = row_of(FAMILY_RSA_PSS, hash), *outside = bare_row_of(FAMILY_RSA_PSS);
            vector_bytes(test, "sig", &signature);
            digest_message(test, hash, digest, &n);
            vector_judge(test, outside->name, verifies(outside, &pss, key, digest, n, &signature));
            if (inside != NULL)
                vector_judge(test, inside->name, verifies(inside, &pss, key, digest, n, &signature));
        }
        public_key_free(key);
    }
    json_decref(file);
}

START_TEST(test_rsa_pss_signatures_are_judged_as_wycheproof_does)
{
    static const char *const files[] = {
        "rsa_pss_2048_sha1_mgf1_20_test.json",          "rsa_pss_2048_sha1_mgf1_20_params_test.json",
        "rsa_pss_2048_sha256_mgf1_0_test.json",         "rsa_pss_2048_sha256_mgf1_0_params_test.json",
        "rsa_pss_2048_sha256_mgf1_32_test.json",        "rsa_pss_2048_sha256_mgf1_32_params_test.json",
        "rsa_pss_2048_sha256_mgf1sha1_20_test.json",    "rsa_pss_2048_sha384_mgf1_48_test.json",
        "rsa_pss_2048_sha512_mgf1sha256_32_params_test.json", "rsa_pss_3072_sha256_mgf1_32_test.json",
        "rsa_pss_2048_sha512_224_mgf1_28_test.json",    "rsa_pss_2048_sha512_256_mgf1_32_test.json",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        rsa_pss_file(files[i]);
    vectors_report("RSASSA-PSS");
}
END_TEST

/* The keys come as n, e and d, so their primes are found first. */
static struct key *private_key(const json_t *group)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        const char *name;
    } names[] = {{CKA_MODULUS, "modulus"}, {CKA_PUBLIC_EXPONENT, "publicExponent"},
                 {CKA_PRIVATE_EXPONENT, "privateExponent"}};
    static struct vector_bytes values[3];
    struct key_part parts[3];
    struct key *key = NULL;

    for (size_t i = 0; i < 3; i++) {
        vector_bytes(json_object_get(group, "privateKey"), names[i].name, &values[i]);
        parts[i] = (struct key_part){.type = names[i].type, .value = values[i].at, .n = values[i].n};
    }
    ck_assert_int_eq(key_load(NULL, CKK_RSA, parts, 3, &key), ERR_OK);
    ck_assert_int_eq(key_check(NULL, key), ERR_OK);
    return key;
}

static void sign_case(const json_t *test, const char *hash, const struct key *key)
{
    struct sign s = {.mechanism = bare_row_of(FAMILY_RSA_PKCS), .key = key};
    uint8_t digest[DIGEST_BYTES_MAX], info[128], made[SIGNATURE_BYTES_MAX];
    static struct vector_bytes signature;
    size_t n = 0, made_n = 0;

    vector_bytes(test, "sig", &signature);
    digest_message(test, hash, digest, &n);
    ck_assert_int_eq(sign_data(&s, info, digest_info(hash, digest, n, info), made, &made_n), ERR_OK);
    vector_judge(test, s.mechanism->name, made_n == signature.n && memcmp(made, signature.at, made_n) == 0);
    if ((s.mechanism = row_of(FAMILY_RSA_PKCS, hash)) != NULL) {
        ck_assert_int_eq(sign_data(&s, digest, n, made, &made_n), ERR_OK);
        vector_judge(test, s.mechanism->name, made_n == signature.n && memcmp(made, signature.at, made_n) == 0);
    }
}

START_TEST(test_rsa_signatures_are_made_as_wycheproof_has_them)
{
    json_t *file = vectors_open("rsa_pkcs1_2048_sig_gen_test.json"), *group, *test;
    size_t g, t;

    json_array_foreach(json_object_get(file, "testGroups"), g, group) {
        struct key *key = private_key(group);
        json_array_foreach(json_object_get(group, "tests"), t, test)
            sign_case(test, vector_hash(vector_text(group, "sha")), key);
        key_free(key);
    }
    json_decref(file);
    vectors_report("RSA signing");
}
END_TEST

/* ---- the rest */

static bool is_ours(const char *name)
{
    static const char *const stems[] = {"ecdsa_", "ed25519_", "rsa_signature_", "rsa_pss_", "rsa_pkcs1_2048_sig_gen",
                                        "hmac_", "aes_", "chacha20_", "rsa_oaep_", "rsa_pkcs1_2048_test",
                                        "hkdf_", "pbkdf2_", "ecdh_", "x25519_", "mldsa_", "mlkem_"};

    for (size_t i = 0; i < sizeof stems / sizeof stems[0]; i++)
        if (strncmp(name, stems[i], strlen(stems[i])) == 0)
            return true;
    return false;
}

START_TEST(test_files_for_what_is_not_there_yet_are_named)
{
    struct dirent **entries = NULL;
    int n = scandir(vectors_folder(), &entries, NULL, alphasort);

    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name, *end = strrchr(name, '.');
        if (end != NULL && strcmp(end, ".json") == 0 && !is_ours(name)) {
            json_t *file = vectors_open(name);
            size_t cases = vector_number(file, "numberOfTests");
            printf("    %s: %zu\n", name, cases);
            vector_skip("a file of no mechanism", cases);
            json_decref(file);
        }
        free(entries[i]);
    }
    free(entries);
    vectors_report("files of mechanisms that are not there");
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_ecdsa_signatures_are_judged_as_wycheproof_does,
        &test_eddsa_signatures_are_judged_as_wycheproof_does,
        &test_rsa_pkcs_signatures_are_judged_as_wycheproof_does,
        &test_rsa_pss_signatures_are_judged_as_wycheproof_does,
        &test_rsa_signatures_are_made_as_wycheproof_has_them,
        &test_files_for_what_is_not_there_yet_are_named,
        NULL,
    };

    return suite_of("wycheproof", 120, tests);
}
