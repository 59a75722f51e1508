/* NIST's vectors, and others in their form, against digests, MACs and the derivations of keys. */
#include <stdio.h>
#include <string.h>

#include "crypto/digest.h"
#include "proto/mechanism.h"
#include "tests/unit/cavp.h"
#include "tests/unit/runner.h"
#include "tests/unit/secret_key.h"
#include "vault/provider/kbkdf.h"
#include "vault/provider/kdf.h"
#include "vault/provider/mac.h"

static struct cavp_bytes secret, message, right, salt, info;

/* ---- digests */

static void digest_file(const char *name, const char *hash)
{
    struct cavp *c = cavp_open(name);

    while (cavp_next(c)) {
        uint8_t out[DIGEST_BYTES_MAX];
        size_t n = 0;
        if (!cavp_has(c, "MD") || !cavp_has(c, "Msg"))
            continue;
        cavp_bytes(c, "Msg", &message);
        cavp_bytes(c, "MD", &right);
        message.n = cavp_number(c, "Len") / 8; /* of none there is a byte all the same */
        cavp_held(c, digest_once(NULL, hash, message.at, message.n, out, &n) == ERR_OK && n == right.n && memcmp(out, right.at, n) == 0);
    }
}

/* SHA-1 and SHA-2: each digest is made of the three before it, a thousand times a vector; SHA-3 of the one before it. */
static void monte_carlo(const char *name, const char *hash, bool sha3)
{
    struct cavp *c = cavp_open(name);
    uint8_t last[3][DIGEST_BYTES_MAX], joined[3 * DIGEST_BYTES_MAX];
    size_t n = mechanism_hash_bytes(hash);

    while (cavp_next(c)) {
        if (cavp_has(c, "Seed"))
            cavp_bytes(c, "Seed", &message);
        if (!cavp_has(c, "MD"))
            continue;
        cavp_bytes(c, "MD", &right);
        for (size_t i = 0; i < 3; i++)
            memcpy(last[i], message.at, n);
        for (int i = 0; i < 1000; i++) {
            size_t made = 0;
            for (size_t k = 0; k < 3; k++)
                memcpy(joined + k * n, last[k], n);
            memmove(last[0], last[1], 2 * sizeof last[0]);
            ck_assert_int_eq(digest_once(NULL, hash, sha3 ? joined + 2 * n : joined, sha3 ? n : 3 * n, last[2], &made), ERR_OK);
        }
        cavp_held(c, right.n == n && memcmp(last[2], right.at, n) == 0);
        memcpy(message.at, last[2], n);
    }
}

START_TEST(test_digests_are_as_nist_has_them)
{
    static const struct {
        const char *file, *hash;
    } hashes[] = {{"SHA1/SHA1", "SHA1"},           {"SHA2/SHA224", "SHA224"},         {"SHA2/SHA256", "SHA256"},
                  {"SHA2/SHA384", "SHA384"},       {"SHA2/SHA512", "SHA512"},         {"SHA2/SHA512_224", "SHA512-224"},
                  {"SHA2/SHA512_256", "SHA512-256"}, {"SHA3/SHA3_224", "SHA3-224"},   {"SHA3/SHA3_256", "SHA3-256"},
                  {"SHA3/SHA3_384", "SHA3-384"},   {"SHA3/SHA3_512", "SHA3-512"}};
    char name[128];

    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
        snprintf(name, sizeof name, "hashes/%sShortMsg.rsp", hashes[i].file);
        digest_file(name, hashes[i].hash);
        snprintf(name, sizeof name, "hashes/%sLongMsg.rsp", hashes[i].file);
        digest_file(name, hashes[i].hash);
        snprintf(name, sizeof name, "hashes/%sMonte.rsp", hashes[i].file);
        monte_carlo(name, hashes[i].hash, strncmp(hashes[i].hash, "SHA3-", 5) == 0);
    }
    digest_file("hashes/MD5/rfc-1321.txt", "MD5");
    cavp_skip_file("hashes/SHAKE/SHAKE128VariableOut.rsp", "SHAKE as a digest, which is no mechanism");
    cavp_skip_file("hashes/SHAKE/SHAKE256VariableOut.rsp", "SHAKE as a digest, which is no mechanism");
    cavp_report("digests");
}
END_TEST

/* ---- MACs */

static struct key *key_of(CK_KEY_TYPE type)
{
    return secret_key(type, secret.at, secret.n);
}

static void mac_held(const struct cavp *c, CK_MECHANISM_TYPE type)
{
    const struct mechanism *row = mechanism_find(type);
    Hsm__Mechanism given = HSM__MECHANISM__INIT;
    struct key *key = key_of(row->key_type);
    struct mac m = {.mechanism = row, .given = &given, .key = key};

    cavp_held(c, mac_verify(&m, message.at, message.n, right.at, right.n) == ERR_OK);
    key_free(key);
}

