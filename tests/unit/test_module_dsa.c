/* CKK_DSA through the module and the vault, in groups of all four sizes: signatures judged by OpenSSL and its judged here, pairs, private
 * keys in and out, and the policy that has none of it. What is no group: test_module_dsa_group. */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "tests/unit/opinion.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_group.h"
#include "tests/unit/token_key.h"

enum { DATA_BYTES = 300, ROOM = 1024 };

static CK_SESSION_HANDLE s;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_BYTE data[DATA_BYTES], signature[ROOM];
static struct sample_template t;

static void start(enum policy policy)
{
    s = token_alice_under(policy);
    for (size_t i = 0; i < DATA_BYTES; i++)
        data[i] = (CK_BYTE)(i + 1);
}

/* ---- signatures */

static const struct mechanism *dsa_row(size_t i)
{
    size_t row = 0;

    while (mechanism_at(row) != NULL && (mechanism_at(row)->family != FAMILY_DSA || i-- > 0))
        row++;
    return mechanism_at(row);
}

/* What the row signs: of the one that does not hash, a digest. */
static CK_ULONG length_for(const struct mechanism *row)
{
    return row->hash != NULL ? DATA_BYTES : 32;
}

static CK_RV sign(CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key, CK_ULONG n, CK_ULONG *signature_n)
{
    CK_MECHANISM m = {type, NULL, 0};

    *signature_n = ROOM;
    ck_ok(f->C_SignInit(s, &m, key));
    return f->C_Sign(s, data, n, signature, signature_n);
}

static CK_RV verify(CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key, CK_ULONG n, CK_ULONG signature_n)
{
    CK_MECHANISM m = {type, NULL, 0};

    ck_ok(f->C_VerifyInit(s, &m, key));
    return f->C_Verify(s, data, n, signature, signature_n);
}

/* r || s of what OpenSSL alone signs. */
static void sign_by_openssl(const struct mechanism *row, EVP_PKEY *key, size_t half)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    uint8_t digest[EVP_MAX_MD_SIZE], der[ROOM];
    const uint8_t *at = der;
    size_t digest_n = length_for(row), n = sizeof der;
    ECDSA_SIG *pair;

    if (row->hash != NULL)
        ck_assert_int_eq(EVP_Q_digest(NULL, row->hash, NULL, data, DATA_BYTES, digest, &digest_n), 1);
    else
        memcpy(digest, data, digest_n);
    ck_assert(EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_sign(ctx, der, &n, digest, digest_n) == 1);
    ck_assert_ptr_nonnull(pair = d2i_ECDSA_SIG(NULL, &at, (long)n));
    ck_assert_int_eq(BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, (int)half), (int)half);
    ck_assert_int_eq(BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + half, (int)half), (int)half);
    ECDSA_SIG_free(pair);
    EVP_PKEY_CTX_free(ctx);
}

static void try_signing(const struct mechanism *row, const struct token_pair *pair, EVP_PKEY *openssl, size_t half)
{
    const struct opinion o = {.row = row, .data = data, .n = length_for(row)};
    CK_MECHANISM m = {row->type, NULL, 0};
    CK_ULONG n = 0;

    ck_ok(f->C_SignInit(s, &m, pair->private_key));
    ck_ok(f->C_Sign(s, data, length_for(row), NULL, &n));
    ck_assert_uint_eq(n, 2 * half);
    ck_ok(f->C_Sign(s, data, length_for(row), signature, &n));
    ck_assert_uint_eq(n, 2 * half);
    ck_assert_msg(opinion_accepts(&o, openssl, signature, n), "%s", row->name);
    ck_ok(f->C_SignInit(s, &m, pair->private_key));
    ck_ok(f->C_SignUpdate(s, data, 7));
    ck_ok(f->C_SignUpdate(s, data + 7, length_for(row) - 7));
    ck_ok(f->C_SignFinal(s, signature, &n));
    ck_assert_msg(opinion_accepts(&o, openssl, signature, n), "%s in parts", row->name);
    ck_ok(verify(row->type, pair->public_key, length_for(row), n));
}

