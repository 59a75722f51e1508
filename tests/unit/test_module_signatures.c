/* Every row of the mechanism table that signs, through the module and the vault, with keys of every type and size that fit it, judged by
 * OpenSSL; and what each of them must refuse. */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "crypto/curve.h"
#include "proto/key_kind.h"
#include "tests/unit/opinion.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_mechanism.h"
#include "tests/unit/token_key.h"

enum { KEYS_MAX = 40, DATA_BYTES = 300, SIGNATURE_BYTES = 1024, MAC_KEY_BYTES = 32 };

/* A key with its second opinion: OpenSSL's pair, or the bytes of a secret. */
struct tried_key {
    CK_KEY_TYPE type;
    size_t size;
    struct token_pair handles;
    EVP_PKEY *openssl;
    CK_BYTE secret[MAC_KEY_BYTES];
    bool few; /* so slow that only rows which differ in more than the hash are tried with it */
};

static CK_SESSION_HANDLE s;
static struct tried_key keys[KEYS_MAX];
static size_t keys_n;
static CK_BYTE data[DATA_BYTES];
static CK_RSA_PKCS_PSS_PARAMS pss;

static void add_pair(EVP_PKEY *openssl, CK_KEY_TYPE type, size_t size)
{
    struct tried_key *k = &keys[keys_n++];

    ck_assert_uint_le(keys_n, KEYS_MAX);
    *k = (struct tried_key){.type = type, .size = size, .handles = token_key_import(s, openssl), .openssl = openssl};
}

static void add_secret(const struct key_kind *kind)
{
    struct tried_key *k = &keys[keys_n++];
    CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
    CK_ATTRIBUTE array[] = {{CKA_CLASS, &object_class, sizeof object_class},
                            {CKA_KEY_TYPE, &k->type, sizeof k->type},
                            {CKA_VALUE, k->secret, key_kind_has_length(kind, MAC_KEY_BYTES) ? MAC_KEY_BYTES : kind->bytes_max}};

    ck_assert_uint_le(keys_n, KEYS_MAX);
    *k = (struct tried_key){.type = kind->type, .size = array[2].ulValueLen};
    for (size_t i = 0; i < MAC_KEY_BYTES; i++)
        k->secret[i] = (CK_BYTE)i;
    ck_ok(f->C_CreateObject(s, array, 3, &k->handles.private_key));
    k->handles.public_key = k->handles.private_key;
}

static void setup(void)
{
    token_start_with_users();
    s = token_alice();
    keys_n = 0;
    for (size_t i = 0; i < DATA_BYTES; i++)
        data[i] = (CK_BYTE)(i + 1);
    add_pair(sample_rsa(), CKK_RSA, 2048);
    add_pair(sample_dsa(), CKK_DSA, 2048);
    for (size_t i = 0; curve_at(i) != NULL; i++)
        add_pair(sample_on_curve(curve_at(i)), curve_at(i)->key_type, curve_at(i)->bits);
    for (size_t i = 0; key_kind_at(i) != NULL; i++)
        if (key_kind_is_secret(key_kind_at(i)) && key_kind_at(i)->bytes_min <= MAC_KEY_BYTES)
            add_secret(key_kind_at(i));
}

static void teardown(void)
{
    for (size_t i = 0; i < keys_n; i++)
        EVP_PKEY_free(keys[i].openssl);
    token_stop();
}

static bool fits(const struct mechanism *row, const struct tried_key *k)
{
    return mechanism_takes_key(row, k->type) && k->size >= row->size_min && k->size <= row->size_max &&
           (!k->few || row->hash == NULL || strcmp(row->hash, "SHA256") == 0);
}

/* Post-quantum signatures have tests of their own (test_module_pq_sign), where libcrypto has them; one-time passwords too. */
static bool is_ours(const struct mechanism *row)
{
    return mechanism_does(row, CKF_SIGN) && row->family != FAMILY_PQ_PURE && row->family != FAMILY_PQ_HASH && row->family != FAMILY_PQ_MU &&
           row->family != FAMILY_HOTP;
}

