/* Signatures that give the data back: C_SignRecover and C_VerifyRecover, against OpenSSL. */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "proto/mechanism.h"
#include "tests/unit/runner.h"
#include "tests/unit/token_key.h"

enum { MODULUS_BYTES = 256, PKCS1_DATA_MAX = MODULUS_BYTES - 11 };

static CK_SESSION_HANDLE s;
static EVP_PKEY *openssl;
static struct token_pair key;
static CK_BYTE data[MODULUS_BYTES + 1], signature[MODULUS_BYTES + 1], back[MODULUS_BYTES];

static struct token_pair import(CK_BBOOL may)
{
    static struct sample_template t;
    CK_ATTRIBUTE sign = {CKA_SIGN_RECOVER, &may, 1}, verify = {CKA_VERIFY_RECOVER, &may, 1};
    struct token_pair pair;

    sample_private(&t, openssl, true);
    pair.private_key = token_key_create(s, &t, &sign, 1);
    sample_public(&t, openssl);
    pair.public_key = token_key_create(s, &t, &verify, 1);
    return pair;
}

static void setup(void)
{
    token_start_with_users();
    s = token_alice();
    openssl = sample_rsa();
    key = import(CK_TRUE);
    memset(data, 0x5a, sizeof data);
}

static void teardown(void)
{
    EVP_PKEY_free(openssl);
    token_stop();
}

static size_t openssl_recovers(int padding, CK_ULONG n)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(openssl, NULL);
    size_t out = sizeof back;

    ck_assert_int_eq(EVP_PKEY_verify_recover_init(ctx), 1);
    ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(ctx, padding), 1);
    ck_assert_int_eq(EVP_PKEY_verify_recover(ctx, back, &out, signature, n), 1);
    EVP_PKEY_CTX_free(ctx);
    return out;
}

static CK_ULONG sign_recover(CK_MECHANISM_TYPE type, CK_ULONG length, CK_RV expected)
{
    CK_MECHANISM m = {type, NULL, 0};
    CK_ULONG n = 0;

    ck_ok(f->C_SignRecoverInit(s, &m, key.private_key));
    ck_ok(f->C_SignRecover(s, data, length, NULL, &n));
    ck_assert_uint_eq(n, MODULUS_BYTES);
    n = MODULUS_BYTES - 1;
    ck_rv(f->C_SignRecover(s, data, length, signature, &n), CKR_BUFFER_TOO_SMALL);
    ck_rv(f->C_SignRecover(s, data, length, signature, &n), expected);
    ck_rv(f->C_SignRecover(s, data, length, signature, &n), CKR_OPERATION_NOT_INITIALIZED);
    return n;
}

static void verify_recover(CK_MECHANISM_TYPE type, CK_ULONG length, CK_ULONG expected)
{
    CK_MECHANISM m = {type, NULL, 0};
    CK_ULONG n = 0;

    ck_ok(f->C_VerifyRecoverInit(s, &m, key.public_key));
    ck_rv(f->C_VerifyRecoverInit(s, &m, key.public_key), CKR_OPERATION_ACTIVE);
    ck_ok(f->C_VerifyRecover(s, signature, MODULUS_BYTES, NULL, &n));
    ck_assert_uint_eq(n, expected);
    memset(back, 0, sizeof back);
    if (expected > 0) {
        n = expected - 1;
        ck_rv(f->C_VerifyRecover(s, signature, MODULUS_BYTES, back, &n), CKR_BUFFER_TOO_SMALL);
        ck_assert_uint_eq(n, expected);
    }
    ck_ok(f->C_VerifyRecover(s, signature, MODULUS_BYTES, back, &n));
    ck_assert_uint_eq(n, expected);
    ck_assert_mem_eq(back + n - length, data, length);
    ck_rv(f->C_VerifyRecover(s, signature, MODULUS_BYTES, back, &n), CKR_OPERATION_NOT_INITIALIZED);
}

