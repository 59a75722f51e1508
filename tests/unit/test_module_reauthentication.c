/* Keys whose CKA_ALWAYS_AUTHENTICATE is true, and C_Login with CKU_CONTEXT_SPECIFIC (PKCS #11 3.1 sections 4.9 and 5.6.8). */
#include <string.h>

#include "proto/limits.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

#define PASSWORD "alice-password"

enum { SIGNATURE_BYTES = 64 };

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_BYTE digest[32] = {1, 2, 3}, signature[512];
static CK_MECHANISM ecdsa = {.mechanism = CKM_ECDSA}, ecdsa_sha256 = {.mechanism = CKM_ECDSA_SHA256}, rsa = {.mechanism = CKM_RSA_PKCS};
static CK_SESSION_HANDLE s;
static struct token_pair pair;

static struct token_pair make(CK_MECHANISM_TYPE type, CK_ATTRIBUTE what, CK_BBOOL token)
{
    CK_MECHANISM m = {.mechanism = type};
    CK_ATTRIBUTE of_public[] = {what, {CKA_VERIFY, &yes, 1}, {CKA_TOKEN, &token, 1}, {CKA_ENCRYPT, &yes, 1}};
    CK_ATTRIBUTE of_private[] = {{CKA_ALWAYS_AUTHENTICATE, &yes, 1}, {CKA_SIGN, &yes, 1}, {CKA_TOKEN, &token, 1},
                                 {CKA_DECRYPT, &yes, 1}, {CKA_SIGN_RECOVER, &yes, 1}, {CKA_UNWRAP, &yes, 1}, {CKA_DERIVE, &yes, 1}};
    struct token_pair made = {0, 0};

    ck_ok(f->C_GenerateKeyPair(s, &m, of_public, 4, of_private, 7, &made.public_key, &made.private_key));
    return made;
}

static struct token_pair make_ec(CK_BBOOL token)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

    return make(CKM_EC_KEY_PAIR_GEN, (CK_ATTRIBUTE){CKA_EC_PARAMS, p256, sizeof p256}, token);
}

static struct token_pair make_rsa(void)
{
    static CK_ULONG bits = 2048;

    return make(CKM_RSA_PKCS_KEY_PAIR_GEN, (CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof bits}, CK_FALSE);
}

static void setup(void)
{
    token_start_with_users();
    s = token_alice();
    pair = make_ec(CK_TRUE);
}

static CK_RV context(const char *pin)
{
    return token_login(s, CKU_CONTEXT_SPECIFIC, pin);
}

static CK_RV sign(void)
{
    CK_ULONG n = sizeof signature;

    return f->C_Sign(s, digest, sizeof digest, signature, &n);
}

START_TEST(test_key_says_that_it_always_asks)
{
    CK_BBOOL always = CK_FALSE;
    CK_ATTRIBUTE a = {CKA_ALWAYS_AUTHENTICATE, &always, 1}, off = {CKA_ALWAYS_AUTHENTICATE, &no, 1};
    CK_OBJECT_HANDLE copy;

    setup();
    ck_ok(f->C_GetAttributeValue(s, pair.private_key, &a, 1));
    ck_assert_uint_eq(always, CK_TRUE);
    ck_rv(f->C_SetAttributeValue(s, pair.private_key, &off, 1), CKR_ATTRIBUTE_READ_ONLY);
    ck_rv(f->C_CopyObject(s, pair.private_key, &off, 1, &copy), CKR_ATTRIBUTE_READ_ONLY);
    ck_ok(f->C_CopyObject(s, pair.private_key, NULL, 0, &copy));
    ck_ok(f->C_SignInit(s, &ecdsa, copy));
    ck_rv(sign(), CKR_USER_NOT_LOGGED_IN);
    token_stop();
}
END_TEST

