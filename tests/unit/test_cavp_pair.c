/* NIST's vectors, and others in their form, against what checks signatures in the module and what works with private keys in the vault. */
#include <stdio.h>
#include <string.h>

#include "common/hex.h"
#include "crypto/digest.h"
#include "crypto/eddsa.h"
#include "crypto/verify.h"
#include "tests/unit/cavp.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_mechanism.h"
#include "vault/provider/decrypt.h"
#include "vault/provider/kdf.h"
#include "vault/provider/shared_secret.h"
#include "vault/provider/sign.h"

static struct cavp_bytes message, signature, number, value;

/* "SHA-256" and "SHA256" as OpenSSL has it; "" where there is none. */
static void hash_of(const char *theirs, char out[16])
{
    size_t n = 0;

    for (; *theirs != '\0' && n < 15; theirs++)
        if (*theirs != '-' && *theirs != ' ')
            out[n++] = *theirs;
    out[n] = '\0';
}

static const struct mechanism *row_of(enum mechanism_family family, const char *hash)
{
    for (size_t i = 0; mechanism_at(i) != NULL; i++)
        if (mechanism_at(i)->family == family && mechanism_at(i)->hash != NULL && strcmp(mechanism_at(i)->hash, hash) == 0)
            return mechanism_at(i);
    ck_abort_msg("no row with %s", hash);
}

static bool verifies(const struct mechanism *row, const Hsm__PssParams *pss, const struct public_key *key)
{
    const struct verify v = {.mechanism = row, .pss = pss, .key = key};
    uint8_t digest[DIGEST_BYTES_MAX];
    size_t n = 0;

    if (row->hash == NULL)
        return verify_signature(&v, message.at, message.n, signature.at, signature.n) == ERR_OK;
    ck_assert_int_eq(digest_once(NULL, row->hash, message.at, message.n, digest, &n), ERR_OK);
    return verify_signature(&v, digest, n, signature.at, signature.n) == ERR_OK;
}

/* ---- RSA */

static struct public_key *rsa_of(const struct cavp *c, const char *modulus, const char *exponent)
{
    struct public_key *key = NULL;

    cavp_bytes(c, modulus, &number);
    cavp_bytes(c, exponent, &value);
    return public_key_rsa(NULL, number.at, number.n, value.at, value.n, &key) == ERR_OK ? key : NULL;
}

/* Where no result stands beside, the signature is good. salt: SIZE_MAX: as long as SaltVal. */
static void rsa_file(const char *name, enum mechanism_family family, size_t salt)
{
    struct cavp *c = cavp_open(name);

    while (cavp_next(c)) {
        bool good = !cavp_has(c, "Result") || cavp_text(c, "Result")[0] == 'P';
        CK_RSA_PKCS_PSS_PARAMS pss;
        Hsm__PssParams wire;
        const struct mechanism *row;
        struct public_key *key;
        char hash[16];
        if (!cavp_has(c, "S"))
            continue;
        hash_of(cavp_text(c, "SHAAlg"), hash);
        row = row_of(family, hash);
        pss = sample_pss(row);
        if (salt == SIZE_MAX)
            cavp_bytes(c, "SaltVal", &value);
        pss.sLen = salt == SIZE_MAX ? value.n : salt;
        wire = sample_pss_wire(&pss);
        key = rsa_of(c, "n", "e");
        cavp_bytes(c, "Msg", &message);
        cavp_bytes(c, "S", &signature);
        cavp_held(c, good == (key != NULL && verifies(row, row->param == PARAM_PSS ? &wire : NULL, key)));
        public_key_free(key);
    }
}

/* The private key of the labelled form. */
static struct key *private_rsa(const struct cavp *c)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        const char *name;
    } names[] = {{CKA_MODULUS, "Modulus"}, {CKA_PUBLIC_EXPONENT, "Public exponent"}, {CKA_PRIVATE_EXPONENT, "Exponent"},
                 {CKA_PRIME_1, "Prime 1"}, {CKA_PRIME_2, "Prime 2"}};
    static struct cavp_bytes values[5];
    struct key_part parts[5];
    struct key *key = NULL;

    for (size_t i = 0; i < 5; i++) {
        cavp_bytes(c, names[i].name, &values[i]);
        parts[i] = (struct key_part){.type = names[i].type, .value = values[i].at, .n = values[i].n};
    }
    ck_assert_int_eq(key_load(NULL, CKK_RSA, parts, 5, &key), ERR_OK);
    return key;
}

