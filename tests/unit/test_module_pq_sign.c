/* ML-DSA and SLH-DSA through the module, every row of the table, with OpenSSL as the second opinion. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/x509.h>

#include "crypto/digest.h"
#include "proto/mechanism.h"
#include "proto/parameter_set.h"
#include "tests/unit/opinion.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { INFO_BYTES_MAX = 4096 };

static CK_SESSION_HANDLE s;
static const CK_BYTE message[] = "a message that is signed in three parts, or in one", context[] = "context";
static CK_BYTE signature[PARAMETER_SET_OUTPUT_BYTES_MAX];
static CK_ULONG signature_n;

static void setup(void)
{
    token_start_with_users();
    s = token_alice();
}

static bool is_ours(const struct mechanism *row)
{
    return row->family == FAMILY_PQ_PURE || row->family == FAMILY_PQ_HASH;
}

/* All sets of ML-DSA; of SLH-DSA those that sign fast, and of these one alone where hashes are what differs. */
static bool is_tried(const struct mechanism *row, const struct parameter_set *set)
{
    if (!parameter_set_is_here(set) || set->key_type != row->key_type)
        return false;
    return set->key_type == CKK_ML_DSA || (row->family == FAMILY_PQ_PURE ? set->name[strlen(set->name) - 1] == 'f'
                                                                         : set->number == CKP_SLH_DSA_SHA2_128F);
}

static struct token_pair pair_of(const struct parameter_set *set)
{
    CK_MECHANISM m = {set->key_type == CKK_ML_DSA ? CKM_ML_DSA_KEY_PAIR_GEN : CKM_SLH_DSA_KEY_PAIR_GEN, NULL, 0};
    CK_ULONG number = set->number;
    CK_ATTRIBUTE a = {CKA_PARAMETER_SET, &number, sizeof number};
    struct token_pair p;

    ck_ok(f->C_GenerateKeyPair(s, &m, &a, 1, NULL, 0, &p.public_key, &p.private_key));
    return p;
}

/* A mechanism with a parameter, which lives until the next call. */
static CK_MECHANISM mechanism_of(const struct mechanism *row, CK_HEDGE_TYPE hedge, const CK_BYTE *given, CK_ULONG n)
{
    static CK_SIGN_ADDITIONAL_CONTEXT pure;
    static CK_HASH_SIGN_ADDITIONAL_CONTEXT hash;

    pure = (CK_SIGN_ADDITIONAL_CONTEXT){hedge, (CK_BYTE *)(uintptr_t)given, n};
    hash = (CK_HASH_SIGN_ADDITIONAL_CONTEXT){hedge, (CK_BYTE *)(uintptr_t)given, n, CKM_SHA3_256};
    return row->param == PARAM_PQ_HASH ? (CK_MECHANISM){row->type, &hash, sizeof hash} : (CK_MECHANISM){row->type, &pure, sizeof pure};
}

/* What the caller signs: the message, or its hash where the caller is who hashes. */
static CK_ULONG data_of(const struct mechanism *row, CK_BYTE data[DIGEST_BYTES_MAX])
{
    size_t n = sizeof message;

    memcpy(data, message, n);
    if (row->param == PARAM_PQ_HASH)
        ck_assert_int_eq(digest_once(NULL, "SHA3-256", message, sizeof message, data, &n), ERR_OK);
    return n;
}

static CK_RV sign(const CK_MECHANISM *m, CK_OBJECT_HANDLE key, const CK_BYTE *data, CK_ULONG n)
{
    CK_RV rv = f->C_SignInit(s, (CK_MECHANISM *)(uintptr_t)m, key);

    signature_n = sizeof signature;
    return rv == CKR_OK ? f->C_Sign(s, (CK_BYTE *)(uintptr_t)data, n, signature, &signature_n) : rv;
}

static CK_RV verify(const CK_MECHANISM *m, CK_OBJECT_HANDLE key, const CK_BYTE *data, CK_ULONG n)
{
    CK_RV rv = f->C_VerifyInit(s, (CK_MECHANISM *)(uintptr_t)m, key);

    return rv == CKR_OK ? f->C_Verify(s, (CK_BYTE *)(uintptr_t)data, n, signature, signature_n) : rv;
}