START_TEST(test_each_use_needs_a_login_of_its_own)
{
    setup();
    ck_ok(f->C_SignInit(s, &ecdsa, pair.private_key));
    ck_rv(sign(), CKR_USER_NOT_LOGGED_IN);
    ck_rv(sign(), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f->C_SignInit(s, &ecdsa, pair.private_key));
    ck_ok(context(ALICE));
    ck_ok(sign());
    ck_ok(f->C_VerifyInit(s, &ecdsa, pair.public_key));
    ck_ok(f->C_Verify(s, digest, sizeof digest, signature, SIGNATURE_BYTES));
    ck_ok(f->C_SignInit(s, &ecdsa, pair.private_key)); /* the login was for one use */
    ck_rv(sign(), CKR_USER_NOT_LOGGED_IN);
    ck_ok(f->C_SignInit(s, &ecdsa, pair.private_key));
    ck_ok(context(ALICE));
    ck_ok(f->C_SignInit(s, NULL, 0)); /* given, and not used: it is over as well */
    ck_ok(f->C_SignInit(s, &ecdsa, pair.private_key));
    ck_rv(sign(), CKR_USER_NOT_LOGGED_IN);
    token_stop();
}
END_TEST

START_TEST(test_wrong_password_leaves_the_operation_as_it_was)
{
    setup();
    ck_ok(f->C_SignInit(s, &ecdsa, pair.private_key));
    ck_rv(context("alice:wrong-password"), CKR_PIN_INCORRECT);
    ck_rv(context(BOB), CKR_PIN_INCORRECT);
    ck_rv(context(""), CKR_PIN_INVALID);
    ck_rv(f->C_Login(s, CKU_CONTEXT_SPECIFIC, NULL, 0), CKR_ARGUMENTS_BAD);
    ck_ok(context(ALICE));
    ck_ok(sign());
    ck_ok(f->C_SignInit(s, &ecdsa, pair.private_key));
    ck_ok(context(ALICE));
    ck_rv(context("alice:wrong-password"), CKR_PIN_INCORRECT); /* as if there had been no login */
    ck_rv(sign(), CKR_USER_NOT_LOGGED_IN);
    token_stop();
}
END_TEST

START_TEST(test_forms_of_the_password)
{
    setup();
    ck_ok(f->C_SignInit(s, &ecdsa, pair.private_key));
    ck_ok(context(PASSWORD));
    ck_ok(sign());
    ck_ok(f->C_SignInit(s, &ecdsa, pair.private_key));
    ck_ok(context("ALICE:" PASSWORD));
    ck_ok(sign());
    ck_ok(f->C_SignInit(s, &ecdsa, pair.private_key));
    ck_rv(f3->C_LoginUser(s, CKU_CONTEXT_SPECIFIC, (CK_BYTE *)PASSWORD, 14, (CK_BYTE *)"bob", 3), CKR_PIN_INCORRECT);
    ck_ok(f3->C_LoginUser(s, CKU_CONTEXT_SPECIFIC, (CK_BYTE *)PASSWORD, 14, (CK_BYTE *)"alice", 5));
    ck_ok(sign());
    ck_ok(f->C_SignInit(s, &ecdsa, pair.private_key));
    ck_ok(f3->C_LoginUser(s, CKU_CONTEXT_SPECIFIC, (CK_BYTE *)PASSWORD, 14, NULL, 0));
    ck_ok(sign());
    token_stop();
}
END_TEST