static CK_MECHANISM mechanism_of(const struct mechanism *row)
{
    if (mechanism_is_mac(row))
        return sample_mechanism(row, DATA_BYTES);
    if (row->param != PARAM_PSS)
        return (CK_MECHANISM){row->type, NULL, 0};
    pss = sample_pss(row);
    return (CK_MECHANISM){row->type, &pss, sizeof pss};
}

/* What the mechanism can sign. */
static CK_ULONG length_for(const struct mechanism *row)
{
    if (row->family == FAMILY_RSA_RAW)
        return 200;
    if (row->family == FAMILY_RSA_PKCS || row->family == FAMILY_RSA_PSS || row->family == FAMILY_ECDSA || row->family == FAMILY_DSA)
        return row->hash != NULL ? DATA_BYTES : 32;
    return DATA_BYTES;
}

static bool right(const struct mechanism *row, const struct tried_key *k, const CK_BYTE *signature, CK_ULONG n)
{
    struct opinion o = {.row = row, .pss = &pss, .data = data, .n = length_for(row)};

    if (k->openssl != NULL)
        return opinion_accepts(&o, k->openssl, signature, n);
    return row->family != FAMILY_HMAC || row->param != PARAM_NONE || opinion_mac(&o, k->secret, sizeof k->secret, signature, n);
}

/* ---- what is right */

static void sign_in_one(CK_MECHANISM *m, const struct tried_key *k, CK_ULONG length, CK_BYTE *out, CK_ULONG *out_n)
{
    CK_ULONG size = 0, less;

    ck_ok(f->C_SignInit(s, m, k->handles.private_key));
    ck_ok(f->C_Sign(s, data, length, NULL, &size));
    less = size - 1;
    ck_rv(f->C_Sign(s, data, length, out, &less), CKR_BUFFER_TOO_SMALL);
    ck_assert_uint_eq(less, size);
    *out_n = SIGNATURE_BYTES;
    ck_ok(f->C_Sign(s, data, length, out, out_n));
    ck_assert_uint_eq(*out_n, size);
    ck_rv(f->C_Sign(s, data, length, out, &size), CKR_OPERATION_NOT_INITIALIZED);
}

static void sign_in_parts(CK_MECHANISM *m, const struct tried_key *k, CK_ULONG length, CK_BYTE *out, CK_ULONG *out_n)
{
    CK_ULONG size = 0, less;

    ck_ok(f->C_SignInit(s, m, k->handles.private_key));
    ck_ok(f->C_SignUpdate(s, data, 1));
    ck_ok(f->C_SignUpdate(s, NULL, 0));
    ck_ok(f->C_SignUpdate(s, data + 1, length - 1));
    ck_ok(f->C_SignFinal(s, NULL, &size));
    less = size - 1;
    ck_rv(f->C_SignFinal(s, out, &less), CKR_BUFFER_TOO_SMALL);
    *out_n = SIGNATURE_BYTES;
    ck_ok(f->C_SignFinal(s, out, out_n));
    ck_assert_uint_eq(*out_n, size);
}

static void verify_both_ways(CK_MECHANISM *m, const struct tried_key *k, CK_ULONG length, CK_BYTE *signature, CK_ULONG n)
{
    CK_OBJECT_HANDLE key = k->handles.public_key;

    ck_ok(f->C_VerifyInit(s, m, key));
    ck_ok(f->C_Verify(s, data, length, signature, n));
    ck_ok(f->C_VerifyInit(s, m, key));
    ck_ok(f->C_VerifyUpdate(s, data, length - 1));
    ck_ok(f->C_VerifyUpdate(s, data + length - 1, 1));
    ck_ok(f->C_VerifyFinal(s, signature, n));
    data[length / 2] ^= 1;
    ck_ok(f->C_VerifyInit(s, m, key));
    ck_rv(f->C_Verify(s, data, length, signature, n), CKR_SIGNATURE_INVALID);
    data[length / 2] ^= 1;
    signature[n / 2] ^= 1;
    ck_ok(f->C_VerifyInit(s, m, key));
    ck_rv(f->C_Verify(s, data, length, signature, n), CKR_SIGNATURE_INVALID);
    signature[n / 2] ^= 1;
    for (CK_ULONG wrong = 0; wrong < 3; wrong++) {
        static const int change[] = {-1, 1, 3};
        ck_ok(f->C_VerifyInit(s, m, key));
        ck_rv(f->C_Verify(s, data, length, signature, n + (CK_ULONG)change[wrong]), CKR_SIGNATURE_LEN_RANGE);
    }
}