static EVP_PKEY *openssl_key(CK_OBJECT_HANDLE key)
{
    CK_BYTE info[INFO_BYTES_MAX];
    const CK_BYTE *at = info;
    CK_ATTRIBUTE a = {CKA_PUBLIC_KEY_INFO, info, sizeof info};
    EVP_PKEY *out;

    ck_ok(f->C_GetAttributeValue(s, key, &a, 1));
    out = d2i_PUBKEY(NULL, &at, (long)a.ulValueLen);
    ck_assert_ptr_nonnull(out);
    return out;
}

static bool openssl_verifies(CK_OBJECT_HANDLE key, const struct mechanism *row, const CK_MECHANISM *m, const CK_BYTE *data, CK_ULONG n)
{
    const struct opinion o = {.row = row, .pq = m, .data = data, .n = n};
    EVP_PKEY *evp = openssl_key(key);
    bool good = opinion_accepts(&o, evp, signature, signature_n);

    EVP_PKEY_free(evp);
    return good;
}

static void try_row(const struct mechanism *row, const struct parameter_set *set, const struct token_pair *p)
{
    CK_MECHANISM m = mechanism_of(row, CKH_HEDGE_PREFERRED, context, sizeof context), without = {row->type, NULL, 0};
    CK_BYTE data[DIGEST_BYTES_MAX];
    CK_ULONG n = data_of(row, data), size = 0, little = 10;

    ck_ok(f->C_SignInit(s, &m, p->private_key));
    ck_ok(f->C_Sign(s, data, n, NULL, &size));
    ck_assert_uint_eq(size, set->output_bytes);
    ck_rv(f->C_Sign(s, data, n, signature, &little), CKR_BUFFER_TOO_SMALL);
    signature_n = sizeof signature;
    ck_ok(f->C_Sign(s, data, n, signature, &signature_n));
    ck_assert_uint_eq(signature_n, set->output_bytes);
    ck_assert_msg(openssl_verifies(p->public_key, row, &m, data, n), "%s %s", row->name, set->name);
    ck_ok(verify(&m, p->public_key, data, n));
    if (row->param == PARAM_PQ)
        ck_rv(verify(&without, p->public_key, data, n), CKR_SIGNATURE_INVALID); /* the context counts */
    data[0] ^= 1;
    ck_rv(verify(&m, p->public_key, data, n), CKR_SIGNATURE_INVALID);
    data[0] ^= 1;
    signature[set->output_bytes / 2] ^= 1;
    ck_rv(verify(&m, p->public_key, data, n), CKR_SIGNATURE_INVALID);
    signature[set->output_bytes / 2] ^= 1;
    signature_n--;
    ck_rv(verify(&m, p->public_key, data, n), CKR_SIGNATURE_LEN_RANGE);
    signature_n++;
    ck_ok(f->C_VerifyInit(s, &m, p->public_key));
    ck_ok(f->C_VerifyUpdate(s, data, 5));
    ck_ok(f->C_VerifyUpdate(s, data + 5, n - 5));
    ck_ok(f->C_VerifyFinal(s, signature, signature_n));
}

START_TEST(test_every_row_signs_what_openssl_verifies)
{
    setup();
    for (size_t k = 0; parameter_set_at(k) != NULL; k++) {
        const struct parameter_set *set = parameter_set_at(k);
        struct token_pair p = {0};
        for (size_t i = 0; mechanism_at(i) != NULL; i++) {
            if (!is_ours(mechanism_at(i)) || !is_tried(mechanism_at(i), set))
                continue;
            if (p.private_key == 0)
                p = pair_of(set);
            try_row(mechanism_at(i), set, &p);
        }
    }
    token_stop();
}
END_TEST