static void try_verifying(const struct mechanism *row, const struct token_pair *pair, EVP_PKEY *openssl, size_t half)
{
    sign_by_openssl(row, openssl, half);
    ck_ok(verify(row->type, pair->public_key, length_for(row), 2 * half));
    data[3] ^= 1;
    ck_rv(verify(row->type, pair->public_key, length_for(row), 2 * half), CKR_SIGNATURE_INVALID);
    data[3] ^= 1;
    memset(signature, 0, half); /* FIPS 186-4 section 4.7: r and s are not 0 */
    ck_rv(verify(row->type, pair->public_key, length_for(row), 2 * half), CKR_SIGNATURE_INVALID);
}

START_TEST(test_every_size_signs_and_verifies_as_openssl_does)
{
    start(POLICY_COMPATIBLE);
    for (size_t i = 0; i < SAMPLE_DSA_SIZES; i++) {
        EVP_PKEY *openssl = sample_dsa_of(i);
        struct token_pair pair = token_key_import(s, openssl);
        size_t rows = 0;
        for (const struct mechanism *row; (row = dsa_row(rows)) != NULL; rows++) {
            try_signing(row, &pair, openssl, sample_dsa_sizes[i].half);
            try_verifying(row, &pair, openssl, sample_dsa_sizes[i].half);
        }
        ck_assert_uint_eq(rows, 10);
        EVP_PKEY_free(openssl);
    }
    token_stop();
}
END_TEST

/* PKCS#11 v3.1 section 6.2: 20, 28, 32, 48 or 64 bytes, of which as many count as the subprime has. */
START_TEST(test_raw_signatures_are_of_digests_and_of_their_first_bytes)
{
    start(POLICY_COMPATIBLE);
    for (size_t i = 0; i < SAMPLE_DSA_SIZES; i++) {
        EVP_PKEY *openssl = sample_dsa_of(i);
        struct token_pair pair = token_key_import(s, openssl);
        CK_ULONG signed_n;
        for (CK_ULONG n = 1; n <= 65; n++) {
            bool digest = n == 20 || n == 28 || n == 32 || n == 48 || n == 64;
            ck_rv(sign(CKM_DSA, pair.private_key, n, &signed_n), digest ? CKR_OK : CKR_DATA_LEN_RANGE);
            ck_rv(verify(CKM_DSA, pair.public_key, n, 2 * sample_dsa_sizes[i].half), digest ? CKR_OK : CKR_DATA_LEN_RANGE);
        }
        ck_ok(sign(CKM_DSA, pair.private_key, 64, &signed_n));
        data[sample_dsa_sizes[i].half] ^= 1;
        ck_ok(verify(CKM_DSA, pair.public_key, 64, signed_n));
        data[sample_dsa_sizes[i].half] ^= 1;
        data[sample_dsa_sizes[i].half - 1] ^= 1;
        ck_rv(verify(CKM_DSA, pair.public_key, 64, signed_n), CKR_SIGNATURE_INVALID);
        data[sample_dsa_sizes[i].half - 1] ^= 1;
        EVP_PKEY_free(openssl);
    }
    token_stop();
}
END_TEST

START_TEST(test_signatures_have_one_length)
{
    EVP_PKEY *openssl = sample_dsa_of(0);
    struct token_pair pair;
    CK_ULONG n;
    start(POLICY_COMPATIBLE);
    pair = token_key_import(s, openssl);
    ck_ok(sign(CKM_DSA_SHA256, pair.private_key, DATA_BYTES, &n));
    for (CK_ULONG other = 0; other < 100; other++)
        if (other != n)
            ck_rv(verify(CKM_DSA_SHA256, pair.public_key, DATA_BYTES, other), CKR_SIGNATURE_LEN_RANGE);
    EVP_PKEY_free(openssl);
    token_stop();
}
END_TEST

/* ---- pairs */

static CK_ULONG part_of(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type, CK_BYTE *out)
{
    CK_ATTRIBUTE a = {type, out, ROOM};

    ck_ok(f->C_GetAttributeValue(s, key, &a, 1));
    return a.ulValueLen;
}

static void ck_part(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type, const CK_BYTE *right, CK_ULONG n)
{
    CK_BYTE got[ROOM];

    ck_assert_uint_eq(part_of(key, type, got), n);
    ck_assert_mem_eq(got, right, n);
}