START_TEST(test_login_that_nothing_waits_for)
{
    CK_OBJECT_HANDLE plain;

    setup();
    plain = token_ec(s, false, "plain").private_key;
    ck_rv(context(ALICE), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(f->C_SignInit(s, &ecdsa, plain));
    ck_rv(context(ALICE), CKR_OPERATION_NOT_INITIALIZED);
    ck_ok(sign()); /* not affected */
    ck_ok(f->C_VerifyInit(s, &ecdsa, pair.public_key));
    ck_rv(context(ALICE), CKR_OPERATION_NOT_INITIALIZED);
    token_stop();
}
END_TEST

START_TEST(test_size_query_and_short_buffer_use_nothing_up)
{
    CK_ULONG n = 0;

    setup();
    ck_ok(f->C_SignInit(s, &ecdsa, pair.private_key));
    ck_ok(f->C_Sign(s, digest, sizeof digest, NULL, &n));
    ck_assert_uint_eq(n, SIGNATURE_BYTES);
    ck_ok(context(ALICE));
    ck_ok(f->C_Sign(s, digest, sizeof digest, NULL, &n));
    n = 10;
    ck_rv(f->C_Sign(s, digest, sizeof digest, signature, &n), CKR_BUFFER_TOO_SMALL);
    ck_ok(sign());
    token_stop();
}
END_TEST

START_TEST(test_parts_need_it_from_the_first_on)
{
    CK_ULONG n = sizeof signature;

    setup();
    ck_ok(f->C_SignInit(s, &ecdsa_sha256, pair.private_key));
    ck_rv(f->C_SignUpdate(s, digest, 10), CKR_USER_NOT_LOGGED_IN);
    ck_ok(f->C_SignInit(s, &ecdsa_sha256, pair.private_key));
    ck_rv(f->C_SignFinal(s, signature, &n), CKR_USER_NOT_LOGGED_IN);
    ck_ok(f->C_SignInit(s, &ecdsa_sha256, pair.private_key));
    ck_ok(context(ALICE));
    ck_ok(f->C_SignUpdate(s, digest, 10));
    ck_ok(f->C_SignUpdate(s, digest + 10, 22));
    ck_ok(f->C_SignFinal(s, signature, &n));
    ck_ok(f->C_VerifyInit(s, &ecdsa_sha256, pair.public_key));
    ck_ok(f->C_Verify(s, digest, sizeof digest, signature, n));
    token_stop();
}
END_TEST

START_TEST(test_decryption_and_signatures_with_recovery_need_it)
{
    CK_BYTE secret[5] = "text", sealed[256], opened[256];
    CK_ULONG n = sizeof sealed, m = sizeof opened;

    setup();
    pair = make_rsa();
    ck_ok(f->C_EncryptInit(s, &rsa, pair.public_key));
    ck_ok(f->C_Encrypt(s, secret, sizeof secret, sealed, &n));
    ck_ok(f->C_DecryptInit(s, &rsa, pair.private_key));
    ck_rv(f->C_Decrypt(s, sealed, n, opened, &m), CKR_USER_NOT_LOGGED_IN);
    ck_ok(f->C_DecryptInit(s, &rsa, pair.private_key));
    ck_rv(f->C_DecryptUpdate(s, sealed, n, opened, &m), CKR_USER_NOT_LOGGED_IN);
    ck_ok(f->C_DecryptInit(s, &rsa, pair.private_key));
    ck_ok(context(ALICE));
    m = 2; /* what is in it is known only afterwards: it is asked again, with the same password */
    ck_rv(f->C_Decrypt(s, sealed, n, opened, &m), CKR_BUFFER_TOO_SMALL);
    ck_ok(f->C_Decrypt(s, sealed, n, opened, &m));
    ck_assert_uint_eq(m, sizeof secret);
    ck_assert_mem_eq(opened, secret, m);
    m = sizeof opened;
    ck_ok(f->C_SignRecoverInit(s, &rsa, pair.private_key));
    ck_rv(f->C_SignRecover(s, secret, sizeof secret, signature, &m), CKR_USER_NOT_LOGGED_IN);
    ck_ok(f->C_SignRecoverInit(s, &rsa, pair.private_key));
    ck_ok(context(ALICE));
    ck_ok(f->C_SignRecover(s, secret, sizeof secret, signature, &m));
    ck_assert_uint_eq(m, 256);
    token_stop();
}
END_TEST

/* Uses that are one call leave no place for the login, so such a key has none of them. */
START_TEST(test_uses_without_a_beginning_are_refused)
{
    CK_OBJECT_CLASS secret = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &secret, sizeof secret}, {CKA_KEY_TYPE, &type, sizeof type}};
    CK_BYTE wrapped[256], point[67];
    CK_ATTRIBUTE ask = {CKA_EC_POINT, point, sizeof point};
    CK_ECDH1_DERIVE_PARAMS p = {.kdf = CKD_NULL, .pPublicData = point};
    CK_MECHANISM ecdh = {CKM_ECDH1_DERIVE, &p, sizeof p};
    CK_OBJECT_HANDLE key;
    CK_ULONG n = sizeof wrapped;

    setup();
    ck_ok(f->C_GetAttributeValue(s, pair.public_key, &ask, 1));
    p.ulPublicDataLen = ask.ulValueLen;
    ck_rv(f->C_DeriveKey(s, &ecdh, pair.private_key, t, 2, &key), CKR_USER_NOT_LOGGED_IN);
    pair = make_rsa();
    ck_ok(f->C_EncryptInit(s, &rsa, pair.public_key));
    ck_ok(f->C_Encrypt(s, digest, 16, wrapped, &n));
    ck_rv(f->C_UnwrapKey(s, &rsa, pair.private_key, wrapped, n, t, 2, &key), CKR_USER_NOT_LOGGED_IN);
    token_stop();
}
END_TEST