/* Signatures without chance are made anew, and all are verified. */
static void signed_file(const char *name, CK_MECHANISM_TYPE type)
{
    const struct mechanism *row = mechanism_find(type);
    struct cavp *c = cavp_open(name);

    while (cavp_next_labelled(c, "Signature")) {
        struct key *key = private_rsa(c);
        struct public_key *half = rsa_of(c, "Modulus", "Public exponent");
        CK_RSA_PKCS_PSS_PARAMS pss = sample_pss(row);
        Hsm__PssParams wire = sample_pss_wire(&pss);
        const struct sign s = {.mechanism = row, .key = key};
        uint8_t digest[DIGEST_BYTES_MAX], out[SIGNATURE_BYTES_MAX];
        size_t n = 0, out_n = 0;
        bool same = true;
        cavp_bytes(c, "Message to be signed", &message);
        cavp_bytes(c, "Signature", &signature);
        ck_assert_int_eq(digest_once(NULL, "SHA1", message.at, message.n, digest, &n), ERR_OK);
        if (row->param != PARAM_PSS)
            same = sign_data(&s, digest, n, out, &out_n) == ERR_OK && out_n == signature.n && memcmp(out, signature.at, out_n) == 0;
        cavp_held(c, same && half != NULL && verifies(row, row->param == PARAM_PSS ? &wire : NULL, half));
        public_key_free(half);
        key_free(key);
    }
}

START_TEST(test_rsa_signatures_are_as_nist_has_them)
{
    rsa_file("asymmetric/RSA/FIPS_186-2/SigVer15_186-3.rsp", FAMILY_RSA_PKCS, 0);
    rsa_file("asymmetric/RSA/FIPS_186-2/SigGen15_186-2.rsp", FAMILY_RSA_PKCS, 0);
    rsa_file("asymmetric/RSA/FIPS_186-2/SigGen15_186-3.rsp", FAMILY_RSA_PKCS, 0);
    signed_file("asymmetric/RSA/pkcs1v15sign-vectors.txt", CKM_SHA1_RSA_PKCS);
    cavp_skip_file("asymmetric/RSA/FIPS_186-2/SigVerRSA.rsp", "signatures of X9.31, which are no mechanism here");
    cavp_skip_file("asymmetric/RSA/FIPS_186-2/SigGenRSA.rsp", "signatures of X9.31, which are no mechanism here");
    cavp_skip_file("asymmetric/RSA/FIPS_186-2/SigGenRSA_186-2.rsp", "signatures of X9.31, which are no mechanism here");
    cavp_report("RSA PKCS #1 v1.5");
    rsa_file("asymmetric/RSA/FIPS_186-2/SigVerPSS_186-3.rsp", FAMILY_RSA_PSS, SIZE_MAX);
    rsa_file("asymmetric/RSA/FIPS_186-2/SigGenPSS_186-2.rsp", FAMILY_RSA_PSS, 20);
    rsa_file("asymmetric/RSA/FIPS_186-2/SigGenPSS_186-3.rsp", FAMILY_RSA_PSS, 0);
    signed_file("asymmetric/RSA/pkcs-1v2-1d2-vec/pss-vect.txt", CKM_SHA1_RSA_PKCS_PSS);
    cavp_report("RSA-PSS");
}
END_TEST

static void encrypted_file(const char *name, CK_MECHANISM_TYPE type, const char *hash, const char *mgf)
{
    struct cavp *c = cavp_open(name);

    while (cavp_next_labelled(c, "Encryption")) {
        Hsm__Mechanism given = HSM__MECHANISM__INIT;
        Hsm__OaepParams oaep = HSM__OAEP_PARAMS__INIT;
        struct key *key = private_rsa(c);
        const struct decrypt d = {.mechanism = mechanism_find(type), .given = &given, .key = key};
        uint8_t out[RSA_BITS_MAX / 8];
        size_t n = 0;
        given.type = type;
        if (hash != NULL) {
            oaep.hash = sample_hash_type(hash);
            oaep.mgf = sample_mgf(mgf);
            given.oaep = &oaep;
        }
        cavp_bytes(c, cavp_has(c, "Message") ? "Message" : "Message to be encrypted", &message);
        cavp_bytes(c, "Encryption", &signature);
        cavp_held(c, decrypt_data(&d, signature.at, signature.n, out, &n) == ERR_OK && n == message.n && memcmp(out, message.at, n) == 0);
        key_free(key);
    }
}

