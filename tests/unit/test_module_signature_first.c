/* Verification whose signature comes before the data: C_VerifySignatureInit and what follows it (PKCS #11 3.2 section 5.13). */
#include <string.h>

#include "proto/limits.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

static CK_BYTE data[] = "what was signed";
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
    ck_ok(f->C_SignInit(s, &ecdsa, ec.private_key));
    ck_ok(f->C_Sign(s, data, sizeof data, signature, &n));
}

static void begin(void)
{
    ck_ok(f3->C_VerifySignatureInit(s, &ecdsa, ec.public_key, signature, n));
}

START_TEST(test_good_signature_is_found_good_in_one_part_and_in_many)
{
    CK_BYTE given[64];

    setup();
    memcpy(given, signature, sizeof given);
    ck_ok(f3->C_VerifySignatureInit(s, &ecdsa, ec.public_key, given, n));
    memset(given, 0, sizeof given); /* it was copied */
    ck_ok(f3->C_VerifySignature(s, data, sizeof data));
    begin();
    ck_ok(f3->C_VerifySignatureUpdate(s, data, 3));
    ck_ok(f3->C_VerifySignatureUpdate(s, NULL, 0));
    ck_ok(f3->C_VerifySignatureUpdate(s, data + 3, sizeof data - 3));
    ck_ok(f3->C_VerifySignatureFinal(s));
    ck_rv(f3->C_VerifySignatureFinal(s), CKR_OPERATION_NOT_INITIALIZED);
    token_stop();
}
END_TEST

START_TEST(test_bad_signature_is_found_bad_and_ends_it)
{
    setup();
    begin();
    ck_rv(f3->C_VerifySignature(s, data, sizeof data - 1), CKR_SIGNATURE_INVALID);
    ck_rv(f3->C_VerifySignature(s, data, sizeof data), CKR_OPERATION_NOT_INITIALIZED);
    begin();
    ck_ok(f3->C_VerifySignatureUpdate(s, data, 1));
    ck_rv(f3->C_VerifySignatureFinal(s), CKR_SIGNATURE_INVALID);
    signature[10] ^= 1;
    begin();
    ck_rv(f3->C_VerifySignature(s, data, sizeof data), CKR_SIGNATURE_INVALID);
    ck_ok(f3->C_VerifySignatureInit(s, &ecdsa, ec.public_key, signature, 63));
    ck_rv(f3->C_VerifySignature(s, data, sizeof data), CKR_SIGNATURE_LEN_RANGE);
    ck_ok(f3->C_VerifySignatureInit(s, &ecdsa, ec.public_key, signature, 0));
    ck_rv(f3->C_VerifySignature(s, data, sizeof data), CKR_SIGNATURE_LEN_RANGE);
    token_stop();
}
END_TEST

START_TEST(test_secret_keys_verify_so_too)
{
    CK_OBJECT_HANDLE key;
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    CK_BYTE mac[32];
    CK_ULONG mac_n = sizeof mac;

    setup();
    key = token_hmac_key(s, false, "hmac");
    ck_ok(f->C_SignInit(s, &hmac, key));
    ck_ok(f->C_Sign(s, data, sizeof data, mac, &mac_n));
    ck_ok(f3->C_VerifySignatureInit(s, &hmac, key, mac, mac_n));
    ck_ok(f3->C_VerifySignature(s, data, sizeof data));
    mac[0] ^= 1;
    ck_ok(f3->C_VerifySignatureInit(s, &hmac, key, mac, mac_n));
    ck_rv(f3->C_VerifySignature(s, data, sizeof data), CKR_SIGNATURE_INVALID);
    token_stop();
}
END_TEST

