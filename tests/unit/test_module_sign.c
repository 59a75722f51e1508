/* Signing, verifying and digesting through the module: what is answered here, what goes to the vault, and the order of calls. */
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"
#include "proto/mechanism.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_mechanism.h"
#include "tests/unit/token.h"

static CK_BYTE data[] = "what is to be signed";
static CK_BYTE signature[1024];
static CK_ULONG n;
static CK_SESSION_HANDLE s;

static void setup(void)
{
    token_start_with_users();
    s = token_alice();
    n = sizeof signature;
}

START_TEST(test_order_of_calls_is_kept)
{
    struct token_pair ec;
    CK_MECHANISM m = {CKM_ECDSA_SHA256, NULL, 0};

    setup();
    ec = token_ec(s, false, "ec");
    ck_rv(f->C_Sign(s, data, 5, signature, &n), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f->C_SignUpdate(s, data, 5), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f->C_SignFinal(s, signature, &n), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f->C_Verify(s, data, 5, signature, 64), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f->C_VerifyFinal(s, signature, 64), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f->C_SignInit(s, &m, ec.private_key));
    ck_rv(f->C_SignInit(s, &m, ec.private_key), CKR_OPERATION_ACTIVE);
    ck_ok(f->C_SignUpdate(s, data, 5));
    ck_rv(f->C_Sign(s, data, 5, signature, &n), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f->C_SignFinal(s, signature, &n), CKR_OPERATION_NOT_INITIALIZED); /* that was an error, so it ended */
    ck_ok(f->C_SignInit(s, &m, ec.private_key));
    ck_ok(f->C_SignInit(s, NULL, 0)); /* cancels */
    ck_rv(f->C_SignFinal(s, signature, &n), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f->C_SignInit(s, &m, ec.private_key));
    ck_ok(f->C_VerifyInit(s, &m, ec.public_key)); /* one of each may run at once */
    ck_ok(f3->C_SessionCancel(s, CKF_SIGN));
    ck_rv(f->C_Sign(s, data, 5, signature, &n), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f->C_Verify(s, data, 5, signature, 64), CKR_SIGNATURE_INVALID);
    ck_ok(f->C_SignInit(s, &m, ec.private_key));
    ck_ok(f->C_SignFinal(s, signature, &n)); /* of nothing */
    token_stop();
}
END_TEST

START_TEST(test_size_query_and_short_buffer_keep_the_operation_and_errors_end_it)
{
    struct token_pair ec;
    CK_MECHANISM m = {CKM_ECDSA_SHA256, NULL, 0};

    setup();
    ec = token_ec(s, false, "ec");
    ck_ok(f->C_SignInit(s, &m, ec.private_key));
    ck_ok(f->C_Sign(s, NULL, 0, NULL, &n));
    ck_assert_uint_eq(n, 64);
    n = 63;
    ck_rv(f->C_Sign(s, data, 5, signature, &n), CKR_BUFFER_TOO_SMALL);
    ck_assert_uint_eq(n, 64);
    n = sizeof signature;
    ck_ok(f->C_Sign(s, data, 5, signature, &n));
    ck_assert_uint_eq(n, 64);

    ck_ok(f->C_SignInit(s, &m, ec.private_key));
    ck_rv(f->C_Sign(s, data, 5, signature, NULL), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_SignInit(s, &m, ec.private_key));
    ck_rv(f->C_Sign(s, NULL, 5, signature, &n), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_SignInit(s, &m, ec.private_key));
    ck_rv(f->C_SignUpdate(s, NULL, 5), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_SignInit(s, &m, ec.private_key));
    ck_rv(f->C_SignFinal(s, signature, NULL), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_VerifyInit(s, &m, ec.public_key));
    ck_rv(f->C_Verify(s, data, 5, NULL, 64), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_VerifyInit(s, &m, ec.public_key));
    ck_rv(f->C_VerifyFinal(s, NULL, 64), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_VerifyInit(s, &m, ec.public_key));
    token_stop();
}
END_TEST