START_TEST(test_pairs_are_made_in_groups_of_every_size)
{
    start(POLICY_COMPATIBLE);
    for (size_t i = 0; i < SAMPLE_DSA_SIZES; i++) {
        EVP_PKEY *given = sample_dsa_of(i), *public_half, *private_half;
        struct sample_group group = sample_group_of(given);
        struct token_pair pair;
        CK_BYTE value[ROOM];
        CK_ATTRIBUTE hidden = {CKA_VALUE, value, sizeof value};
        ck_ok(sample_group_pair(s, &group, NULL, 0, &pair));
        for (int half = 0; half < 2; half++) {
            CK_OBJECT_HANDLE key = half == 0 ? pair.public_key : pair.private_key;
            ck_part(key, CKA_PRIME, group.p, group.p_n);
            ck_part(key, CKA_SUBPRIME, group.q, group.q_n);
            ck_part(key, CKA_BASE, group.g, group.g_n);
            ck_assert_uint_eq(token_number(s, key, CKA_KEY_TYPE), CKK_DSA);
            ck_assert_uint_eq(token_number(s, key, CKA_KEY_GEN_MECHANISM), CKM_DSA_KEY_PAIR_GEN);
        }
        ck_rv(f->C_GetAttributeValue(s, pair.private_key, &hidden, 1), CKR_ATTRIBUTE_SENSITIVE);
        ck_assert(token_flag(s, pair.private_key, CKA_SIGN) && token_flag(s, pair.public_key, CKA_VERIFY));
        ck_assert(!token_flag(s, pair.private_key, CKA_DERIVE) && !token_flag(s, pair.private_key, CKA_DECRYPT));
        public_half = token_key_public(s, pair.public_key);
        private_half = token_key_public(s, pair.private_key);
        ck_assert(EVP_PKEY_eq(public_half, private_half) == 1 && EVP_PKEY_eq(public_half, given) != 1);
        try_signing(mechanism_find(CKM_DSA_SHA256), &pair, public_half, sample_dsa_sizes[i].half);
        EVP_PKEY_free(public_half);
        EVP_PKEY_free(private_half);
        EVP_PKEY_free(given);
    }
    token_stop();
}
END_TEST

/* ---- objects */

START_TEST(test_private_keys_go_out_and_come_back)
{
    CK_OBJECT_HANDLE aes;
    start(POLICY_COMPATIBLE);
    aes = token_secret_key(s, CKK_AES, 32);
    for (size_t i = 0; i < SAMPLE_DSA_SIZES; i++) {
        CK_MECHANISM m = {CKM_AES_KEY_WRAP_KWP, NULL, 0};
        CK_ATTRIBUTE may[] = {{CKA_EXTRACTABLE, &yes, 1}, {CKA_SENSITIVE, &no, 1}};
        EVP_PKEY *openssl = sample_dsa_of(i);
        CK_BYTE wrapped[2 * ROOM], value[ROOM], again[ROOM];
        CK_ULONG n = sizeof wrapped, value_n;
        struct token_pair pair;
        sample_private(&t, openssl, true);
        pair.private_key = token_key_create(s, &t, may, 2);
        value_n = part_of(pair.private_key, CKA_VALUE, value);
        ck_ok(f->C_WrapKey(s, &m, aes, pair.private_key, wrapped, &n));
        ck_rv(sample_dsa_unwrap(s, aes, wrapped, n, CKK_EC, &pair.private_key), CKR_WRAPPED_KEY_INVALID);
        ck_ok(sample_dsa_unwrap(s, aes, wrapped, n, CKK_DSA, &pair.private_key));
        ck_assert_uint_eq(part_of(pair.private_key, CKA_VALUE, again), value_n);
        ck_assert_mem_eq(again, value, value_n);
        sample_public(&t, openssl);
        pair.public_key = token_key_create(s, &t, NULL, 0);
        try_signing(mechanism_find(CKM_DSA_SHA384), &pair, openssl, sample_dsa_sizes[i].half);
        EVP_PKEY_free(openssl);
    }
    token_stop();
}
END_TEST

static CK_ULONG found(CK_ATTRIBUTE *by, CK_ULONG n)
{
    CK_OBJECT_HANDLE handles[8];
    CK_ULONG count = 0;

    ck_ok(f->C_FindObjectsInit(s, by, n));
    ck_ok(f->C_FindObjects(s, handles, 8, &count));
    ck_ok(f->C_FindObjectsFinal(s));
    return count;
}