START_TEST(test_deterministic_signatures_are_the_same_and_hedged_ones_are_not)
{
    static const struct {
        CK_KEY_TYPE type;
        CK_ULONG number;
        CK_MECHANISM_TYPE mechanism;
    } tried[] = {{CKK_ML_DSA, CKP_ML_DSA_65, CKM_ML_DSA},
                 {CKK_ML_DSA, CKP_ML_DSA_44, CKM_HASH_ML_DSA_SHA512},
                 {CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128F, CKM_SLH_DSA}};
    static CK_BYTE first[sizeof signature];

    setup();
    for (size_t i = 0; i < sizeof tried / sizeof tried[0]; i++) {
        const struct parameter_set *set = parameter_set_find(tried[i].type, tried[i].number);
        if (set == NULL)
            continue;
        struct token_pair p = pair_of(set);
        for (CK_HEDGE_TYPE hedge = CKH_HEDGE_PREFERRED; hedge <= CKH_DETERMINISTIC_REQUIRED; hedge++) {
            CK_MECHANISM m = mechanism_of(mechanism_find(tried[i].mechanism), hedge, NULL, 0);
            ck_ok(sign(&m, p.private_key, message, sizeof message));
            memcpy(first, signature, signature_n);
            ck_ok(sign(&m, p.private_key, message, sizeof message));
            ck_assert((memcmp(first, signature, signature_n) == 0) == (hedge == CKH_DETERMINISTIC_REQUIRED));
            ck_ok(verify(&(CK_MECHANISM){tried[i].mechanism, NULL, 0}, p.public_key, message, sizeof message));
        }
    }
    token_stop();
}
END_TEST

START_TEST(test_parameters_that_are_wrong_are_refused)
{
    CK_BYTE long_context[256] = {0}, hash[32] = {0};
    CK_HASH_SIGN_ADDITIONAL_CONTEXT p = {CKH_HEDGE_PREFERRED, NULL, 0, CKM_SHA256};
    CK_MECHANISM m = {CKM_HASH_ML_DSA, &p, sizeof p}, without = {CKM_HASH_ML_DSA, NULL, 0}, odd = {CKM_ML_DSA, &p, 5};
    struct token_pair pair;

    setup();
    if (parameter_set_makes_here(CKK_ML_DSA)) {
        const struct mechanism *row = mechanism_find(CKM_ML_DSA);
        CK_MECHANISM pure;
        pair = pair_of(parameter_set_find(CKK_ML_DSA, CKP_ML_DSA_44));
        pure = mechanism_of(row, CKH_HEDGE_PREFERRED, long_context, 255);
        ck_ok(sign(&pure, pair.private_key, message, 5));
        pure = mechanism_of(row, CKH_HEDGE_PREFERRED, long_context, 256);
        ck_rv(sign(&pure, pair.private_key, message, 5), CKR_MECHANISM_PARAM_INVALID);
        pure = mechanism_of(row, CKH_HEDGE_PREFERRED, NULL, 3);
        ck_rv(sign(&pure, pair.private_key, message, 5), CKR_MECHANISM_PARAM_INVALID);
        pure = mechanism_of(row, 3, NULL, 0);
        ck_rv(sign(&pure, pair.private_key, message, 5), CKR_MECHANISM_PARAM_INVALID);
        ck_rv(sign(&odd, pair.private_key, message, 5), CKR_MECHANISM_PARAM_INVALID);
        ck_rv(sign(&without, pair.private_key, hash, 32), CKR_MECHANISM_PARAM_INVALID);
        ck_ok(sign(&m, pair.private_key, hash, 32));
        ck_rv(sign(&m, pair.private_key, hash, 31), CKR_DATA_LEN_RANGE);
        p.hash = CKM_SHA_1;
        ck_rv(sign(&m, pair.private_key, hash, 20), CKR_MECHANISM_PARAM_INVALID);
        p.hash = CKM_ML_DSA;
        ck_rv(sign(&m, pair.private_key, hash, 32), CKR_MECHANISM_PARAM_INVALID);
        p.hash = CK_UNAVAILABLE_INFORMATION;
        ck_rv(sign(&m, pair.private_key, hash, 32), CKR_MECHANISM_PARAM_INVALID);
    }
    token_stop();
}
END_TEST