static void try_row(const struct mechanism *row, const struct tried_key *k)
{
    CK_BYTE one[SIGNATURE_BYTES], parts[SIGNATURE_BYTES];
    CK_MECHANISM m = mechanism_of(row);
    CK_ULONG length = length_for(row), one_n = 0, parts_n = 0;

    sign_in_one(&m, k, length, one, &one_n);
    sign_in_parts(&m, k, length, parts, &parts_n);
    ck_assert_msg(right(row, k, one, one_n) && right(row, k, parts, parts_n), "%s with a key of %zu", row->name, k->size);
    verify_both_ways(&m, k, length, one, one_n);
    verify_both_ways(&m, k, length, parts, parts_n);
}

static unsigned try_all(void)
{
    unsigned tried = 0;

    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        unsigned with = 0;
        for (size_t k = 0; is_ours(mechanism_at(i)) && k < keys_n; k++)
            if (fits(mechanism_at(i), &keys[k])) {
                try_row(mechanism_at(i), &keys[k]);
                with++;
            }
        tried += with;
    }
    return tried;
}

START_TEST(test_every_mechanism_signs_and_verifies_with_every_key_that_fits)
{
    setup();
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        bool some = !is_ours(mechanism_at(i));
        for (size_t k = 0; k < keys_n; k++)
            some = some || fits(mechanism_at(i), &keys[k]);
        ck_assert_msg(some, "no key here is for %s", mechanism_at(i)->name);
    }
    ck_assert_uint_gt(try_all(), 100);
    teardown();
}
END_TEST

START_TEST(test_large_rsa_keys_sign_as_small_ones_do)
{
    token_start_with_users();
    s = token_alice();
    keys_n = 0;
    for (size_t i = 0; i < DATA_BYTES; i++)
        data[i] = (CK_BYTE)(i + 1);
    add_pair(EVP_RSA_gen(3072), CKK_RSA, 3072);
    add_pair(EVP_RSA_gen(4096), CKK_RSA, 4096);
    add_pair(token_key_rsa_8192(), CKK_RSA, 8192);
    for (size_t i = 0; i < keys_n; i++)
        keys[i].few = true;
    ck_assert_uint_ge(try_all(), 15);
    teardown();
}
END_TEST

/* ---- what the token makes itself */

static void try_made(CK_MECHANISM_TYPE generator, CK_ATTRIBUTE what, CK_KEY_TYPE type, size_t size)
{
    CK_MECHANISM m = {generator, NULL, 0};
    struct tried_key k = {.type = type, .size = size, .few = true};
    EVP_PKEY *of_private;

    ck_ok(f->C_GenerateKeyPair(s, &m, &what, 1, NULL, 0, &k.handles.public_key, &k.handles.private_key));
    k.openssl = token_key_public(s, k.handles.public_key);
    of_private = token_key_public(s, k.handles.private_key);
    ck_assert_int_eq(EVP_PKEY_eq(k.openssl, of_private), 1);
    EVP_PKEY_free(of_private);
    for (size_t i = 0; mechanism_at(i) != NULL; i++)
        if (is_ours(mechanism_at(i)) && fits(mechanism_at(i), &k))
            try_row(mechanism_at(i), &k);
    EVP_PKEY_free(k.openssl);
}