static void hmac_file(const char *name, CK_MECHANISM_TYPE type)
{
    struct cavp *c = cavp_open(name);

    while (cavp_next(c)) {
        if (!cavp_has(c, "MD"))
            continue;
        cavp_bytes(c, "Key", &secret);
        cavp_bytes(c, "Msg", &message);
        cavp_bytes(c, "MD", &right);
        mac_held(c, type);
    }
}

static void cmac_file(const char *name, CK_MECHANISM_TYPE type)
{
    static struct cavp_bytes part;
    struct cavp *c = cavp_open(name);

    while (cavp_next(c)) {
        if (!cavp_has(c, "OUTPUT"))
            continue;
        secret.n = 0;
        for (int i = 1; i <= 3 && type == CKM_DES3_CMAC; i++) {
            char field[8];
            snprintf(field, sizeof field, "KEY%d", i);
            cavp_bytes(c, field, &part);
            memcpy(secret.at + secret.n, part.at, part.n);
            secret.n += part.n;
        }
        if (type != CKM_DES3_CMAC)
            cavp_bytes(c, "KEY", &secret);
        cavp_bytes(c, "MESSAGE", &message);
        cavp_bytes(c, "OUTPUT", &right);
        mac_held(c, type);
    }
}

START_TEST(test_macs_are_as_nist_and_the_rfcs_have_them)
{
    hmac_file("HMAC/rfc-2202-md5.txt", CKM_MD5_HMAC);
    hmac_file("HMAC/rfc-2202-sha1.txt", CKM_SHA_1_HMAC);
    hmac_file("HMAC/rfc-4231-sha224.txt", CKM_SHA224_HMAC);
    hmac_file("HMAC/rfc-4231-sha256.txt", CKM_SHA256_HMAC);
    hmac_file("HMAC/rfc-4231-sha384.txt", CKM_SHA384_HMAC);
    hmac_file("HMAC/rfc-4231-sha512.txt", CKM_SHA512_HMAC);
    cavp_skip_file("HMAC/rfc-2286-ripemd160.txt", "HMAC with RIPEMD-160, which is no mechanism here");
    cmac_file("CMAC/nist-800-38b-aes128.txt", CKM_AES_CMAC);
    cmac_file("CMAC/nist-800-38b-aes192.txt", CKM_AES_CMAC);
    cmac_file("CMAC/nist-800-38b-aes256.txt", CKM_AES_CMAC);
    cmac_file("CMAC/nist-800-38b-3des.txt", CKM_DES3_CMAC);
    cavp_report("MACs");
}
END_TEST

/* ---- derivations */

/* "SHA-256" and "SHA256" as OpenSSL has it; NULL: none of ours. */
static const char *hash_of(const char *theirs)
{
    static const char *const names[][2] = {{"SHA-1", "SHA1"},     {"SHA1", "SHA1"},     {"SHA-224", "SHA224"}, {"SHA224", "SHA224"},
                                           {"SHA-256", "SHA256"}, {"SHA256", "SHA256"}, {"SHA-384", "SHA384"}, {"SHA384", "SHA384"},
                                           {"SHA-512", "SHA512"}, {"SHA512", "SHA512"}};

    for (size_t i = 0; theirs != NULL && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i][0], theirs) == 0)
            return names[i][1];
    return NULL;
}

static struct kdf_bytes borrow(const struct cavp_bytes *b)
{
    return (struct kdf_bytes){b->at, b->n};
}

static void made(const struct cavp *c, enum err e, struct secret *out)
{
    cavp_held(c, e == ERR_OK && out->len == right.n && memcmp(out->bytes, right.at, right.n) == 0);
    secret_clear(out);
}

static void x963_file(const char *name)
{
    struct cavp *c = cavp_open(name);

    while (cavp_next(c)) {
        struct secret out = {0};
        if (!cavp_has(c, "key_data"))
            continue;
        cavp_bytes(c, "Z", &secret);
        cavp_bytes(c, "SharedInfo", &info);
        cavp_bytes(c, "key_data", &right);
        made(c, kdf_x963(NULL, hash_of(cavp_section(c)), borrow(&secret), borrow(&info), right.n, &out), &out);
    }
}

static void hkdf_file(const char *name)
{
    struct cavp *c = cavp_open(name);

    while (cavp_next(c)) {
        struct kdf_hkdf h = {.extract = true, .expand = true};
        struct secret out = {0};
        if (!cavp_has(c, "OKM"))
            continue;
        cavp_bytes(c, "IKM", &secret);
        cavp_bytes(c, "salt", &salt);
        cavp_bytes(c, "info", &info);
        cavp_bytes(c, "OKM", &right);
        h.hash = hash_of(cavp_text(c, "Hash"));
        h.salt = borrow(&salt);
        h.info = borrow(&info);
        made(c, kdf_hkdf(NULL, &h, borrow(&secret), right.n, &out), &out);
    }
}