START_TEST(test_rsa_decrypts_as_the_standards_vectors_have_it)
{
    static const char *const hashes[] = {"sha1", "sha224", "sha256", "sha384", "sha512"},
                            *const ours[] = {"SHA1", "SHA224", "SHA256", "SHA384", "SHA512"};
    char name[128];

    encrypted_file("asymmetric/RSA/pkcs1v15crypt-vectors.txt", CKM_RSA_PKCS, NULL, NULL);
    cavp_report("RSA PKCS #1 v1.5 encryption");
    encrypted_file("asymmetric/RSA/pkcs-1v2-1d2-vec/oaep-vect.txt", CKM_RSA_PKCS_OAEP, "SHA1", "SHA1");
    for (size_t g = 0; g < 5; g++)
        for (size_t h = 0; h < 5; h++) {
            snprintf(name, sizeof name, "asymmetric/RSA/oaep-custom/oaep-%s-%s.txt", hashes[g], hashes[h]);
            if (g > 0 || h > 0) /* which the file before has */
                encrypted_file(name, CKM_RSA_PKCS_OAEP, ours[h], ours[g]);
        }
    cavp_skip_file("asymmetric/RSA/oaep-label.txt", "texts in quotes");
    cavp_report("RSA-OAEP");
}
END_TEST

/* ---- elliptic curves */

/* "P-256" or "K-256"; NULL: none of ours. */
static const struct curve *curve_of(const char *theirs)
{
    char name[16];

    snprintf(name, sizeof name, "%.5s", theirs);
    return strcmp(name, "K-256") == 0 ? curve_by_name("secp256k1") : curve_by_name(name);
}

/* A number of the field's length; false: it is longer. */
static bool put_number(const struct cavp *c, const char *name, size_t field, uint8_t *to)
{
    size_t skip = 0;

    cavp_bytes(c, name, &number);
    while (skip < number.n && number.n - skip > field && number.at[skip] == 0)
        skip++;
    if (number.n - skip > field)
        return false;
    memset(to, 0, field);
    memcpy(to + field - (number.n - skip), number.at + skip, number.n - skip);
    return true;
}

static bool point_of(const struct cavp *c, const struct curve *curve, const char *x, const char *y, uint8_t point[CURVE_POINT_BYTES_MAX])
{
    point[0] = 4;
    return put_number(c, x, curve->field_bytes, point + 1) && put_number(c, y, curve->field_bytes, point + 1 + curve->field_bytes);
}

/* NULL: refused. */
static struct public_key *public_on(const struct cavp *c, const struct curve *curve)
{
    uint8_t point[CURVE_POINT_BYTES_MAX];
    struct public_key *key = NULL;

    if (!point_of(c, curve, "Qx", "Qy", point))
        return NULL;
    return public_key_ec(NULL, CKK_EC, curve->params, curve->params_bytes, point, curve->point_bytes, &key) == ERR_OK ? key : NULL;
}

static struct key *private_on(const struct cavp *c, const struct curve *curve, const char *d, const uint8_t *point)
{
    uint8_t own[CURVE_FIELD_BYTES_MAX];
    struct key_part parts[] = {{.type = CKA_EC_PARAMS, .value = curve->params, .n = curve->params_bytes},
                               {.type = CKA_VALUE, .value = own, .n = curve->field_bytes},
                               {.type = CKA_EC_POINT, .value = point, .n = curve->point_bytes}};
    struct key *key = NULL;

    return put_number(c, d, curve->field_bytes, own) && key_load(NULL, CKK_EC, parts, point != NULL ? 3 : 2, &key) == ERR_OK ? key : NULL;
}

static const char no_curve[] = "curves of 192 bits and of binary fields, which are not here";