START_TEST(test_key_of_another_type_or_without_leave_is_refused)
{
    CK_MECHANISM ml = {CKM_ML_DSA, NULL, 0}, slh = {CKM_SLH_DSA, NULL, 0}, ecdsa = {CKM_ECDSA, NULL, 0};
    CK_MECHANISM make = {CKM_ML_DSA_KEY_PAIR_GEN, NULL, 0};
    CK_BBOOL no = CK_FALSE;
    CK_ULONG number = CKP_ML_DSA_44;
    CK_ATTRIBUTE public_half[] = {{CKA_PARAMETER_SET, &number, sizeof number}, {CKA_VERIFY, &no, 1}}, private_half = {CKA_SIGN, &no, 1};
    struct token_pair pair, ec, closed;

    setup();
    ec = token_ec(s, false, "ec");
    if (parameter_set_makes_here(CKK_ML_DSA) && parameter_set_makes_here(CKK_SLH_DSA)) {
        pair = pair_of(parameter_set_find(CKK_ML_DSA, CKP_ML_DSA_44));
        ck_rv(sign(&slh, pair.private_key, message, 5), CKR_KEY_TYPE_INCONSISTENT);
        ck_rv(sign(&ecdsa, pair.private_key, message, 5), CKR_KEY_TYPE_INCONSISTENT);
        ck_rv(sign(&ml, ec.private_key, message, 5), CKR_KEY_TYPE_INCONSISTENT);
        ck_rv(verify(&slh, pair.public_key, message, 5), CKR_KEY_TYPE_INCONSISTENT);
        ck_ok(f->C_GenerateKeyPair(s, &make, public_half, 2, &private_half, 1, &closed.public_key, &closed.private_key));
        ck_rv(sign(&ml, closed.private_key, message, 5), CKR_KEY_FUNCTION_NOT_PERMITTED);
        ck_rv(verify(&ml, closed.public_key, message, 5), CKR_KEY_FUNCTION_NOT_PERMITTED);
    } else {
        ck_rv(sign(&ml, ec.private_key, message, 5), CKR_MECHANISM_INVALID);
        ck_rv(verify(&slh, ec.public_key, message, 5), CKR_MECHANISM_INVALID);
    }
    token_stop();
}
END_TEST

START_TEST(test_long_messages_are_signed_whole_up_to_their_limit)
{
    static CK_BYTE data[64 * 1024 + 1];
    CK_MECHANISM pure = {CKM_ML_DSA, NULL, 0}, hash = {CKM_HASH_ML_DSA_SHA256, NULL, 0};
    struct token_pair pair;

    setup();
    if (parameter_set_makes_here(CKK_ML_DSA)) {
        pair = pair_of(parameter_set_find(CKK_ML_DSA, CKP_ML_DSA_87));
        ck_ok(sign(&pure, pair.private_key, data, sizeof data - 1));
        ck_ok(verify(&pure, pair.public_key, data, sizeof data - 1));
        ck_rv(sign(&pure, pair.private_key, data, sizeof data), CKR_DATA_LEN_RANGE);
        ck_ok(sign(&hash, pair.private_key, data, sizeof data));
        ck_ok(verify(&hash, pair.public_key, data, sizeof data));
        ck_ok(sign(&pure, pair.private_key, data, 0));
        ck_ok(verify(&pure, pair.public_key, data, 0));
    }
    token_stop();
}
END_TEST