START_TEST(test_wrong_keys_and_mechanisms_are_refused_at_init)
{
    struct token_pair ec;
    CK_OBJECT_HANDLE hmac;
    CK_MECHANISM m = {CKM_ECDSA_SHA256, NULL, 0}, rsa = {CKM_SHA256_RSA_PKCS, NULL, 0}, digest = {CKM_SHA256, NULL, 0};
    CK_MECHANISM hmac_m = {CKM_SHA256_HMAC, NULL, 0}, bad_param = {CKM_ECDSA_SHA256, data, 4}, no_pss = {CKM_RSA_PKCS_PSS, NULL, 0};
    CK_RSA_PKCS_PSS_PARAMS wrong = {.hashAlg = CKM_SHA384, .mgf = CKG_MGF1_SHA256, .sLen = 32};
    CK_MECHANISM wrong_pss = {CKM_SHA256_RSA_PKCS_PSS, &wrong, sizeof wrong};

    setup();
    ec = token_ec(s, false, "ec");
    hmac = token_hmac_key(s, false, "hmac");
    ck_rv(f->C_SignInit(s, &digest, ec.private_key), CKR_MECHANISM_INVALID);
    ck_rv(f->C_SignInit(s, &bad_param, ec.private_key), CKR_MECHANISM_PARAM_INVALID);
    ck_rv(f->C_SignInit(s, &no_pss, ec.private_key), CKR_MECHANISM_PARAM_INVALID);
    ck_rv(f->C_SignInit(s, &wrong_pss, ec.private_key), CKR_MECHANISM_PARAM_INVALID);
    ck_rv(f->C_SignInit(s, &rsa, ec.private_key), CKR_KEY_TYPE_INCONSISTENT);
    ck_rv(f->C_SignInit(s, &hmac_m, ec.private_key), CKR_KEY_TYPE_INCONSISTENT);
    ck_rv(f->C_SignInit(s, &m, hmac), CKR_KEY_TYPE_INCONSISTENT);
    ck_rv(f->C_SignInit(s, &m, ec.public_key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_rv(f->C_VerifyInit(s, &m, ec.private_key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_rv(f->C_SignInit(s, &m, 0), CKR_KEY_HANDLE_INVALID);
    ck_rv(f->C_SignInit(s, &m, 0x123456), CKR_KEY_HANDLE_INVALID);
    ck_rv(f->C_SignInit(s, &m, OBJECT_ID_LIMIT), CKR_KEY_HANDLE_INVALID);
    ck_rv(f->C_SignInit(s, &m, ~0UL), CKR_KEY_HANDLE_INVALID);
    ck_rv(f->C_VerifyInit(s, &m, ~0UL), CKR_KEY_HANDLE_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_data_above_the_limit_is_refused_and_hashed_data_has_none)
{
    struct token_pair ec;
    CK_OBJECT_HANDLE hmac;
    CK_MECHANISM hashed = {CKM_ECDSA_SHA256, NULL, 0}, whole = {CKM_SHA256_HMAC, NULL, 0};
    size_t many = SIGN_DATA_BYTES_MAX + 1;
    CK_BYTE *big = calloc(1, many);

    setup();
    ec = token_ec(s, false, "ec");
    hmac = token_hmac_key(s, false, "hmac");
    ck_ok(f->C_SignInit(s, &whole, hmac));
    ck_rv(f->C_Sign(s, big, many, signature, &n), CKR_DATA_LEN_RANGE);
    ck_ok(f->C_SignInit(s, &whole, hmac));
    ck_ok(f->C_SignUpdate(s, big, many - 1));
    ck_rv(f->C_SignUpdate(s, big, 1), CKR_DATA_LEN_RANGE);
    ck_rv(f->C_SignFinal(s, signature, &n), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f->C_SignInit(s, &whole, hmac));
    ck_ok(f->C_Sign(s, big, many - 1, signature, &n));
    n = sizeof signature;
    ck_ok(f->C_SignInit(s, &hashed, ec.private_key));
    for (int i = 0; i < 100; i++)
        ck_ok(f->C_SignUpdate(s, big, many));
    ck_ok(f->C_SignFinal(s, signature, &n));
    free(big);
    token_stop();
}
END_TEST

START_TEST(test_one_signature_is_one_round_trip_and_init_none)
{
    struct token_pair ec;
    CK_MECHANISM m = {CKM_ECDSA_SHA256, NULL, 0};

    setup();
    ec = token_ec(s, false, "ec");
    local_node_faults(token_node)->dead = true;
    ck_ok(f->C_SignInit(s, &m, ec.private_key));
    ck_ok(f->C_SignUpdate(s, data, 5));
    ck_ok(f->C_SignFinal(s, NULL, &n));
    ck_ok(f->C_VerifyInit(s, &m, ec.public_key));
    memset(signature, 1, 64);
    ck_rv(f->C_Verify(s, data, 5, signature, 64), CKR_SIGNATURE_INVALID); /* without the cluster */
    local_node_faults(token_node)->dead = false;
    ck_ok(f->C_SignFinal(s, signature, &n));
    token_stop();
}
END_TEST

START_TEST(test_logout_ends_signatures_and_needs_a_login_again)
{
    struct token_pair ec;
    CK_MECHANISM m = {CKM_ECDSA_SHA256, NULL, 0}, sha = {CKM_SHA256, NULL, 0};

    setup();
    ec = token_ec(s, true, "ec");
    ck_ok(f->C_SignInit(s, &m, ec.private_key));
    ck_ok(f->C_DigestInit(s, &sha));
    ck_ok(f->C_Logout(s));
    ck_rv(f->C_Sign(s, data, 5, signature, &n), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f->C_Digest(s, data, 5, signature, &n));
    ck_rv(f->C_SignInit(s, &m, ec.private_key), CKR_USER_NOT_LOGGED_IN);
    ck_ok(token_login(s, CKU_USER, BOB));
    ck_rv(f->C_SignInit(s, &m, ec.private_key), CKR_KEY_HANDLE_INVALID);
    ck_ok(f->C_Logout(s));
    ck_ok(token_login(s, CKU_USER, ALICE));
    ck_ok(f->C_SignInit(s, &m, ec.private_key)); /* the handle of a token object is the same for ever */
    n = sizeof signature;
    ck_ok(f->C_Sign(s, data, 5, signature, &n));
    token_stop();
}
END_TEST

START_TEST(test_lost_reply_is_asked_again_unseen)
{
    struct token_pair ec;
    CK_MECHANISM m = {CKM_ECDSA_SHA256, NULL, 0};

    setup();
    ec = token_ec(s, true, "ec");
    local_node_faults(token_node)->lose_replies = 1;
    ck_ok(f->C_SignInit(s, &m, ec.private_key));
    ck_ok(f->C_Sign(s, data, 5, signature, &n));
    local_node_faults(token_node)->lose_replies = 1;
    token_ec(s, true, "twice?");
    ck_assert_uint_eq(token_count(s, "twice?"), 2); /* a pair, and no second one */
    token_stop();
}
END_TEST

/* FIPS 180-2, appendix B.1: "abc". */
static const CK_BYTE abc_sha256[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                       0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};

START_TEST(test_digests_need_no_cluster_and_keep_the_order_of_calls)
{
    CK_MECHANISM m = {CKM_SHA256, NULL, 0}, sign = {CKM_RSA_PKCS, NULL, 0};
    CK_BYTE abc[] = "abc", out[64];
    CK_ULONG size = 0;

    token_start(NULL);
    local_node_faults(token_node)->dead = true;
    s = token_session_read();
    ck_rv(f->C_Digest(s, abc, 3, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f->C_DigestUpdate(s, abc, 3), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f->C_DigestInit(s, &sign), CKR_MECHANISM_INVALID);
    ck_ok(f->C_DigestInit(s, &m));
    ck_rv(f->C_DigestInit(s, &m), CKR_OPERATION_ACTIVE);
    ck_ok(f->C_Digest(s, abc, 3, NULL, &size));
    ck_assert_uint_eq(size, 32);
    size = 31;
    ck_rv(f->C_Digest(s, abc, 3, out, &size), CKR_BUFFER_TOO_SMALL);
    size = sizeof out;
    ck_ok(f->C_Digest(s, abc, 3, out, &size));
    ck_assert_uint_eq(size, 32);
    ck_assert_int_eq(memcmp(out, abc_sha256, 32), 0);

    ck_ok(f->C_DigestInit(s, &m));
    ck_ok(f->C_DigestUpdate(s, abc, 1));
    ck_ok(f->C_DigestUpdate(s, NULL, 0));
    ck_ok(f->C_DigestUpdate(s, abc + 1, 2));
    ck_ok(f->C_DigestFinal(s, NULL, &size));
    ck_ok(f->C_DigestFinal(s, out, &size));
    ck_assert_int_eq(memcmp(out, abc_sha256, 32), 0);
    ck_ok(f->C_DigestInit(s, &m));
    ck_ok(f->C_DigestUpdate(s, abc, 1));
    ck_rv(f->C_Digest(s, abc, 1, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f->C_DigestInit(s, &m));
    ck_rv(f->C_DigestUpdate(s, NULL, 1), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_DigestInit(s, &m));
    ck_ok(f->C_DigestInit(s, NULL));
    ck_rv(f->C_DigestFinal(s, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    token_stop();
}
END_TEST

START_TEST(test_digest_can_be_put_aside_and_taken_up_in_another_session)
{
    CK_MECHANISM m = {CKM_SHA256, NULL, 0};
    CK_BYTE abc[] = "abc", out[64], state[64];
    CK_ULONG size = 0, state_n = 0;
    CK_SESSION_HANDLE other;

    token_start(NULL);
    s = token_session();
    other = token_session();
    ck_rv(f->C_GetOperationState(s, NULL, &state_n), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f->C_DigestInit(s, &m));
    ck_ok(f->C_DigestUpdate(s, abc, 2));
    ck_rv(f->C_GetOperationState(s, state, NULL), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_GetOperationState(s, NULL, &state_n));
    ck_ok(f->C_GetOperationState(s, state, &state_n));
    ck_ok(f->C_DigestUpdate(s, abc, 3));
    for (int i = 0; i < 2; i++) { /* as often as one likes */
        ck_ok(f->C_SetOperationState(other, state, state_n, 0, 0));
        ck_ok(f->C_DigestUpdate(other, abc + 2, 1));
        size = sizeof out;
        ck_ok(f->C_DigestFinal(other, out, &size));
        ck_assert_int_eq(memcmp(out, abc_sha256, 32), 0);
    }
    ck_rv(f->C_SetOperationState(other, state, state_n, 5, 0), CKR_KEY_NOT_NEEDED);
    ck_rv(f->C_SetOperationState(other, state, state_n - 1, 0, 0), CKR_SAVED_STATE_INVALID);
    ck_rv(f->C_SetOperationState(other, NULL, state_n, 0, 0), CKR_ARGUMENTS_BAD);
    state[state_n - 1] ^= 1;
    ck_rv(f->C_SetOperationState(other, state, state_n, 0, 0), CKR_SAVED_STATE_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_random_numbers_need_no_cluster)
{
    static CK_BYTE a[200000], b[200000];

    token_start(NULL);
    local_node_faults(token_node)->dead = true;
    s = token_session();
    ck_ok(f->C_GenerateRandom(s, a, sizeof a));
    ck_ok(f->C_GenerateRandom(s, b, sizeof b));
    ck_assert_int_ne(memcmp(a, b, 32), 0);
    ck_assert_int_ne(memcmp(a + sizeof a - 32, b + sizeof b - 32, 32), 0);
    ck_ok(f->C_GenerateRandom(s, NULL, 0));
    ck_rv(f->C_GenerateRandom(s, NULL, 1), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_SeedRandom(s, a, 32));
    ck_rv(f->C_SeedRandom(s, NULL, 32), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_GenerateRandom(s + 1, a, 1), CKR_SESSION_HANDLE_INVALID);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_order_of_calls_is_kept,
        &test_size_query_and_short_buffer_keep_the_operation_and_errors_end_it,
        &test_wrong_keys_and_mechanisms_are_refused_at_init,
        &test_data_above_the_limit_is_refused_and_hashed_data_has_none,
        &test_one_signature_is_one_round_trip_and_init_none,
        &test_logout_ends_signatures_and_needs_a_login_again,
        &test_lost_reply_is_asked_again_unseen,
        &test_digests_need_no_cluster_and_keep_the_order_of_calls,
        &test_digest_can_be_put_aside_and_taken_up_in_another_session,
        &test_random_numbers_need_no_cluster,
        NULL,
    };
    return suite_of("module_sign", 60, tests);
}