/* The section is "P-224,SHA-1", or "P-224" where SHA-1 is meant. */
static void ecdsa_file(const char *name)
{
    struct cavp *c = cavp_open(name);

    while (cavp_next(c)) {
        const struct curve *curve = curve_of(cavp_section(c));
        const char *comma = strchr(cavp_section(c), ',');
        bool good = !cavp_has(c, "Result") || cavp_text(c, "Result")[0] == 'P', fits;
        struct public_key *key;
        char hash[16];
        if (!cavp_has(c, "S"))
            continue;
        if (curve == NULL) {
            cavp_skip(no_curve);
            continue;
        }
        hash_of(comma != NULL ? comma + 1 : "SHA1", hash);
        key = public_on(c, curve);
        cavp_bytes(c, "Msg", &message);
        fits = put_number(c, "R", curve->field_bytes, signature.at) &&
               put_number(c, "S", curve->field_bytes, signature.at + curve->field_bytes);
        signature.n = 2 * curve->field_bytes;
        cavp_held(c, good == (key != NULL && fits && verifies(row_of(FAMILY_ECDSA, hash), NULL, key)));
        public_key_free(key);
    }
}

START_TEST(test_ecdsa_is_as_nist_has_it)
{
    ecdsa_file("asymmetric/ECDSA/FIPS_186-2/SigVer.rsp");
    ecdsa_file("asymmetric/ECDSA/FIPS_186-3/SigVer.rsp");
    ecdsa_file("asymmetric/ECDSA/FIPS_186-3/SigGen.txt");
    ecdsa_file("asymmetric/ECDSA/SECP256K1/SigGen.txt");
    cavp_report("ECDSA");
}
END_TEST

START_TEST(test_keys_on_curves_are_judged_as_nist_does)
{
    static const char *const points[] = {"asymmetric/ECDSA/FIPS_186-2/PKV.rsp", "asymmetric/ECDSA/FIPS_186-3/PKV.rsp"},
                            *const pairs[] = {"asymmetric/ECDSA/FIPS_186-2/KeyPair.rsp", "asymmetric/ECDSA/FIPS_186-3/KeyPair.rsp"};

    for (size_t i = 0; i < 2; i++) {
        struct cavp *c = cavp_open(points[i]);
        while (cavp_next(c)) {
            const struct curve *curve = curve_of(cavp_section(c));
            struct public_key *key = NULL;
            if (!cavp_has(c, "Result"))
                continue;
            if (curve == NULL) {
                cavp_skip(no_curve);
                continue;
            }
            key = public_on(c, curve);
            cavp_held(c, (cavp_text(c, "Result")[0] == 'P') == (key != NULL));
            public_key_free(key);
        }
    }
    for (size_t i = 0; i < 2; i++) {
        struct cavp *c = cavp_open(pairs[i]);
        const struct curve *curve = NULL;
        while (cavp_next(c)) {
            uint8_t point[CURVE_POINT_BYTES_MAX];
            struct key *key;
            if (strlen(cavp_section(c)) == 5) /* "P-224", and then how they were made */
                curve = curve_of(cavp_section(c));
            if (!cavp_has(c, "d"))
                continue;
            if (curve == NULL) {
                cavp_skip(no_curve);
                continue;
            }
            key = point_of(c, curve, "Qx", "Qy", point) ? private_on(c, curve, "d", point) : NULL;
            cavp_held(c, key != NULL);
            key_free(key);
        }
    }
    cavp_report("keys on curves");
}
END_TEST

/* ---- agreement */

/* "EB - SHA224" */
static const struct curve *set_of(const char *section)
{
    static const char *const names[] = {"P-224", "P-256", "P-384", "P-521"};

    return section[0] == 'E' && section[1] >= 'B' && section[1] <= 'E' ? curve_by_name(names[section[1] - 'B']) : NULL;
}

static bool agreed(const struct cavp *c, const struct curve *curve, struct secret *out)
{
    uint8_t own[CURVE_POINT_BYTES_MAX], theirs[CURVE_POINT_BYTES_MAX];
    struct key *key = point_of(c, curve, "QsIUTx", "QsIUTy", own) ? private_on(c, curve, "dsIUT", own) : NULL;
    bool ok = key != NULL && point_of(c, curve, "QsCAVSx", "QsCAVSy", theirs) &&
              shared_secret(NULL, key, (struct kdf_bytes){theirs, curve->point_bytes}, out) == ERR_OK;

    key_free(key);
    return ok;
}

static bool is(const struct cavp *c, const char *name, const uint8_t *bytes, size_t n)
{
    cavp_bytes(c, name, &value);
    return value.n == n && memcmp(value.at, bytes, n) == 0;
}