START_TEST(test_pairs_of_every_curve_are_made_and_sign)
{
    setup();
    for (size_t i = 0; curve_at(i) != NULL; i++) {
        const struct curve *c = curve_at(i);
        CK_MECHANISM_TYPE generator = c->key_type == CKK_EC           ? CKM_EC_KEY_PAIR_GEN
                                      : c->key_type == CKK_EC_EDWARDS ? CKM_EC_EDWARDS_KEY_PAIR_GEN
                                                                      : CKM_EC_MONTGOMERY_KEY_PAIR_GEN;
        CK_BYTE printed[64] = {0x13, (CK_BYTE)strlen(c->printed)};
        memcpy(printed + 2, c->printed, strlen(c->printed));
        try_made(generator, (CK_ATTRIBUTE){CKA_EC_PARAMS, (void *)(uintptr_t)c->params, c->params_bytes}, c->key_type, c->bits);
        try_made(generator, (CK_ATTRIBUTE){CKA_EC_PARAMS, printed, 2 + strlen(c->printed)}, c->key_type, c->bits);
        if (generator != CKM_EC_KEY_PAIR_GEN) /* as CloudHSM's programs ask for them */
            try_made(CKM_EC_KEY_PAIR_GEN, (CK_ATTRIBUTE){CKA_EC_PARAMS, (void *)(uintptr_t)c->params, c->params_bytes}, c->key_type,
                     c->bits);
    }
    teardown();
}
END_TEST

START_TEST(test_rsa_pairs_of_both_generators_sign)
{
    CK_ULONG bits = 2048;

    setup();
    try_made(CKM_RSA_PKCS_KEY_PAIR_GEN, (CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof bits}, CKK_RSA, bits);
    try_made(CKM_RSA_X9_31_KEY_PAIR_GEN, (CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof bits}, CKK_RSA, bits);
    teardown();
}
END_TEST

/* ---- what is refused */

static void refuse_parameters(const struct mechanism *row, const struct tried_key *k)
{
    static CK_BYTE junk[64];
    CK_MECHANISM m = {row->type, junk, 4};

    ck_rv(f->C_SignInit(s, &m, k->handles.private_key), CKR_MECHANISM_PARAM_INVALID);
    ck_rv(f->C_VerifyInit(s, &m, k->handles.public_key), CKR_MECHANISM_PARAM_INVALID);
    if (row->param == PARAM_NONE)
        return;
    m = mechanism_of(row);
    m.ulParameterLen--;
    m.pParameter = m.pParameter != NULL ? m.pParameter : junk;
    ck_rv(f->C_SignInit(s, &m, k->handles.private_key), CKR_MECHANISM_PARAM_INVALID);
    if (row->param != PARAM_PSS)
        return;
    m = mechanism_of(row);
    pss.mgf = 0x99;
    ck_rv(f->C_SignInit(s, &m, k->handles.private_key), CKR_MECHANISM_PARAM_INVALID);
    m = mechanism_of(row);
    pss.hashAlg = CKM_RSA_PKCS;
    ck_rv(f->C_VerifyInit(s, &m, k->handles.public_key), CKR_MECHANISM_PARAM_INVALID);
    m = mechanism_of(row);
    pss.hashAlg = pss.hashAlg == CKM_SHA256 ? CKM_SHA384 : CKM_SHA256;
    if (row->hash != NULL)
        ck_rv(f->C_SignInit(s, &m, k->handles.private_key), CKR_MECHANISM_PARAM_INVALID);
    m = mechanism_of(row);
    pss.sLen = 300;
    ck_rv(f->C_SignInit(s, &m, k->handles.private_key), CKR_MECHANISM_PARAM_INVALID);
    ck_rv(f->C_VerifyInit(s, &m, k->handles.public_key), CKR_MECHANISM_PARAM_INVALID);
}

