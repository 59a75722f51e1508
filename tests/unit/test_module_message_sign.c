/* Message-based signing and verifying: one beginning for many messages (PKCS #11 3.0 sections 5.14 and 5.16). */
#include <string.h>

#include "tests/unit/runner.h"
#include "tests/unit/token.h"

static CK_BYTE data[] = "one of many messages";
static CK_BYTE signature[64];
static CK_ULONG n;
static CK_SESSION_HANDLE s;
static struct token_pair ec;
static CK_MECHANISM ecdsa = {CKM_ECDSA_SHA256, NULL, 0};

static void setup(void)
{
    token_start_with_users();
    s = token_alice();
    ec = token_ec(s, false, "ec");
    n = sizeof signature;
}

static void check_plain(CK_ULONG length)
{
    ck_ok(f->C_VerifyInit(s, &ecdsa, ec.public_key));
    ck_ok(f->C_Verify(s, data, length, signature, n));
}

START_TEST(test_many_messages_are_signed_after_one_init)
{
    setup();
    ck_ok(f3->C_MessageSignInit(s, &ecdsa, ec.private_key));
    for (CK_ULONG length = 0; length < 5; length++) {
        n = sizeof signature;
        ck_ok(f3->C_SignMessage(s, NULL, 0, data, length, signature, &n));
        check_plain(length);
    }
    ck_ok(f3->C_SignMessageBegin(s, NULL, 0));
    ck_ok(f3->C_SignMessageNext(s, NULL, 0, data, 5, NULL, NULL));
    ck_ok(f3->C_SignMessageNext(s, NULL, 0, data + 5, 5, signature, &n));
    check_plain(10);
    ck_ok(f3->C_SignMessageBegin(s, NULL, 0));
    ck_ok(f3->C_SignMessageNext(s, NULL, 0, NULL, 0, signature, &n));
    check_plain(0);
    ck_ok(f3->C_MessageSignFinal(s));
    ck_rv(f3->C_MessageSignFinal(s), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f3->C_SignMessage(s, NULL, 0, data, 5, signature, &n), CKR_OPERATION_NOT_INITIALIZED);
    token_stop();
}
END_TEST

START_TEST(test_many_messages_are_verified_after_one_init)
{
    setup();
    ck_ok(f->C_SignInit(s, &ecdsa, ec.private_key));
    ck_ok(f->C_Sign(s, data, sizeof data, signature, &n));
    ck_ok(f3->C_MessageVerifyInit(s, &ecdsa, ec.public_key));
    ck_ok(f3->C_VerifyMessage(s, NULL, 0, data, sizeof data, signature, n));
    ck_rv(f3->C_VerifyMessage(s, NULL, 0, data, 3, signature, n), CKR_SIGNATURE_INVALID);
    ck_rv(f3->C_VerifyMessage(s, NULL, 0, data, sizeof data, signature, n - 1), CKR_SIGNATURE_LEN_RANGE);
    ck_ok(f3->C_VerifyMessage(s, NULL, 0, data, sizeof data, signature, n)); /* a bad one ends no more than itself */
    ck_ok(f3->C_VerifyMessageBegin(s, NULL, 0));
    ck_ok(f3->C_VerifyMessageNext(s, NULL, 0, data, 4, NULL, 0));
    ck_ok(f3->C_VerifyMessageNext(s, NULL, 0, data + 4, sizeof data - 4, signature, n));
    ck_ok(f3->C_VerifyMessageBegin(s, NULL, 0));
    ck_rv(f3->C_VerifyMessageNext(s, NULL, 0, data, 4, signature, n), CKR_SIGNATURE_INVALID);
    ck_rv(f3->C_VerifyMessageNext(s, NULL, 0, data, 4, signature, n), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f3->C_MessageVerifyFinal(s));
    ck_rv(f3->C_VerifyMessageBegin(s, NULL, 0), CKR_OPERATION_NOT_INITIALIZED);
    token_stop();
}
END_TEST

START_TEST(test_parameters_of_the_mechanism_serve_every_message)
{
    struct token_pair rsa;
    CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, 20};
    CK_MECHANISM m = {CKM_RSA_PKCS_PSS, &pss, sizeof pss};
    CK_BYTE hash[32] = {1}, large[256];
    CK_ULONG large_n = sizeof large;

    setup();
    rsa = token_rsa(s, false, "rsa");
    ck_ok(f3->C_MessageSignInit(s, &m, rsa.private_key));
    ck_ok(f3->C_MessageVerifyInit(s, &m, rsa.public_key));
    memset(&pss, 0xff, sizeof pss); /* it was taken over */
    for (CK_BYTE i = 0; i < 3; i++) {
        hash[0] = i;
        ck_ok(f3->C_SignMessage(s, NULL, 0, hash, sizeof hash, large, &large_n));
        ck_ok(f3->C_VerifyMessage(s, NULL, 0, hash, sizeof hash, large, large_n));
    }
    token_stop();
}
END_TEST