/* Nothing follows from the secret but its hash. */
static bool is_hashed(const struct cavp *c, const char *hash, const struct secret *z)
{
    uint8_t digest[DIGEST_BYTES_MAX];
    size_t n = 0;

    ck_assert_int_eq(digest_once(NULL, hash, z->bytes, z->len, digest, &n), ERR_OK);
    return is(c, "CAVSHashZZ", digest, n);
}

/* A key follows by SP 800-56A's one step, which is CKD_*_KDF_SP800. Whether a tag over it is right is the caller's to see. */
static bool is_concatenated(const struct cavp *c, const char *hash, const struct secret *z)
{
    struct secret key = {0};
    size_t n;
    bool ok;

    cavp_bytes(c, "DKM", &value);
    n = value.n;
    cavp_bytes(c, "OI", &message);
    ok = kdf_one_step(NULL, hash, (struct kdf_bytes){z->bytes, z->len}, (struct kdf_bytes){message.at, message.n}, n, &key) == ERR_OK &&
         is(c, "DKM", key.bytes, key.len);
    secret_clear(&key);
    return ok;
}

static void agreement_file(const char *name, bool (*follows)(const struct cavp *c, const char *hash, const struct secret *z))
{
    struct cavp *c = cavp_open(name);

    while (cavp_next(c)) {
        const struct curve *curve = set_of(cavp_section(c));
        const char *dash = strchr(cavp_section(c), '-');
        struct secret z = {0};
        char hash[16];
        bool ok;
        if (!cavp_has(c, "Result"))
            continue;
        if (curve == NULL) {
            cavp_skip(no_curve);
            continue;
        }
        hash_of(dash + 1, hash);
        ok = agreed(c, curve, &z) && is(c, "Z", z.bytes, z.len) && follows(c, hash, &z);
        if (cavp_text(c, "Result")[0] != 'P' && ok && cavp_has(c, "MacData"))
            cavp_skip("agreements of which only the tag is wrong");
        else
            cavp_held(c, ok == (cavp_text(c, "Result")[0] == 'P'));
        secret_clear(&z);
    }
}

static void brainpool_file(void)
{
    struct cavp *c = cavp_open("asymmetric/ECDH/brainpool.txt");

    while (cavp_next(c)) {
        const struct curve *curve = curve_by_name(cavp_text(c, "curve"));
        uint8_t point[CURVE_POINT_BYTES_MAX];
        struct secret z = {0};
        struct key *key;
        ck_assert_ptr_nonnull(curve);
        key = private_on(c, curve, "dA", NULL);
        cavp_held(c, key != NULL && point_of(c, curve, "x_qB", "y_qB", point) &&
                         shared_secret(NULL, key, (struct kdf_bytes){point, curve->point_bytes}, &z) == ERR_OK &&
                         is(c, "x_Z", z.bytes, z.len));
        secret_clear(&z);
        key_free(key);
    }
}

static void montgomery_file(const char *name, const char *curve_name)
{
    const struct curve *curve = curve_by_name(curve_name);
    struct cavp *c = cavp_open(name);

    while (cavp_next(c)) {
        struct key_part parts[] = {{.type = CKA_EC_PARAMS, .value = curve->params, .n = curve->params_bytes},
                                   {.type = CKA_VALUE, .value = message.at}};
        struct secret z = {0};
        struct key *key = NULL;
        if (!cavp_has(c, "OUTPUT_U"))
            continue;
        cavp_bytes(c, "INPUT_SCALAR", &message);
        cavp_bytes(c, "INPUT_U", &signature);
        parts[1].n = message.n;
        ck_assert_int_eq(key_load(NULL, CKK_EC_MONTGOMERY, parts, 2, &key), ERR_OK);
        cavp_held(c, shared_secret(NULL, key, (struct kdf_bytes){signature.at, signature.n}, &z) == ERR_OK &&
                         is(c, "OUTPUT_U", z.bytes, z.len));
        secret_clear(&z);
        key_free(key);
    }
}

