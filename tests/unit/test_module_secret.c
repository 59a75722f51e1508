/* Secret keys through the module: made, imported, and what a template must and must not say of them. */
#include <string.h>

#include "proto/key_kind.h"
#include "proto/mechanism.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

static CK_SESSION_HANDLE s;
static CK_OBJECT_HANDLE key;

static void setup_under(enum policy policy)
{
    s = token_alice_under(policy);
    key = 0;
}

static void setup(void)
{
    setup_under(POLICY_COMPATIBLE);
}

static CK_RV generate(CK_MECHANISM_TYPE type, CK_ULONG bytes, CK_ATTRIBUTE *more, CK_ULONG more_n)
{
    CK_MECHANISM m = {type, NULL, 0};
    CK_ATTRIBUTE t[8];
    CK_ULONG n = 0;

    if (bytes > 0)
        t[n++] = (CK_ATTRIBUTE){CKA_VALUE_LEN, &bytes, sizeof bytes};
    for (CK_ULONG i = 0; i < more_n; i++)
        t[n++] = more[i];
    return f->C_GenerateKey(s, &m, t, n, &key);
}

static CK_RV import(CK_KEY_TYPE type, const void *value, CK_ULONG n)
{
    CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_KEY_TYPE, &type, sizeof type},
                        {CKA_VALUE, (void *)(uintptr_t)value, n}};

    return f->C_CreateObject(s, t, 3, &key);
}

START_TEST(test_every_kind_of_secret_key_is_generated)
{
    unsigned made = 0;

    setup();
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *row = mechanism_at(i);
        const struct key_kind *kind = key_kind_find(row->key_type);
        if (!mechanism_does(row, CKF_GENERATE) || row->family != FAMILY_SECRET || key_kind_is_otp(kind))
            continue;
        ck_rv(generate(row->type, kind->bytes_max, NULL, 0), CKR_OK);
        ck_assert_uint_eq(token_number(s, key, CKA_KEY_TYPE), row->key_type);
        ck_assert_uint_eq(token_number(s, key, CKA_VALUE_LEN), kind->bytes_max);
        ck_assert_uint_eq(token_number(s, key, CKA_KEY_GEN_MECHANISM), row->type);
        ck_assert_uint_eq(token_number(s, key, CKA_CLASS), CKO_SECRET_KEY);
        ck_assert(token_flag(s, key, CKA_LOCAL) && token_flag(s, key, CKA_SENSITIVE) && token_flag(s, key, CKA_ALWAYS_SENSITIVE));
        ck_assert(token_flag(s, key, CKA_ENCRYPT) == (kind->kind == KEY_KIND_CIPHER));
        ck_assert(token_flag(s, key, CKA_DECRYPT) == (kind->kind == KEY_KIND_CIPHER));
        ck_assert(token_flag(s, key, CKA_SIGN) == (row->key_type != CKK_CHACHA20 && row->key_type != CKK_AES_XTS &&
                                                   row->key_type != CKK_HKDF && row->key_type != CKK_DES));
        ck_assert(token_flag(s, key, CKA_VERIFY) == token_flag(s, key, CKA_SIGN) && !token_flag(s, key, CKA_WRAP));
        ck_assert(token_flag(s, key, CKA_DERIVE) == (row->key_type == CKK_HKDF));
        made++;
    }
    ck_assert_uint_ge(made, 15);
    token_stop();
}
END_TEST

START_TEST(test_generated_value_is_shown_where_it_may_be_and_is_never_the_same)
{
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_BYTE first[32] = {0}, second[32] = {0};
    CK_ATTRIBUTE open[] = {{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}, {CKA_TOKEN, &yes, 1}};
    CK_ATTRIBUTE value = {CKA_VALUE, first, sizeof first};

    setup();
    ck_ok(generate(CKM_AES_KEY_GEN, 32, open, 3));
    ck_ok(f->C_GetAttributeValue(s, key, &value, 1));
    ck_ok(generate(CKM_AES_KEY_GEN, 32, open, 3));
    value.pValue = second;
    ck_ok(f->C_GetAttributeValue(s, key, &value, 1));
    ck_assert_mem_ne(first, second, sizeof first);
    ck_ok(generate(CKM_AES_KEY_GEN, 32, NULL, 0));
    ck_rv(f->C_GetAttributeValue(s, key, &value, 1), CKR_ATTRIBUTE_SENSITIVE);
    token_stop();
}
END_TEST