/* FIPS 204 algorithm 7 line 6: of the public key, a context and the message. */
static void make_mu(CK_OBJECT_HANDLE public_key, CK_BYTE mu[64])
{
    CK_BYTE key[PARAMETER_SET_PUBLIC_BYTES_MAX], tr[64], domain[] = {0, sizeof context};
    CK_ATTRIBUTE a = {CKA_VALUE, key, sizeof key};
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    ck_ok(f->C_GetAttributeValue(s, public_key, &a, 1));
    ck_assert(EVP_DigestInit_ex(ctx, EVP_shake256(), NULL) == 1 && EVP_DigestUpdate(ctx, key, a.ulValueLen) == 1);
    ck_assert_int_eq(EVP_DigestFinalXOF(ctx, tr, sizeof tr), 1);
    ck_assert(EVP_DigestInit_ex(ctx, EVP_shake256(), NULL) == 1 && EVP_DigestUpdate(ctx, tr, sizeof tr) == 1);
    ck_assert(EVP_DigestUpdate(ctx, domain, sizeof domain) == 1 && EVP_DigestUpdate(ctx, context, sizeof context) == 1);
    ck_assert(EVP_DigestUpdate(ctx, message, sizeof message) == 1 && EVP_DigestFinalXOF(ctx, mu, 64) == 1);
    EVP_MD_CTX_free(ctx);
}

/* Who has only the mu signs the same as who has the message. */
START_TEST(test_a_mu_that_the_caller_makes_is_signed_like_its_message)
{
    static const CK_ULONG numbers[] = {CKP_ML_DSA_44, CKP_ML_DSA_65, CKP_ML_DSA_87};
    CK_MECHANISM plain = {CKM_ML_DSA_EXTERNAL_MU, NULL, 0};

    setup();
    for (size_t i = 0; parameter_set_makes_here(CKK_ML_DSA) && i < 3; i++) {
        const struct mechanism *row = mechanism_find(CKM_ML_DSA_EXTERNAL_MU), *pure = mechanism_find(CKM_ML_DSA);
        struct token_pair p = pair_of(parameter_set_find(CKK_ML_DSA, numbers[i]));
        CK_BYTE mu[64], first[PARAMETER_SET_OUTPUT_BYTES_MAX];
        CK_MECHANISM m;
        make_mu(p.public_key, mu);
        ck_ok(sign(&plain, p.private_key, mu, sizeof mu));
        m = mechanism_of(pure, CKH_HEDGE_PREFERRED, context, sizeof context);
        ck_assert(openssl_verifies(p.public_key, pure, &m, message, sizeof message));
        ck_ok(verify(&m, p.public_key, message, sizeof message));
        m = mechanism_of(pure, CKH_DETERMINISTIC_REQUIRED, context, sizeof context);
        ck_ok(sign(&m, p.private_key, message, sizeof message));
        ck_ok(verify(&plain, p.public_key, mu, sizeof mu));
        memcpy(first, signature, signature_n);
        m = mechanism_of(row, CKH_DETERMINISTIC_REQUIRED, NULL, 0);
        ck_ok(sign(&m, p.private_key, mu, sizeof mu));
        ck_assert_mem_eq(first, signature, signature_n);
        mu[0] ^= 1;
        ck_rv(verify(&plain, p.public_key, mu, sizeof mu), CKR_SIGNATURE_INVALID);
        ck_rv(verify(&plain, p.public_key, mu, 63), CKR_DATA_LEN_RANGE);
        ck_rv(sign(&plain, p.private_key, mu, 63), CKR_DATA_LEN_RANGE);
        m = mechanism_of(row, CKH_HEDGE_PREFERRED, context, sizeof context); /* it is in the mu already */
        ck_rv(sign(&m, p.private_key, mu, sizeof mu), CKR_MECHANISM_PARAM_INVALID);
    }
    if (!parameter_set_makes_here(CKK_ML_DSA))
        ck_rv(sign(&plain, token_ec(s, false, "ec").private_key, message, 64), CKR_MECHANISM_INVALID);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_every_row_signs_what_openssl_verifies,
        &test_deterministic_signatures_are_the_same_and_hedged_ones_are_not,
        &test_parameters_that_are_wrong_are_refused,
        &test_key_of_another_type_or_without_leave_is_refused,
        &test_long_messages_are_signed_whole_up_to_their_limit,
        &test_a_mu_that_the_caller_makes_is_signed_like_its_message,
        NULL,
    };

    return suite_of("module_pq_sign", 120, tests);
}