START_TEST(test_agreements_are_as_nist_and_the_rfcs_have_them)
{
    agreement_file("asymmetric/ECDH/KASValidityTest_ECCStaticUnified_NOKC_ZZOnly_init.fax", is_hashed);
    agreement_file("asymmetric/ECDH/KASValidityTest_ECCStaticUnified_NOKC_ZZOnly_resp.fax", is_hashed);
    agreement_file("asymmetric/ECDH/KASValidityTest_ECCStaticUnified_KDFConcat_NOKC_init.fax", is_concatenated);
    agreement_file("asymmetric/ECDH/KASValidityTest_ECCStaticUnified_KDFConcat_NOKC_resp.fax", is_concatenated);
    brainpool_file();
    cavp_report("ECDH");
    montgomery_file("asymmetric/X25519/rfc7748.txt", "X25519");
    montgomery_file("asymmetric/X448/rfc7748.txt", "X448");
    cavp_report("X25519 and X448");
}
END_TEST

/* ---- Edwards curves: signatures without chance are made anew */

static bool signs_and_verifies(const struct curve *curve, const Hsm__EddsaParams *given)
{
    struct key_part parts[] = {{.type = CKA_EC_PARAMS, .value = curve->params, .n = curve->params_bytes},
                               {.type = CKA_VALUE, .value = value.at, .n = curve->field_bytes}};
    const struct mechanism *row = mechanism_find(CKM_EDDSA);
    struct sign s = {.mechanism = row, .eddsa = given};
    struct verify v = {.mechanism = row, .eddsa = given};
    struct public_key *half = NULL;
    uint8_t out[SIGNATURE_BYTES_MAX];
    struct key *key = NULL;
    size_t n = 0;
    bool ok = key_load(NULL, CKK_EC_EDWARDS, parts, 2, &key) == ERR_OK &&
              public_key_ec(NULL, CKK_EC_EDWARDS, curve->params, curve->params_bytes, number.at, number.n, &half) == ERR_OK;

    s.key = key;
    v.key = half;
    ok = ok && sign_data(&s, message.at, message.n, out, &n) == ERR_OK && n == signature.n && memcmp(out, signature.at, n) == 0 &&
         verify_signature(&v, message.at, message.n, signature.at, signature.n) == ERR_OK;
    public_key_free(half);
    key_free(key);
    return ok;
}

static void ed448_file(void)
{
    struct cavp *c = cavp_open("asymmetric/Ed448/rfc8032.txt");

    while (cavp_next(c)) {
        static struct cavp_bytes context;
        Hsm__EddsaParams given = HSM__EDDSA_PARAMS__INIT;
        if (!cavp_has(c, "SIGNATURE"))
            continue;
        cavp_bytes(c, "SECRET", &value);
        cavp_bytes(c, "PUBLIC", &number);
        cavp_bytes(c, "MESSAGE", &message);
        cavp_bytes(c, "SIGNATURE", &signature);
        if (cavp_has(c, "CONTEXT")) {
            cavp_bytes(c, "CONTEXT", &context);
            given.context = (ProtobufCBinaryData){.data = context.at, .len = context.n};
        }
        if (eddsa_check(curve_by_name("ED448"), &given) != ERR_OK)
            cavp_skip("contexts, which this OpenSSL has not");
        else
            cavp_held(c, signs_and_verifies(curve_by_name("ED448"), &given));
    }
}

/* A line is secret and public key, public key, message, signature and message. */
static void ed25519_file(void)
{
    struct cavp *c = cavp_open("asymmetric/Ed25519/sign.input");
    const struct curve *curve = curve_by_name("ED25519");

    while (cavp_next_line(c)) {
        cavp_part(c, 0, &value);
        cavp_part(c, 1, &number);
        cavp_part(c, 2, &message);
        cavp_part(c, 3, &signature);
        signature.n -= message.n;
        value.n = curve->field_bytes;
        cavp_held(c, signs_and_verifies(curve, NULL));
    }
}

START_TEST(test_edwards_signatures_are_as_published)
{
    eddsa_probe(NULL);
    ed25519_file();
    ed448_file();
    cavp_report("Ed25519 and Ed448");
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_rsa_signatures_are_as_nist_has_them,
        &test_rsa_decrypts_as_the_standards_vectors_have_it,
        &test_ecdsa_is_as_nist_has_it,
        &test_keys_on_curves_are_judged_as_nist_does,
        &test_agreements_are_as_nist_and_the_rfcs_have_them,
        &test_edwards_signatures_are_as_published,
        NULL,
    };

    return suite_of("cavp_pair", 300, tests);
}
