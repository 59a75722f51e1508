/* Two operations on one part of data: each comes to what it comes to alone (PKCS #11 2.40 section 5.13). */
#include <string.h>

#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { TEXT = 80 };

static CK_SESSION_HANDLE s;
static CK_OBJECT_HANDLE aes, hmac_key;
static CK_BYTE iv[16] = "initial vector!", text[TEXT], ciphertext[TEXT], mac[32], digest[32], out[2 * TEXT];
static CK_MECHANISM cbc = {CKM_AES_CBC, iv, sizeof iv}, hmac = {CKM_SHA256_HMAC, NULL, 0}, sha = {CKM_SHA256, NULL, 0};
static CK_ULONG n;

static CK_OBJECT_HANDLE make_aes(void)
{
    CK_MECHANISM m = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG bytes = 32;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE array[] = {{CKA_VALUE_LEN, &bytes, sizeof bytes}, {CKA_ENCRYPT, &yes, 1}, {CKA_DECRYPT, &yes, 1}};
    CK_OBJECT_HANDLE key = 0;

    ck_ok(f->C_GenerateKey(s, &m, array, 3, &key));
    return key;
}

/* What each comes to alone. */
static void setup(void)
{
    token_start_with_users();
    s = token_alice();
    aes = make_aes();
    hmac_key = token_hmac_key(s, false, "hmac");
    for (size_t i = 0; i < TEXT; i++)
        text[i] = (CK_BYTE)(7 * i);
    n = sizeof ciphertext;
    ck_ok(f->C_EncryptInit(s, &cbc, aes));
    ck_ok(f->C_Encrypt(s, text, TEXT, ciphertext, &n));
    n = sizeof mac;
    ck_ok(f->C_SignInit(s, &hmac, hmac_key));
    ck_ok(f->C_Sign(s, text, TEXT, mac, &n));
    n = sizeof digest;
    ck_ok(f->C_DigestInit(s, &sha));
    ck_ok(f->C_Digest(s, text, TEXT, digest, &n));
}

typedef CK_RV dual_function(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);

/* All of `from` in parts; what comes is `to`. A size query and a short buffer before each part. */
static void run(dual_function *function, CK_BYTE *from, const CK_BYTE *to)
{
    static const CK_ULONG parts[] = {1, 15, 16, 17, 0, 31};
    CK_ULONG at = 0, made = 0;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        CK_ULONG size = 0;
        ck_ok(function(s, from + at, parts[i], NULL, &size));
        if (size > 0) {
            n = size - 1;
            ck_rv(function(s, from + at, parts[i], out + made, &n), CKR_BUFFER_TOO_SMALL);
            ck_assert_uint_eq(n, size);
        }
        n = sizeof out - made;
        ck_ok(function(s, from + at, parts[i], out + made, &n));
        ck_assert_uint_le(n, size);
        at += parts[i];
        made += n;
    }
    ck_assert_uint_eq(at, TEXT);
    ck_assert_uint_eq(made, TEXT);
    ck_assert_mem_eq(out, to, TEXT);
}

static void finish(CK_RV (*end)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG *))
{
    n = sizeof out;
    ck_ok(end(s, out, &n));
    ck_assert_uint_eq(n, 0);
}

static void digest_is_right(void)
{
    CK_ULONG digest_n = sizeof out;

    ck_ok(f->C_DigestFinal(s, out, &digest_n));
    ck_assert_uint_eq(digest_n, 32);
    ck_assert_mem_eq(out, digest, 32);
}

START_TEST(test_digest_and_encrypt)
{
    setup();
    ck_ok(f->C_DigestInit(s, &sha));
    ck_ok(f->C_EncryptInit(s, &cbc, aes));
    run(f->C_DigestEncryptUpdate, text, ciphertext);
    finish(f->C_EncryptFinal);
    digest_is_right();
    token_stop();
}
END_TEST

START_TEST(test_decrypt_and_digest)
{
    setup();
    ck_ok(f->C_DigestInit(s, &sha));
    ck_ok(f->C_DecryptInit(s, &cbc, aes));
    run(f->C_DecryptDigestUpdate, ciphertext, text);
    finish(f->C_DecryptFinal);
    digest_is_right();
    token_stop();
}
END_TEST

START_TEST(test_sign_and_encrypt)
{
    setup();
    ck_ok(f->C_SignInit(s, &hmac, hmac_key));
    ck_ok(f->C_EncryptInit(s, &cbc, aes));
    run(f->C_SignEncryptUpdate, text, ciphertext);
    finish(f->C_EncryptFinal);
    n = sizeof out;
    ck_ok(f->C_SignFinal(s, out, &n));
    ck_assert_mem_eq(out, mac, 32);
    token_stop();
}
END_TEST

START_TEST(test_decrypt_and_verify)
{
    setup();
    ck_ok(f->C_VerifyInit(s, &hmac, hmac_key));
    ck_ok(f->C_DecryptInit(s, &cbc, aes));
    run(f->C_DecryptVerifyUpdate, ciphertext, text);
    finish(f->C_DecryptFinal);
    ck_ok(f->C_VerifyFinal(s, mac, 32));
    token_stop();
}
END_TEST

/* Section 5.2: input and output may be the same memory. */
START_TEST(test_in_place)
{
    setup();
    ck_ok(f->C_DigestInit(s, &sha));
    ck_ok(f->C_EncryptInit(s, &cbc, aes));
    n = sizeof text;
    ck_ok(f->C_DigestEncryptUpdate(s, text, TEXT, text, &n));
    ck_assert_mem_eq(text, ciphertext, TEXT);
    finish(f->C_EncryptFinal);
    digest_is_right();
    token_stop();
}
END_TEST

START_TEST(test_both_must_be_there_and_an_error_ends_both)
{
    static dual_function *functions[4];

    setup();
    functions[0] = f->C_DigestEncryptUpdate;
    functions[1] = f->C_SignEncryptUpdate;
    functions[2] = f->C_DecryptDigestUpdate;
    functions[3] = f->C_DecryptVerifyUpdate;
    n = sizeof out;
    for (int i = 0; i < 4; i++)
        ck_rv(functions[i](s, text, 16, out, &n), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f->C_DigestInit(s, &sha));
    ck_rv(f->C_DigestEncryptUpdate(s, text, 16, out, &n), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f->C_DigestUpdate(s, text, 16)); /* it has not ended */
    ck_ok(f->C_EncryptInit(s, &cbc, aes));
    ck_rv(f->C_SignEncryptUpdate(s, text, 16, out, &n), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f->C_DigestEncryptUpdate(s, NULL, 16, out, &n), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_DigestUpdate(s, text, 16), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f->C_EncryptUpdate(s, text, 16, out, &n), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f->C_VerifyInit(s, &hmac, hmac_key));
    ck_ok(f->C_DecryptInit(s, &cbc, aes));
    ck_rv(f->C_DecryptVerifyUpdate(s, text, 16, out, NULL), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_VerifyUpdate(s, text, 16), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(f->C_DecryptUpdate(s, text, 16, out, &n), CKR_OPERATION_NOT_INITIALIZED);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_digest_and_encrypt,
        &test_decrypt_and_digest,
        &test_sign_and_encrypt,
        &test_decrypt_and_verify,
        &test_in_place,
        &test_both_must_be_there_and_an_error_ends_both,
        NULL,
    };
    return suite_of("module_dual", 60, tests);
}