START_TEST(test_size_queries_take_no_data_and_short_buffers_keep_the_message)
{
    CK_BYTE small[10];

    setup();
    ck_ok(f3->C_MessageSignInit(s, &ecdsa, ec.private_key));
    n = 0;
    ck_ok(f3->C_SignMessage(s, NULL, 0, data, 5, NULL, &n));
    ck_assert_uint_eq(n, 64);
    n = sizeof small;
    ck_rv(f3->C_SignMessage(s, NULL, 0, data, 5, small, &n), CKR_BUFFER_TOO_SMALL);
    ck_ok(f3->C_SignMessageBegin(s, NULL, 0));
    ck_ok(f3->C_SignMessageNext(s, NULL, 0, data, 5, NULL, NULL));
    n = 0;
    ck_ok(f3->C_SignMessageNext(s, NULL, 0, data + 5, 5, NULL, &n));
    ck_assert_uint_eq(n, 64);
    n = sizeof small;
    ck_rv(f3->C_SignMessageNext(s, NULL, 0, data + 5, 5, small, &n), CKR_BUFFER_TOO_SMALL);
    ck_ok(f3->C_SignMessageNext(s, NULL, 0, data + 5, 5, signature, &n));
    check_plain(10);
    token_stop();
}
END_TEST

START_TEST(test_order_of_calls_is_kept)
{
    setup();
    ck_rv(f3->C_SignMessage(s, NULL, 0, data, 5, signature, &n), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f3->C_SignMessageBegin(s, NULL, 0), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f3->C_SignMessageNext(s, NULL, 0, data, 5, NULL, NULL), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f3->C_VerifyMessage(s, NULL, 0, data, 5, signature, 64), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f3->C_VerifyMessageNext(s, NULL, 0, data, 5, signature, 64), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f3->C_MessageVerifyFinal(s), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f3->C_MessageSignInit(s, &ecdsa, ec.private_key));
    ck_rv(f3->C_MessageSignInit(s, &ecdsa, ec.private_key), CKR_OPERATION_ACTIVE);
    ck_rv(f3->C_SignMessageNext(s, NULL, 0, data, 5, NULL, NULL), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f3->C_SignMessageBegin(s, NULL, 0));
    ck_rv(f3->C_SignMessageBegin(s, NULL, 0), CKR_OPERATION_ACTIVE);
    ck_rv(f3->C_SignMessage(s, NULL, 0, data, 5, signature, &n), CKR_OPERATION_ACTIVE);
    ck_ok(f3->C_MessageSignFinal(s)); /* the message that was under way is over, too */
    ck_rv(f3->C_SignMessageNext(s, NULL, 0, data, 5, NULL, NULL), CKR_OPERATION_NOT_INITIALIZED);
    token_stop();
}
END_TEST

START_TEST(test_no_state_is_put_aside_while_a_key_is_in_it)
{
    CK_MECHANISM sha = {CKM_SHA256, NULL, 0};
    CK_BYTE state[64];
    CK_ULONG state_n = sizeof state;

    setup();
    ck_ok(f->C_DigestInit(s, &sha));
    ck_ok(f3->C_MessageSignInit(s, &ecdsa, ec.private_key));
    ck_rv(f->C_GetOperationState(s, state, &state_n), CKR_STATE_UNSAVEABLE);
    ck_ok(f3->C_MessageSignFinal(s));
    ck_ok(f3->C_VerifySignatureInit(s, &ecdsa, ec.public_key, signature, n));
    ck_rv(f->C_GetOperationState(s, state, &state_n), CKR_STATE_UNSAVEABLE);
    ck_ok(f3->C_SessionCancel(s, CKF_VERIFY));
    ck_ok(f->C_GetOperationState(s, state, &state_n));
    token_stop();
}
END_TEST