START_TEST(test_every_mechanism_refuses_wrong_keys_and_parameters)
{
    setup();
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *row = mechanism_at(i);
        CK_MECHANISM m = mechanism_of(row);
        for (size_t k = 0; is_ours(row) && k < keys_n; k++) {
            /* A key whose type is not for signing at all has not that use. */
            CK_RV wrong = mechanism_is_there(keys[k].type, CKF_SIGN) ? CKR_KEY_TYPE_INCONSISTENT : CKR_KEY_FUNCTION_NOT_PERMITTED;
            if (!mechanism_takes_key(row, keys[k].type)) {
                ck_rv(f->C_SignInit(s, &m, keys[k].handles.private_key), wrong);
                ck_rv(f->C_VerifyInit(s, &m, keys[k].handles.public_key), wrong);
            } else if (fits(row, &keys[k])) {
                refuse_parameters(row, &keys[k]);
                m = mechanism_of(row);
                if (keys[k].openssl != NULL) {
                    ck_rv(f->C_SignInit(s, &m, keys[k].handles.public_key), CKR_KEY_FUNCTION_NOT_PERMITTED);
                    ck_rv(f->C_VerifyInit(s, &m, keys[k].handles.private_key), CKR_KEY_FUNCTION_NOT_PERMITTED);
                }
            }
        }
    }
    teardown();
}
END_TEST

START_TEST(test_every_mechanism_refuses_keys_that_may_not)
{
    static struct sample_template t;
    CK_BBOOL no = CK_FALSE;

    setup();
    for (size_t k = 0; k < keys_n; k++) {
        CK_ATTRIBUTE not_sign = {CKA_SIGN, &no, 1}, not_verify = {CKA_VERIFY, &no, 1};
        CK_OBJECT_HANDLE private_key, public_key;
        if (keys[k].openssl == NULL)
            continue;
        sample_private(&t, keys[k].openssl, true);
        private_key = token_key_create(s, &t, &not_sign, 1);
        sample_public(&t, keys[k].openssl);
        public_key = token_key_create(s, &t, &not_verify, 1);
        for (size_t i = 0; mechanism_at(i) != NULL; i++)
            if (is_ours(mechanism_at(i)) && fits(mechanism_at(i), &keys[k])) {
                CK_MECHANISM m = mechanism_of(mechanism_at(i));
                ck_rv(f->C_SignInit(s, &m, private_key), CKR_KEY_FUNCTION_NOT_PERMITTED);
                ck_rv(f->C_VerifyInit(s, &m, public_key), CKR_KEY_FUNCTION_NOT_PERMITTED);
            }
    }
    teardown();
}
END_TEST

/* Data that does not fit: a digest of another length, a block longer than the modulus allows. */
START_TEST(test_data_of_the_wrong_length_is_refused)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        CK_ULONG least, most;
    } rows[] = {{CKM_RSA_PKCS, 0, 245}, {CKM_RSA_X_509, 0, 256}, {CKM_RSA_PKCS_PSS, 32, 32}, {CKM_ECDSA, 1, DATA_BYTES}};
    CK_BYTE signature[SIGNATURE_BYTES];

    setup();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct mechanism *row = mechanism_find(rows[i].type);
        CK_MECHANISM m = mechanism_of(row);
        size_t k = 0;
        CK_ULONG n;
        while (!fits(row, &keys[k]))
            k++;
        for (CK_ULONG length = 0; length <= DATA_BYTES; length++) {
            CK_RV expected = length >= rows[i].least && length <= rows[i].most ? CKR_OK : CKR_DATA_LEN_RANGE;
            if (length > 3 && length < DATA_BYTES - 3 && length + 1 != rows[i].least && length != rows[i].least &&
                length != rows[i].most && length != rows[i].most + 1)
                continue;
            n = sizeof signature;
            ck_ok(f->C_SignInit(s, &m, keys[k].handles.private_key));
            ck_rv(f->C_Sign(s, data, length, signature, &n), expected);
        }
    }
    teardown();
}
END_TEST

/* ---- digests */