START_TEST(test_keys_are_found_and_copied)
{
    CK_KEY_TYPE type = CKK_DSA;
    CK_ATTRIBUTE token[] = {{CKA_TOKEN, &yes, 1}}, session[] = {{CKA_TOKEN, &no, 1}};
    CK_ATTRIBUTE by_type = {CKA_KEY_TYPE, &type, sizeof type}, by_part[2] = {{CKA_KEY_TYPE, &type, sizeof type}, {CKA_SUBPRIME, NULL, 0}};
    EVP_PKEY *given = sample_dsa_of(2);
    struct token_pair pair, copies;
    struct sample_group group;
    start(POLICY_COMPATIBLE);
    group = sample_group_of(given);
    ck_ok(sample_group_pair(s, &group, token, 1, &pair));
    by_part[1] = (CK_ATTRIBUTE){CKA_SUBPRIME, group.q, group.q_n};
    ck_assert_uint_eq(found(&by_type, 1), 2);
    ck_assert_uint_eq(found(by_part, 2), 2);
    group.q[1] ^= 1;
    ck_assert_uint_eq(found(by_part, 2), 0);
    ck_ok(f->C_CopyObject(s, pair.private_key, session, 1, &copies.private_key));
    ck_ok(f->C_CopyObject(s, pair.public_key, session, 1, &copies.public_key));
    EVP_PKEY_free(given);
    given = token_key_public(s, copies.public_key);
    try_signing(mechanism_find(CKM_DSA_SHA3_256), &copies, given, 32);
    ck_assert_uint_eq(found(&by_type, 1), 4);
    EVP_PKEY_free(given);
    token_stop();
}
END_TEST

/* ---- the policy */

static bool is_listed(CK_MECHANISM_TYPE type)
{
    CK_MECHANISM_TYPE list[512];
    CK_ULONG n = 512;
    CK_SLOT_ID slot = 0;
    CK_ULONG slots = 1;

    ck_ok(f->C_GetSlotList(CK_TRUE, &slot, &slots));
    ck_ok(f->C_GetMechanismList(slot, list, &n));
    for (CK_ULONG i = 0; i < n; i++)
        if (list[i] == type)
            return true;
    return false;
}

START_TEST(test_modern_policy_has_no_dsa)
{
    EVP_PKEY *given = sample_dsa_of(2);
    struct sample_group group = sample_group_of(given);
    struct token_pair pair;
    CK_ULONG info_n = 1;
    CK_SLOT_ID slot;
    CK_MECHANISM_INFO info;
    start(POLICY_MODERN);
    ck_ok(f->C_GetSlotList(CK_TRUE, &slot, &info_n));
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *row = mechanism_at(i);
        CK_MECHANISM m = {row->type, NULL, 0};
        if (row->key_type != CKK_DSA || !row->has_key)
            continue;
        ck_assert_msg(!is_listed(row->type), "%s", row->name);
        ck_rv(f->C_GetMechanismInfo(slot, row->type, &info), CKR_MECHANISM_INVALID);
        ck_rv(mechanism_does(row, CKF_SIGN) ? f->C_SignInit(s, &m, 1) : CKR_MECHANISM_INVALID, CKR_MECHANISM_INVALID);
        ck_rv(mechanism_does(row, CKF_VERIFY) ? f->C_VerifyInit(s, &m, 1) : CKR_MECHANISM_INVALID, CKR_MECHANISM_INVALID);
    }
    ck_rv(sample_group_pair(s, &group, NULL, 0, &pair), CKR_MECHANISM_INVALID);
    ck_rv(sample_group_import(s, &group), CKR_ATTRIBUTE_VALUE_INVALID);
    token_stop();
    start(POLICY_COMPATIBLE);
    for (size_t i = 0; dsa_row(i) != NULL; i++)
        ck_assert_msg(is_listed(dsa_row(i)->type), "%s", dsa_row(i)->name);
    ck_assert(is_listed(CKM_DSA_KEY_PAIR_GEN));
    token_stop();
    EVP_PKEY_free(given);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_every_size_signs_and_verifies_as_openssl_does,
        &test_raw_signatures_are_of_digests_and_of_their_first_bytes,
        &test_signatures_have_one_length,
        &test_pairs_are_made_in_groups_of_every_size,
        &test_private_keys_go_out_and_come_back,
        &test_keys_are_found_and_copied,
        &test_modern_policy_has_no_dsa,
        NULL,
    };

    return suite_of("module_dsa", 120, tests);
}