START_TEST(test_length_is_asked_for_where_there_is_a_choice)
{
    setup();
    ck_rv(generate(CKM_AES_KEY_GEN, 0, NULL, 0), CKR_TEMPLATE_INCOMPLETE);
    ck_rv(generate(CKM_GENERIC_SECRET_KEY_GEN, 0, NULL, 0), CKR_TEMPLATE_INCOMPLETE);
    ck_rv(generate(CKM_CHACHA20_KEY_GEN, 0, NULL, 0), CKR_OK);
    ck_assert_uint_eq(token_number(s, key, CKA_VALUE_LEN), 32);
    ck_rv(generate(CKM_AES_KEY_GEN, 20, NULL, 0), CKR_ATTRIBUTE_VALUE_INVALID);
    ck_rv(generate(CKM_AES_KEY_GEN, 40, NULL, 0), CKR_ATTRIBUTE_VALUE_INVALID);
    ck_rv(generate(CKM_AES_XTS_KEY_GEN, 48, NULL, 0), CKR_ATTRIBUTE_VALUE_INVALID);
    ck_rv(generate(CKM_CHACHA20_KEY_GEN, 16, NULL, 0), CKR_ATTRIBUTE_VALUE_INVALID);
    ck_rv(generate(CKM_GENERIC_SECRET_KEY_GEN, 4097, NULL, 0), CKR_ATTRIBUTE_VALUE_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_key_that_only_verifies_holds_nothing_against_a_few_bytes)
{
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE verifies[] = {{CKA_VERIFY, &yes, 1}, {CKA_SIGN, &no, 1}}, signs[] = {{CKA_VERIFY, &yes, 1}, {CKA_SIGN, &yes, 1}};
    CK_BYTE data[] = "data", mac[8] = {0};
    CK_ULONG bytes = 7;
    CK_MECHANISM m = {CKM_SHA256_HMAC_GENERAL, &bytes, sizeof bytes};

    setup_under(POLICY_MODERN);
    ck_ok(generate(CKM_SHA256_KEY_GEN, 32, verifies, 2));
    ck_ok(f->C_VerifyInit(s, &m, key));
    ck_rv(f->C_Verify(s, data, sizeof data, mac, 7), CKR_MECHANISM_PARAM_INVALID);
    bytes = 8;
    ck_ok(f->C_VerifyInit(s, &m, key));
    ck_rv(f->C_Verify(s, data, sizeof data, mac, 8), CKR_SIGNATURE_INVALID);
    ck_ok(generate(CKM_SHA256_KEY_GEN, 32, signs, 2));
    bytes = 7;
    ck_ok(f->C_VerifyInit(s, &m, key));
    ck_rv(f->C_Verify(s, data, sizeof data, mac, 7), CKR_SIGNATURE_INVALID);
    token_stop();
}
END_TEST

/* A block of CBC-MAC, had byte by byte, would be the block encrypted. */
START_TEST(test_key_that_only_verifies_is_no_cipher_under_the_compatible_policy_either)
{
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE verifies[] = {{CKA_VERIFY, &yes, 1}, {CKA_SIGN, &no, 1}, {CKA_ENCRYPT, &no, 1}, {CKA_DECRYPT, &no, 1}};
    CK_BYTE block[16] = "a single block.", mac[8] = {0};
    CK_ULONG bytes = 7;
    CK_MECHANISM m = {CKM_AES_MAC_GENERAL, &bytes, sizeof bytes}, half = {CKM_AES_MAC, NULL, 0};

    setup();
    ck_ok(generate(CKM_AES_KEY_GEN, 32, verifies, 4));
    ck_rv(f->C_SignInit(s, &m, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    ck_ok(f->C_VerifyInit(s, &m, key));
    ck_rv(f->C_Verify(s, block, sizeof block, mac, 7), CKR_MECHANISM_PARAM_INVALID);
    bytes = 8;
    ck_ok(f->C_VerifyInit(s, &m, key));
    ck_rv(f->C_Verify(s, block, sizeof block, mac, 8), CKR_SIGNATURE_INVALID);
    ck_ok(f->C_VerifyInit(s, &half, key));
    ck_rv(f->C_Verify(s, block, sizeof block, mac, 8), CKR_SIGNATURE_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_generate_refuses_what_contradicts_it)
{
    CK_OBJECT_CLASS object_class = CKO_PRIVATE_KEY;
    CK_KEY_TYPE type = CKK_CHACHA20;
    CK_BYTE value[16] = "value", parameter = 1;
    CK_ATTRIBUTE wrong_class = {CKA_CLASS, &object_class, sizeof object_class}, wrong_type = {CKA_KEY_TYPE, &type, sizeof type};
    CK_ATTRIBUTE given = {CKA_VALUE, value, sizeof value};
    CK_MECHANISM m = {CKM_AES_KEY_GEN, &parameter, 1};
    CK_SESSION_HANDLE reader;
    CK_BBOOL yes = CK_TRUE;
    CK_ULONG bytes = 16;
    CK_ATTRIBUTE on_token[] = {{CKA_VALUE_LEN, &bytes, sizeof bytes}, {CKA_TOKEN, &yes, 1}};

    setup();
    ck_rv(generate(CKM_AES_KEY_GEN, 16, &wrong_class, 1), CKR_TEMPLATE_INCONSISTENT);
    ck_rv(generate(CKM_AES_KEY_GEN, 16, &wrong_type, 1), CKR_TEMPLATE_INCONSISTENT);
    ck_rv(generate(CKM_AES_KEY_GEN, 16, &given, 1), CKR_ATTRIBUTE_READ_ONLY);
    ck_rv(generate(CKM_RSA_PKCS_KEY_PAIR_GEN, 16, NULL, 0), CKR_MECHANISM_INVALID);
    ck_rv(generate(CKM_SHA256, 16, NULL, 0), CKR_MECHANISM_INVALID);
    ck_rv(f->C_GenerateKey(s, &m, on_token, 1, &key), CKR_MECHANISM_PARAM_INVALID);
    ck_rv(f->C_GenerateKey(s, NULL, on_token, 1, &key), CKR_ARGUMENTS_BAD);
    m = (CK_MECHANISM){CKM_AES_KEY_GEN, NULL, 0};
    ck_rv(f->C_GenerateKey(s, &m, on_token, 1, NULL), CKR_ARGUMENTS_BAD);
    reader = token_session_read();
    ck_rv(f->C_GenerateKey(reader, &m, on_token, 2, &key), CKR_SESSION_READ_ONLY);
    ck_ok(f->C_GenerateKey(reader, &m, on_token, 1, &key));
    ck_ok(f->C_Logout(s));
    ck_rv(f->C_GenerateKey(s, &m, on_token, 1, &key), CKR_USER_NOT_LOGGED_IN);
    token_stop();
}
END_TEST

START_TEST(test_imported_key_has_a_length_of_its_kind)
{
    static const CK_BYTE value[64] = "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789ABCDE";
    CK_BYTE halves[32];

    setup();
    memset(halves, 5, sizeof halves);
    ck_ok(import(CKK_AES, value, 16));
    ck_assert(!token_flag(s, key, CKA_LOCAL));
    ck_assert(!token_flag(s, key, CKA_ALWAYS_SENSITIVE));
    ck_assert_uint_eq(token_number(s, key, CKA_KEY_GEN_MECHANISM), CK_UNAVAILABLE_INFORMATION);
    ck_ok(import(CKK_AES, value, 24));
    ck_ok(import(CKK_SHA512_256_HMAC, value, 3));
    ck_ok(import(CKK_CHACHA20, value, 32));
    ck_ok(import(CKK_AES_XTS, value, 64));
    ck_rv(import(CKK_AES, value, 17), CKR_ATTRIBUTE_VALUE_INVALID);
    ck_rv(import(CKK_AES, value, 0), CKR_TEMPLATE_INCOMPLETE);
    ck_rv(import(CKK_CHACHA20, value, 16), CKR_ATTRIBUTE_VALUE_INVALID);
    ck_rv(import(CKK_AES_XTS, halves, 32), CKR_ATTRIBUTE_VALUE_INVALID);
    ck_rv(import(CKK_RSA, value, 32), CKR_ATTRIBUTE_VALUE_INVALID);
    ck_rv(import(CKK_RC4, value, 32), CKR_ATTRIBUTE_VALUE_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_triple_des_keys_have_odd_parity)
{
    CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_DES3;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_BYTE value[24] = "0123456789abcdefghijklm", shown[24];
    CK_ATTRIBUTE open[] = {{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}, {CKA_CLASS, &object_class, sizeof object_class},
                           {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, value, sizeof value}};
    CK_ATTRIBUTE value_of = {CKA_VALUE, shown, sizeof shown};

    setup();
    for (int round = 0; round < 2; round++) {
        if (round == 0)
            ck_ok(generate(CKM_DES3_KEY_GEN, 0, open, 2));
        else
            ck_ok(f->C_CreateObject(s, open, 5, &key));
        ck_ok(f->C_GetAttributeValue(s, key, &value_of, 1));
        for (size_t i = 0; i < sizeof shown; i++)
            ck_assert_int_eq(__builtin_popcount(shown[i]) % 2, 1);
    }
    for (size_t i = 0; i < sizeof shown; i++)
        ck_assert_uint_eq(shown[i] & 0xfe, value[i] & 0xfe);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_every_kind_of_secret_key_is_generated,
        &test_generated_value_is_shown_where_it_may_be_and_is_never_the_same,
        &test_length_is_asked_for_where_there_is_a_choice,
        &test_key_that_only_verifies_holds_nothing_against_a_few_bytes,
        &test_key_that_only_verifies_is_no_cipher_under_the_compatible_policy_either,
        &test_generate_refuses_what_contradicts_it,
        &test_imported_key_has_a_length_of_its_kind,
        &test_triple_des_keys_have_odd_parity,
        NULL,
    };

    return suite_of("module_secret", 60, tests);
}