static void pbkdf2_file(const char *name)
{
    struct cavp *c = cavp_open(name);

    while (cavp_next(c)) {
        struct kdf_pbkdf2 p = {.hash = "SHA1"};
        struct secret out = {0};
        if (strchr(cavp_text(c, "PASSWORD"), '\\') != NULL) {
            cavp_skip("texts with a zero in them");
            continue;
        }
        p.password = (struct kdf_bytes){(const uint8_t *)cavp_text(c, "PASSWORD"), strlen(cavp_text(c, "PASSWORD"))};
        p.salt = (struct kdf_bytes){(const uint8_t *)cavp_text(c, "SALT"), strlen(cavp_text(c, "SALT"))};
        p.iterations = cavp_number(c, "ITERATIONS");
        cavp_bytes(c, "DERIVED_KEY", &right);
        made(c, kdf_pbkdf2(NULL, &p, right.n, &out), &out);
    }
}

/* Where the counter stands among what is fixed, and how wide it is, our parameter says as NIST's sections do. */
static void kbkdf_held(const struct cavp *c, CK_MECHANISM_TYPE prf)
{
    static struct cavp_bytes before, after;
    Hsm__KbkdfField first = HSM__KBKDF_FIELD__INIT, counter = HSM__KBKDF_FIELD__INIT, last = HSM__KBKDF_FIELD__INIT;
    Hsm__KbkdfField *fields[3];
    Hsm__KbkdfParams p = HSM__KBKDF_PARAMS__INIT;
    const char *where = cavp_text(c, "CTRLOCATION");
    struct secret out = {0};

    before.n = after.n = 0;
    if (strcmp(where, "BEFORE_FIXED") == 0) {
        cavp_bytes(c, "FixedInputData", &after);
    } else if (strcmp(where, "AFTER_FIXED") == 0) {
        cavp_bytes(c, "FixedInputData", &before);
    } else {
        cavp_bytes(c, "DataBeforeCtrData", &before);
        cavp_bytes(c, "DataAfterCtrData", &after);
    }
    first.type = last.type = CK_SP800_108_BYTE_ARRAY;
    first.value = (ProtobufCBinaryData){.data = before.at, .len = before.n};
    last.value = (ProtobufCBinaryData){.data = after.at, .len = after.n};
    counter.type = CK_SP800_108_ITERATION_VARIABLE;
    counter.bits = (uint32_t)cavp_number(c, "RLEN"); /* "8_BITS" */
    p.prf = prf;
    p.fields = fields;
    if (before.n > 0)
        fields[p.n_fields++] = &first;
    fields[p.n_fields++] = &counter;
    if (after.n > 0)
        fields[p.n_fields++] = &last;
    cavp_bytes(c, "KI", &secret);
    cavp_bytes(c, "KO", &right);
    made(c, kbkdf_derive(NULL, KBKDF_COUNTER, &p, borrow(&secret), (struct kbkdf_bytes){right.n, right.n}, &out), &out);
}

static void kbkdf_file(const char *name)
{
    static const struct {
        const char *theirs;
        CK_MECHANISM_TYPE prf;
    } prfs[] = {{"CMAC_AES128", CKM_AES_CMAC},      {"CMAC_AES192", CKM_AES_CMAC},      {"CMAC_AES256", CKM_AES_CMAC},
                {"HMAC_SHA1", CKM_SHA_1_HMAC},      {"HMAC_SHA224", CKM_SHA224_HMAC},   {"HMAC_SHA256", CKM_SHA256_HMAC},
                {"HMAC_SHA384", CKM_SHA384_HMAC},   {"HMAC_SHA512", CKM_SHA512_HMAC}};
    struct cavp *c = cavp_open(name);

    while (cavp_next(c)) {
        size_t i = 0;
        if (!cavp_has(c, "KO"))
            continue;
        while (i < sizeof prfs / sizeof prfs[0] && strcmp(prfs[i].theirs, cavp_text(c, "PRF")) != 0)
            i++;
        if (i == sizeof prfs / sizeof prfs[0])
            cavp_skip("CMAC by triple DES as a PRF, which is none here");
        else
            kbkdf_held(c, prfs[i].prf);
    }
}

START_TEST(test_derivations_are_as_nist_and_the_rfcs_have_them)
{
    x963_file("KDF/ansx963_2001.txt");
    cavp_report("X9.63");
    hkdf_file("KDF/rfc-5869-HKDF-SHA1.txt");
    hkdf_file("KDF/rfc-5869-HKDF-SHA256.txt");
    hkdf_file("KDF/hkdf-generated.txt");
    cavp_report("HKDF");
    pbkdf2_file("KDF/rfc-6070-PBKDF2-SHA1.txt");
    cavp_report("PBKDF2");
    kbkdf_file("KDF/nist-800-108-KBKDF-CTR.txt");
    cavp_report("SP 800-108");
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_digests_are_as_nist_has_them,
        &test_macs_are_as_nist_and_the_rfcs_have_them,
        &test_derivations_are_as_nist_and_the_rfcs_have_them,
        NULL,
    };

    return suite_of("cavp_hash", 300, tests);
}