/* One verification at a time, and the functions of one kind do not serve the other. */
START_TEST(test_the_two_kinds_of_verification_do_not_mix)
{
    setup();
    begin();
    ck_rv(f3->C_VerifySignatureInit(s, &ecdsa, ec.public_key, signature, n), CKR_OPERATION_ACTIVE);
    ck_rv(f->C_VerifyInit(s, &ecdsa, ec.public_key), CKR_OPERATION_ACTIVE);
    ck_rv(f->C_Verify(s, data, sizeof data, signature, n), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f->C_VerifyUpdate(s, data, sizeof data), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f->C_VerifyFinal(s, signature, n), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f3->C_VerifySignature(s, data, sizeof data));
    ck_ok(f->C_VerifyInit(s, &ecdsa, ec.public_key));
    ck_rv(f3->C_VerifySignatureInit(s, &ecdsa, ec.public_key, signature, n), CKR_OPERATION_ACTIVE);
    ck_rv(f3->C_VerifySignature(s, data, sizeof data), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f3->C_VerifySignatureUpdate(s, data, sizeof data), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f3->C_VerifySignatureFinal(s), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f->C_Verify(s, data, sizeof data, signature, n));
    token_stop();
}
END_TEST

START_TEST(test_it_is_cancelled_and_ends_with_the_login)
{
    setup();
    begin();
    ck_ok(f3->C_VerifySignatureInit(s, NULL, 0, NULL, 0));
    ck_rv(f3->C_VerifySignature(s, data, sizeof data), CKR_OPERATION_NOT_INITIALIZED);
    begin();
    ck_ok(f3->C_SessionCancel(s, CKF_VERIFY));
    ck_rv(f3->C_VerifySignature(s, data, sizeof data), CKR_OPERATION_NOT_INITIALIZED);
    begin();
    ck_ok(f->C_Logout(s));
    ck_rv(f3->C_VerifySignature(s, data, sizeof data), CKR_OPERATION_NOT_INITIALIZED);
    token_stop();
}
END_TEST

START_TEST(test_bad_arguments_are_told)
{
    CK_MECHANISM digest = {CKM_SHA256, NULL, 0};

    setup();
    ck_rv(f3->C_VerifySignatureInit(s, &ecdsa, ec.public_key, NULL, 64), CKR_ARGUMENTS_BAD);
    ck_rv(f3->C_VerifySignatureInit(s, &ecdsa, ec.public_key, signature, ~0UL), CKR_SIGNATURE_LEN_RANGE);
    ck_rv(f3->C_VerifySignatureInit(s, &ecdsa, ec.private_key, signature, n), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_rv(f3->C_VerifySignatureInit(s, &ecdsa, 77, signature, n), CKR_KEY_HANDLE_INVALID);
    ck_rv(f3->C_VerifySignatureInit(s, &digest, ec.public_key, signature, n), CKR_MECHANISM_INVALID);
    begin();
    ck_rv(f3->C_VerifySignatureUpdate(s, NULL, 5), CKR_ARGUMENTS_BAD);
    ck_rv(f3->C_VerifySignatureFinal(s), CKR_OPERATION_NOT_INITIALIZED); /* that was an error, so it ended */
    begin();
    ck_rv(f3->C_VerifySignature(s, NULL, 5), CKR_ARGUMENTS_BAD);
    token_stop();
}
END_TEST

START_TEST(test_no_session_is_of_a_validated_module)
{
    CK_FLAGS flags = 1;

    setup();
    ck_ok(f3->C_GetSessionValidationFlags(s, CKS_LAST_VALIDATION_OK, &flags));
    ck_assert_uint_eq(flags, 0);
    ck_rv(f3->C_GetSessionValidationFlags(s, CKS_LAST_VALIDATION_OK, NULL), CKR_ARGUMENTS_BAD);
    ck_rv(f3->C_GetSessionValidationFlags(s, 77, &flags), CKR_ARGUMENTS_BAD);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_good_signature_is_found_good_in_one_part_and_in_many,
        &test_bad_signature_is_found_bad_and_ends_it,
        &test_secret_keys_verify_so_too,
        &test_the_two_kinds_of_verification_do_not_mix,
        &test_it_is_cancelled_and_ends_with_the_login,
        &test_bad_arguments_are_told,
        &test_no_session_is_of_a_validated_module,
        NULL,
    };
    return suite_of("module_signature_first", 60, tests);
}