/* Messages and plain signatures are operations of their own: both may run in a session. */
START_TEST(test_plain_operations_and_messages_do_not_mix)
{
    setup();
    ck_ok(f3->C_MessageSignInit(s, &ecdsa, ec.private_key));
    ck_rv(f->C_Sign(s, data, 5, signature, &n), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f->C_SignInit(s, &ecdsa, ec.private_key));
    ck_ok(f->C_SignUpdate(s, data, 3));
    ck_ok(f3->C_SignMessageBegin(s, NULL, 0));
    ck_ok(f3->C_SignMessageNext(s, NULL, 0, data, 2, NULL, NULL));
    ck_ok(f->C_SignUpdate(s, data + 3, 3));
    ck_ok(f3->C_SignMessageNext(s, NULL, 0, data + 2, 2, signature, &n));
    check_plain(4);
    ck_ok(f->C_SignFinal(s, signature, &n));
    check_plain(6);
    ck_ok(f3->C_SessionCancel(s, CKF_SIGN));
    ck_ok(f3->C_SignMessage(s, NULL, 0, data, 5, signature, &n));
    ck_ok(f3->C_SessionCancel(s, CKF_MESSAGE_SIGN));
    ck_rv(f3->C_SignMessage(s, NULL, 0, data, 5, signature, &n), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f3->C_MessageVerifyInit(s, &ecdsa, ec.public_key));
    ck_ok(f3->C_SessionCancel(s, CKF_MESSAGE_VERIFY));
    ck_rv(f3->C_MessageVerifyFinal(s), CKR_OPERATION_NOT_INITIALIZED);
    token_stop();
}
END_TEST

START_TEST(test_bad_arguments_are_told_and_logout_ends_it)
{
    CK_BYTE one = 1;

    setup();
    ck_rv(f3->C_MessageSignInit(s, &ecdsa, ec.public_key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_rv(f3->C_MessageVerifyInit(s, &ecdsa, 77), CKR_KEY_HANDLE_INVALID);
    ck_ok(f3->C_MessageSignInit(s, &ecdsa, ec.private_key));
    ck_rv(f3->C_SignMessage(s, &one, 1, data, 5, signature, &n), CKR_MECHANISM_PARAM_INVALID);
    ck_rv(f3->C_SignMessage(s, NULL, 0, NULL, 5, signature, &n), CKR_ARGUMENTS_BAD);
    ck_rv(f3->C_SignMessage(s, NULL, 0, data, 5, signature, NULL), CKR_ARGUMENTS_BAD);
    ck_rv(f3->C_SignMessageBegin(s, &one, 1), CKR_MECHANISM_PARAM_INVALID);
    ck_ok(f3->C_SignMessageBegin(s, NULL, 0));
    ck_rv(f3->C_SignMessageNext(s, NULL, 0, NULL, 5, NULL, NULL), CKR_ARGUMENTS_BAD);
    ck_rv(f3->C_SignMessageNext(s, NULL, 0, data, 5, NULL, NULL), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f3->C_SignMessage(s, NULL, 0, data, 5, signature, &n));
    ck_ok(f3->C_MessageSignInit(s, NULL, 0)); /* cancels */
    ck_rv(f3->C_MessageSignFinal(s), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f3->C_MessageSignInit(s, &ecdsa, ec.private_key));
    ck_ok(f->C_Logout(s));
    ck_rv(f3->C_SignMessage(s, NULL, 0, data, 5, signature, &n), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f3->C_MessageSignInit(s, &ecdsa, ec.private_key), CKR_USER_NOT_LOGGED_IN);
    token_stop();
}
END_TEST

START_TEST(test_mechanisms_say_that_they_sign_messages)
{
    CK_MECHANISM_INFO info;

    setup();
    ck_ok(f->C_GetMechanismInfo(0, CKM_ECDSA_SHA256, &info));
    ck_assert(info.flags & CKF_MESSAGE_SIGN);
    ck_assert(info.flags & CKF_MESSAGE_VERIFY);
    ck_assert(info.flags & CKF_MULTI_MESSAGE);
    ck_ok(f->C_GetMechanismInfo(0, CKM_SHA256, &info));
    ck_assert(!(info.flags & (CKF_MESSAGE_SIGN | CKF_MULTI_MESSAGE)));
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_many_messages_are_signed_after_one_init,
        &test_many_messages_are_verified_after_one_init,
        &test_parameters_of_the_mechanism_serve_every_message,
        &test_size_queries_take_no_data_and_short_buffers_keep_the_message,
        &test_order_of_calls_is_kept,
        &test_no_state_is_put_aside_while_a_key_is_in_it,
        &test_plain_operations_and_messages_do_not_mix,
        &test_bad_arguments_are_told_and_logout_ends_it,
        &test_mechanisms_say_that_they_sign_messages,
        NULL,
    };
    return suite_of("module_message_sign", 60, tests);
}