START_TEST(test_every_digest_is_openssls)
{
    unsigned tried = 0;

    token_start(NULL);
    s = token_session();
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *row = mechanism_at(i);
        CK_MECHANISM m = {row->type, NULL, 0}, wrong = {row->type, data, 4};
        CK_BYTE right[EVP_MAX_MD_SIZE], one[EVP_MAX_MD_SIZE], parts[EVP_MAX_MD_SIZE];
        size_t right_n = 0;
        CK_ULONG n = 0;
        if (!mechanism_does(row, CKF_DIGEST) || row->compatible_only)
            continue;
        ck_assert_int_eq(EVP_Q_digest(NULL, row->hash, NULL, data, DATA_BYTES, right, &right_n), 1);
        ck_rv(f->C_DigestInit(s, &wrong), CKR_MECHANISM_PARAM_INVALID);
        ck_ok(f->C_DigestInit(s, &m));
        ck_ok(f->C_Digest(s, data, DATA_BYTES, NULL, &n));
        ck_assert_uint_eq(n, right_n);
        n--;
        ck_rv(f->C_Digest(s, data, DATA_BYTES, one, &n), CKR_BUFFER_TOO_SMALL);
        ck_ok(f->C_Digest(s, data, DATA_BYTES, one, &n));
        ck_ok(f->C_DigestInit(s, &m));
        for (CK_ULONG at = 0; at < DATA_BYTES; at += 100)
            ck_ok(f->C_DigestUpdate(s, data + at, 100));
        n = sizeof parts;
        ck_ok(f->C_DigestFinal(s, parts, &n));
        ck_assert_uint_eq(n, right_n);
        ck_assert_msg(memcmp(one, right, n) == 0 && memcmp(parts, right, n) == 0, "%s", row->name);
        tried++;
    }
    ck_assert_uint_ge(tried, 10);
    token_stop();
}
END_TEST

/* ---- EdDSA's variants: what OpenSSL has not is refused when the operation begins, whichever the key */

START_TEST(test_eddsa_variants_work_or_are_refused_at_once)
{
    static CK_BYTE context[256];
    static const struct {
        CK_BBOOL prehash;
        CK_ULONG context_n;
    } variants[] = {{CK_FALSE, 0}, {CK_FALSE, 1}, {CK_FALSE, 255}, {CK_TRUE, 0}, {CK_TRUE, 9}, {CK_FALSE, 256}, {CK_TRUE, 256}};
    CK_BYTE signature[SIGNATURE_BYTES];

    setup();
    for (size_t k = 0; k < keys_n; k++)
        for (size_t i = 0; keys[k].type == CKK_EC_EDWARDS && i < sizeof variants / sizeof variants[0]; i++) {
            struct pkcs11_eddsa_params given = {variants[i].prehash, variants[i].context_n, context};
            CK_MECHANISM m = {CKM_EDDSA, &given, sizeof given}, plain = {CKM_EDDSA, NULL, 0};
            CK_RV rv = f->C_SignInit(s, &m, keys[k].handles.private_key);
            CK_ULONG n = sizeof signature;
            ck_rv(f->C_VerifyInit(s, &m, keys[k].handles.public_key), rv);
            ck_assert(rv == CKR_OK || rv == CKR_MECHANISM_PARAM_INVALID);
            ck_assert((rv == CKR_OK || i > 0) && (rv != CKR_OK || i < 5));
            if (rv != CKR_OK)
                continue;
            ck_ok(f->C_Sign(s, data, DATA_BYTES, signature, &n));
            ck_ok(f->C_Verify(s, data, DATA_BYTES, signature, n));
            ck_ok(f->C_VerifyInit(s, &plain, keys[k].handles.public_key));
            ck_rv(f->C_Verify(s, data, DATA_BYTES, signature, n), i == 0 ? CKR_OK : CKR_SIGNATURE_INVALID);
        }
    teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_every_mechanism_signs_and_verifies_with_every_key_that_fits,
        &test_large_rsa_keys_sign_as_small_ones_do,
        &test_pairs_of_every_curve_are_made_and_sign,
        &test_rsa_pairs_of_both_generators_sign,
        &test_every_mechanism_refuses_wrong_keys_and_parameters,
        &test_every_mechanism_refuses_keys_that_may_not,
        &test_data_of_the_wrong_length_is_refused,
        &test_every_digest_is_openssls,
        &test_eddsa_variants_work_or_are_refused_at_once,
        NULL,
    };
    return suite_of("module_signatures", 300, tests);
}