/* It would come back as a key that asks nobody. */
START_TEST(test_key_that_asks_is_not_wrapped_under_the_modern_policy)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_MECHANISM generate = {.mechanism = CKM_EC_KEY_PAIR_GEN}, wrap = {.mechanism = CKM_AES_KEY_WRAP_PAD};
    CK_ATTRIBUTE of_public = {CKA_EC_PARAMS, p256, sizeof p256};
    CK_ATTRIBUTE of_private[] = {{CKA_ALWAYS_AUTHENTICATE, &yes, 1}, {CKA_SIGN, &yes, 1}, {CKA_EXTRACTABLE, &yes, 1}};
    CK_BYTE wrapped[512];
    CK_ULONG n = sizeof wrapped;

    for (int policy = POLICY_MODERN; policy <= POLICY_COMPATIBLE; policy++) {
        s = token_alice_under((enum policy)policy);
        ck_ok(f->C_GenerateKeyPair(s, &generate, &of_public, 1, of_private, 3, &pair.public_key, &pair.private_key));
        ck_rv(f->C_WrapKey(s, &wrap, token_secret_key(s, CKK_AES, 32), pair.private_key, wrapped, &n),
              policy == POLICY_MODERN ? CKR_KEY_NOT_WRAPPABLE : CKR_OK);
        token_stop();
    }
}
END_TEST

/* Its value would be a use of it for ever. */
START_TEST(test_key_that_asks_cannot_be_made_readable)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_MECHANISM generate = {.mechanism = CKM_EC_KEY_PAIR_GEN};
    CK_ATTRIBUTE of_public = {CKA_EC_PARAMS, p256, sizeof p256};
    CK_ATTRIBUTE of_private[] = {{CKA_ALWAYS_AUTHENTICATE, &yes, 1}, {CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};

    setup();
    ck_rv(f->C_GenerateKeyPair(s, &generate, &of_public, 1, of_private, 3, &pair.public_key, &pair.private_key), CKR_TEMPLATE_INCONSISTENT);
    ck_rv(f->C_GenerateKeyPair(s, &generate, &of_public, 1, of_private, 2, &pair.public_key, &pair.private_key), CKR_TEMPLATE_INCONSISTENT);
    of_private[1].pValue = &yes;
    ck_ok(f->C_GenerateKeyPair(s, &generate, &of_public, 1, of_private, 3, &pair.public_key, &pair.private_key));
    token_stop();
}
END_TEST

/* What is unwrapped may go out again by default; what asks for a password each time would come back as a key that asks nobody. */
START_TEST(test_key_that_asks_goes_out_again_only_where_its_template_says_so)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_MECHANISM generate = {.mechanism = CKM_EC_KEY_PAIR_GEN}, wrap = {.mechanism = CKM_AES_KEY_WRAP_PAD};
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_KEY_TYPE type = CKK_EC;
    CK_BBOOL extractable = 7;
    CK_ATTRIBUTE of_public = {CKA_EC_PARAMS, p256, sizeof p256}, of_private = {CKA_EXTRACTABLE, &yes, 1};
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_ALWAYS_AUTHENTICATE, &yes, 1}};
    CK_ATTRIBUTE ask = {CKA_EXTRACTABLE, &extractable, 1};
    CK_OBJECT_HANDLE with, key;
    CK_BYTE wrapped[512];
    CK_ULONG n = sizeof wrapped;

    setup();
    with = token_secret_key(s, CKK_AES, 32);
    ck_ok(f->C_GenerateKeyPair(s, &generate, &of_public, 1, &of_private, 1, &pair.public_key, &pair.private_key));
    ck_ok(f->C_WrapKey(s, &wrap, with, pair.private_key, wrapped, &n));
    ck_ok(f->C_UnwrapKey(s, &wrap, with, wrapped, n, t, 3, &key));
    ck_ok(f->C_GetAttributeValue(s, key, &ask, 1));
    ck_assert(extractable == CK_FALSE);
    ck_ok(f->C_UnwrapKey(s, &wrap, with, wrapped, n, t, 2, &key));
    ck_ok(f->C_GetAttributeValue(s, key, &ask, 1));
    ck_assert(extractable == CK_TRUE);
    token_stop();
}
END_TEST