START_TEST(test_data_comes_back_out_of_the_signature)
{
    static const CK_ULONG lengths[] = {1, 20, 100, PKCS1_DATA_MAX};

    setup();
    for (size_t i = 0; i < 4; i++) {
        sign_recover(CKM_RSA_PKCS, lengths[i], CKR_OK);
        ck_assert_uint_eq(openssl_recovers(RSA_PKCS1_PADDING, MODULUS_BYTES), lengths[i]);
        ck_assert_mem_eq(back, data, lengths[i]);
        verify_recover(CKM_RSA_PKCS, lengths[i], lengths[i]);
        sign_recover(CKM_RSA_X_509, lengths[i], CKR_OK);
        ck_assert_uint_eq(openssl_recovers(RSA_NO_PADDING, MODULUS_BYTES), MODULUS_BYTES);
        ck_assert_mem_eq(back + MODULUS_BYTES - lengths[i], data, lengths[i]);
        verify_recover(CKM_RSA_X_509, lengths[i], MODULUS_BYTES);
    }
    sign_recover(CKM_RSA_X_509, MODULUS_BYTES, CKR_OK);
    sign_recover(CKM_RSA_PKCS, PKCS1_DATA_MAX + 1, CKR_DATA_LEN_RANGE);
    sign_recover(CKM_RSA_X_509, MODULUS_BYTES + 1, CKR_DATA_LEN_RANGE);
    teardown();
}
END_TEST

START_TEST(test_bent_signatures_give_nothing_back)
{
    CK_MECHANISM pkcs = {CKM_RSA_PKCS, NULL, 0}, raw = {CKM_RSA_X_509, NULL, 0};
    CK_ULONG n = sizeof back;

    setup();
    sign_recover(CKM_RSA_PKCS, 20, CKR_OK);
    signature[7] ^= 1;
    ck_ok(f->C_VerifyRecoverInit(s, &pkcs, key.public_key));
    ck_rv(f->C_VerifyRecover(s, signature, MODULUS_BYTES, back, &n), CKR_SIGNATURE_INVALID);
    ck_rv(f->C_VerifyRecover(s, signature, MODULUS_BYTES, back, &n), CKR_OPERATION_NOT_INITIALIZED);
    memset(signature, 0xff, sizeof signature); /* above the modulus */
    ck_ok(f->C_VerifyRecoverInit(s, &raw, key.public_key));
    ck_rv(f->C_VerifyRecover(s, signature, MODULUS_BYTES, back, &n), CKR_SIGNATURE_INVALID);
    for (int change = -1; change <= 1; change += 2) {
        ck_ok(f->C_VerifyRecoverInit(s, &raw, key.public_key));
        ck_rv(f->C_VerifyRecover(s, signature, (CK_ULONG)(MODULUS_BYTES + change), back, &n), CKR_SIGNATURE_LEN_RANGE);
    }
    ck_ok(f->C_VerifyRecoverInit(s, &raw, key.public_key));
    ck_rv(f->C_VerifyRecover(s, NULL, MODULUS_BYTES, back, &n), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_VerifyRecoverInit(s, &raw, key.public_key));
    ck_rv(f->C_VerifyRecover(s, signature, MODULUS_BYTES, back, NULL), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_VerifyRecoverInit(s, &raw, key.public_key));
    ck_ok(f3->C_SessionCancel(s, CKF_VERIFY_RECOVER));
    ck_rv(f->C_VerifyRecover(s, signature, MODULUS_BYTES, back, &n), CKR_OPERATION_NOT_INITIALIZED);
    teardown();
}
END_TEST

START_TEST(test_only_mechanisms_and_keys_for_it_recover)
{
    CK_MECHANISM pkcs = {CKM_RSA_PKCS, NULL, 0};
    struct token_pair ec, other;

    setup();
    ec = token_ec(s, false, "ec");
    other = import(CK_FALSE);
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        CK_MECHANISM m = {mechanism_at(i)->type, NULL, 0};
        if (mechanism_does(mechanism_at(i), CKF_SIGN_RECOVER))
            continue;
        ck_rv(f->C_SignRecoverInit(s, &m, key.private_key), CKR_MECHANISM_INVALID);
        ck_rv(f->C_VerifyRecoverInit(s, &m, key.public_key), CKR_MECHANISM_INVALID);
    }
    ck_rv(f->C_SignRecoverInit(s, &pkcs, other.private_key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_rv(f->C_VerifyRecoverInit(s, &pkcs, other.public_key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_rv(f->C_SignRecoverInit(s, &pkcs, key.public_key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_rv(f->C_VerifyRecoverInit(s, &pkcs, key.private_key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_rv(f->C_SignRecoverInit(s, &pkcs, ec.private_key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_rv(f->C_SignRecoverInit(s, &pkcs, 0), CKR_KEY_HANDLE_INVALID);
    pkcs.pParameter = data;
    pkcs.ulParameterLen = 4;
    ck_rv(f->C_SignRecoverInit(s, &pkcs, key.private_key), CKR_MECHANISM_PARAM_INVALID);
    teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_data_comes_back_out_of_the_signature,
        &test_bent_signatures_give_nothing_back,
        &test_only_mechanisms_and_keys_for_it_recover,
        NULL,
    };
    return suite_of("module_recover", 60, tests);
}