START_TEST(test_each_message_needs_a_login_of_its_own)
{
    CK_ULONG n = 0;

    setup();
    ck_ok(f3->C_MessageSignInit(s, &ecdsa, pair.private_key));
    n = sizeof signature;
    ck_rv(f3->C_SignMessage(s, NULL, 0, digest, sizeof digest, signature, &n), CKR_USER_NOT_LOGGED_IN);
    ck_ok(context(ALICE));
    ck_ok(f3->C_SignMessage(s, NULL, 0, digest, sizeof digest, NULL, &n));
    n = sizeof signature;
    ck_ok(f3->C_SignMessage(s, NULL, 0, digest, sizeof digest, signature, &n));
    ck_rv(f3->C_SignMessage(s, NULL, 0, digest, sizeof digest, signature, &n), CKR_USER_NOT_LOGGED_IN);
    ck_ok(f3->C_SignMessageBegin(s, NULL, 0));
    ck_ok(context(ALICE));
    n = sizeof signature;
    ck_ok(f3->C_SignMessageNext(s, NULL, 0, digest, sizeof digest, signature, &n));
    ck_ok(f3->C_SignMessageBegin(s, NULL, 0));
    ck_rv(f3->C_SignMessageNext(s, NULL, 0, digest, sizeof digest, signature, &n), CKR_USER_NOT_LOGGED_IN);
    ck_ok(f3->C_MessageSignFinal(s));
    token_stop();
}
END_TEST

/* They are counted as a login's are; and a locked password ends the login. */
START_TEST(test_wrong_passwords_are_counted_and_lock)
{
    CK_SESSION_INFO info;
    CK_RV rv = CKR_OK;

    setup();
    ck_ok(f->C_SignInit(s, &ecdsa, pair.private_key));
    for (unsigned i = 0; i < LOGIN_TRIES_MAX; i++)
        ck_rv(context("alice:wrong-password"), CKR_PIN_INCORRECT);
    rv = context(ALICE);
    ck_rv(rv, CKR_PIN_LOCKED);
    ck_ok(f->C_GetSessionInfo(s, &info));
    ck_assert_uint_eq(info.state, CKS_RW_PUBLIC_SESSION);
    ck_rv(token_login(s, CKU_USER, ALICE), CKR_PIN_LOCKED);
    token_stop();
}
END_TEST

START_TEST(test_lost_reply_is_asked_for_again_and_counted_once)
{
    setup();
    ck_ok(f->C_SignInit(s, &ecdsa, pair.private_key));
    local_node_faults(token_node)->lose_replies = 1;
    ck_ok(context(ALICE));
    local_node_faults(token_node)->lose_replies = 1;
    ck_ok(sign());
    ck_ok(f->C_VerifyInit(s, &ecdsa, pair.public_key));
    ck_ok(f->C_Verify(s, digest, sizeof digest, signature, SIGNATURE_BYTES));
    ck_ok(f->C_SignInit(s, &ecdsa, pair.private_key));
    local_node_faults(token_node)->lose_replies = 1;
    ck_rv(context("alice:wrong-password"), CKR_PIN_INCORRECT);
    for (unsigned i = 1; i < LOGIN_TRIES_MAX; i++)
        ck_rv(context("alice:wrong-password"), CKR_PIN_INCORRECT);
    ck_rv(context("alice:wrong-password"), CKR_PIN_LOCKED);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_key_says_that_it_always_asks,
        &test_each_use_needs_a_login_of_its_own,
        &test_wrong_password_leaves_the_operation_as_it_was,
        &test_forms_of_the_password,
        &test_login_that_nothing_waits_for,
        &test_size_query_and_short_buffer_use_nothing_up,
        &test_parts_need_it_from_the_first_on,
        &test_decryption_and_signatures_with_recovery_need_it,
        &test_uses_without_a_beginning_are_refused,
        &test_key_that_asks_is_not_wrapped_under_the_modern_policy,
        &test_key_that_asks_cannot_be_made_readable,
        &test_key_that_asks_goes_out_again_only_where_its_template_says_so,
        &test_each_message_needs_a_login_of_its_own,
        &test_wrong_passwords_are_counted_and_lock,
        &test_lost_reply_is_asked_for_again_and_counted_once,
        NULL,
    };
    return suite_of("module_reauthentication", 60, tests);
}
