/* Attributes that are lists, check values, and the token's own objects, as programs see them. */
#include <string.h>

#include "tests/unit/runner.h"
#include "tests/unit/token.h"

static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_KEY_TYPE aes = CKK_AES, generic = CKK_GENERIC_SECRET;
static CK_BYTE value[16] = "0123456789abcde";
static CK_BBOOL no = CK_FALSE;

static CK_RV create(CK_SESSION_HANDLE s, CK_KEY_TYPE *type, CK_ULONG bytes, const CK_ATTRIBUTE *more, CK_OBJECT_HANDLE *out)
{
    CK_ATTRIBUTE a[4] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, type, sizeof *type}, {CKA_VALUE, value, bytes}};
    CK_ULONG n = 3;
    if (more != NULL)
        a[n++] = *more;
    return f->C_CreateObject(s, a, n, out);
}

START_TEST(test_key_does_what_its_list_of_mechanisms_has_and_no_more)
{
    CK_MECHANISM_TYPE list[] = {CKM_SHA256_HMAC, CKM_SHA512_HMAC}, got[4];
    CK_ATTRIBUTE given = {CKA_ALLOWED_MECHANISMS, list, sizeof list}, asked = {CKA_ALLOWED_MECHANISMS, got, sizeof got};
    CK_MECHANISM allowed = {.mechanism = CKM_SHA256_HMAC}, other = {.mechanism = CKM_SHA384_HMAC};
    CK_SESSION_HANDLE s;
    CK_OBJECT_HANDLE key;
    token_start_with_users();
    s = token_alice();
    ck_ok(create(s, &generic, 16, &given, &key));
    ck_ok(f->C_GetAttributeValue(s, key, &asked, 1));
    ck_assert(asked.ulValueLen == sizeof list && memcmp(got, list, sizeof list) == 0);
    ck_ok(f->C_SignInit(s, &allowed, key));
    ck_ok(f->C_SignInit(s, NULL, 0));
    ck_rv(f->C_SignInit(s, &other, key), CKR_MECHANISM_INVALID);
    given.ulValueLen = 0;
    ck_ok(create(s, &generic, 16, &given, &key));
    ck_rv(f->C_GetAttributeValue(s, key, &asked, 1), CKR_ATTRIBUTE_TYPE_INVALID); /* never an empty list */
    ck_ok(f->C_SignInit(s, &other, key));
    token_stop();
}
END_TEST

START_TEST(test_template_in_a_template_is_given_back_as_it_was)
{
    char label[] = "wrapped keys are called so", out[64];
    CK_ATTRIBUTE inner[] = {
        {CKA_EXTRACTABLE, &no, 1}, {CKA_LABEL, label, sizeof label - 1}, {CKA_CLASS, &secret_class, sizeof secret_class}};
    CK_ATTRIBUTE given = {CKA_UNWRAP_TEMPLATE, inner, sizeof inner}, got[3] = {{0, NULL, 0}}, asked = {CKA_UNWRAP_TEMPLATE, NULL, 0};
    CK_ATTRIBUTE nested = {CKA_WRAP_TEMPLATE, &given, sizeof given};
    CK_OBJECT_CLASS of = 0;
    CK_BBOOL truth = 7;
    CK_SESSION_HANDLE s;
    CK_OBJECT_HANDLE key;
    token_start_with_users();
    s = token_alice();
    ck_ok(create(s, &aes, 16, &given, &key));
    ck_ok(f->C_GetAttributeValue(s, key, &asked, 1));
    ck_assert_uint_eq(asked.ulValueLen, sizeof inner);
    asked.pValue = got;
    ck_ok(f->C_GetAttributeValue(s, key, &asked, 1));
    ck_assert(got[0].type == CKA_EXTRACTABLE && got[0].ulValueLen == 1 && got[1].ulValueLen == sizeof label - 1);
    got[0].pValue = &truth;
    got[1].pValue = out;
    got[1].ulValueLen = sizeof out;
    got[2].pValue = &of;
    ck_ok(f->C_GetAttributeValue(s, key, &asked, 1));
    ck_assert(truth == CK_FALSE && memcmp(out, label, sizeof label - 1) == 0 && of == CKO_SECRET_KEY);
    ck_rv(create(s, &aes, 16, &nested, &key), CKR_ATTRIBUTE_VALUE_INVALID); /* a list in a list */
    token_stop();
}
END_TEST

/* PKCS#11 v3.1 section 5.7.5. */
START_TEST(test_entry_of_a_template_that_is_too_small_is_marked_and_the_others_are_given)
{
    char label[] = "wrapped keys are called so", out[64];
    CK_ATTRIBUTE inner[] = {
        {CKA_EXTRACTABLE, &no, 1}, {CKA_LABEL, label, sizeof label - 1}, {CKA_CLASS, &secret_class, sizeof secret_class}};
    static const CK_ATTRIBUTE_TYPE kinds[] = {CKA_WRAP_TEMPLATE, CKA_UNWRAP_TEMPLATE, CKA_DERIVE_TEMPLATE};
    CK_BBOOL truth;
    CK_SESSION_HANDLE s;
    CK_OBJECT_HANDLE key;
    token_start_with_users();
    s = token_alice();
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        CK_ATTRIBUTE got[3] = {{0, &truth, 1}, {0, out, 5}, {0, NULL, 0}};
        CK_ATTRIBUTE given = {kinds[i], inner, sizeof inner}, asked[] = {{kinds[i], got, sizeof got}};
        truth = 7;
        memset(out, '-', sizeof out);
        ck_ok(create(s, &aes, 16, &given, &key));
        ck_rv(f->C_GetAttributeValue(s, key, asked, 1), CKR_BUFFER_TOO_SMALL);
        ck_assert_uint_eq(got[1].ulValueLen, CK_UNAVAILABLE_INFORMATION);
        ck_assert(got[1].type == CKA_LABEL && memcmp(out, "-----", 5) == 0);
        ck_assert(truth == CK_FALSE && got[0].ulValueLen == 1 && got[2].ulValueLen == sizeof secret_class);
        got[1].ulValueLen = sizeof out;
        ck_ok(f->C_GetAttributeValue(s, key, asked, 1));
        ck_assert(got[1].ulValueLen == sizeof label - 1 && memcmp(out, label, sizeof label - 1) == 0);
        asked[0].ulValueLen = 2 * sizeof got[0]; /* the list itself */
        ck_rv(f->C_GetAttributeValue(s, key, asked, 1), CKR_BUFFER_TOO_SMALL);
        ck_assert_uint_eq(asked[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    }
    token_stop();
}
END_TEST

START_TEST(test_check_value_tells_keys_apart)
{
    /* Of 30313233343536373839616263646500: AES-128 of a block of zeros, and SHA-1. */
    static const CK_BYTE of_aes[] = {0xb7, 0xa0, 0x85}, of_sha[] = {0x65, 0x60, 0x21};
    CK_BYTE got[2][3] = {{0}};
    CK_ATTRIBUTE asked = {CKA_CHECK_VALUE, got[0], 3}, wrong = {CKA_CHECK_VALUE, value, 3};
    CK_SESSION_HANDLE s;
    CK_OBJECT_HANDLE key;
    token_start_with_users();
    s = token_alice();
    ck_ok(create(s, &aes, 16, NULL, &key));
    ck_ok(f->C_GetAttributeValue(s, key, &asked, 1));
    ck_ok(create(s, &generic, 16, NULL, &key));
    asked.pValue = got[1];
    ck_ok(f->C_GetAttributeValue(s, key, &asked, 1));
    ck_assert_msg(memcmp(got[0], of_aes, 3) == 0 && memcmp(got[1], of_sha, 3) == 0, "%02x%02x%02x %02x%02x%02x", got[0][0], got[0][1],
                  got[0][2], got[1][0], got[1][1], got[1][2]);
    ck_rv(create(s, &aes, 16, &wrong, &key), CKR_TEMPLATE_INCONSISTENT);
    ck_ok(create(s, &generic, 8, NULL, &key));
    ck_rv(f->C_GetAttributeValue(s, key, &asked, 1), CKR_ATTRIBUTE_TYPE_INVALID); /* it would help to guess */
    token_stop();
}
END_TEST

START_TEST(test_profiles_are_found_without_a_login_and_cannot_be_changed)
{
    CK_OBJECT_CLASS profile = CKO_PROFILE, validation = 10, got_class = 0;
    CK_ULONG id = 0, n = 0;
    CK_ATTRIBUTE by_class = {CKA_CLASS, &profile, sizeof profile}, no_such = {CKA_CLASS, &validation, sizeof validation};
    CK_ATTRIBUTE asked[] = {{CKA_PROFILE_ID, &id, sizeof id}, {CKA_CLASS, &got_class, sizeof got_class}};
    CK_ATTRIBUTE token = {CKA_TOKEN, &no, 1};
    CK_OBJECT_HANDLE found[4], other;
    CK_SESSION_HANDLE s;
    token_start_with_users();
    s = token_session();
    ck_ok(f->C_FindObjectsInit(s, &by_class, 1));
    ck_ok(f->C_FindObjects(s, found, 4, &n));
    ck_ok(f->C_FindObjectsFinal(s));
    ck_assert_uint_eq(n, 3);
    for (CK_ULONG i = 0; i < n; i++) {
        ck_ok(f->C_GetAttributeValue(s, found[i], asked, 2));
        ck_assert(got_class == CKO_PROFILE && id == i + 1);
        ck_rv(f->C_DestroyObject(s, found[i]), CKR_ACTION_PROHIBITED);
        ck_rv(f->C_SetAttributeValue(s, found[i], &token, 1), CKR_ACTION_PROHIBITED);
        ck_rv(f->C_CopyObject(s, found[i], &token, 1, &other), CKR_ACTION_PROHIBITED);
    }
    ck_rv(f->C_CreateObject(s, &by_class, 1, &other), CKR_USER_NOT_LOGGED_IN);
    ck_ok(token_login(s, CKU_USER, ALICE));
    ck_rv(f->C_CreateObject(s, &by_class, 1, &other), CKR_ATTRIBUTE_VALUE_INVALID);
    ck_ok(f->C_FindObjectsInit(s, &no_such, 1));
    ck_ok(f->C_FindObjects(s, found, 4, &n));
    ck_assert_uint_eq(n, 0);
    token_stop();
}
END_TEST

static bool truth(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL is = 77;
    CK_ATTRIBUTE a = {type, &is, 1};
    ck_ok(f->C_GetAttributeValue(s, o, &a, 1));
    return is == CK_TRUE;
}

START_TEST(test_pairs_of_which_no_use_is_named_are_for_what_they_can)
{
    static CK_BYTE x25519[] = {0x06, 0x03, 0x2b, 0x65, 0x6e}, ed25519[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    static const struct {
        CK_MECHANISM_TYPE type;
        CK_BYTE *curve;
        CK_ULONG n;
        bool signs;
    } pairs[] = {{CKM_EC_MONTGOMERY_KEY_PAIR_GEN, x25519, sizeof x25519, false},
                 {CKM_EC_EDWARDS_KEY_PAIR_GEN, ed25519, sizeof ed25519, true},
                 {CKM_EC_KEY_PAIR_GEN, p256, sizeof p256, true}};
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE derive = {CKA_DERIVE, &yes, 1};
    CK_OBJECT_HANDLE public_key, private_key;
    CK_SESSION_HANDLE s;
    token_start_with_users();
    s = token_alice();
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        CK_MECHANISM m = {.mechanism = pairs[i].type};
        CK_ATTRIBUTE params = {CKA_EC_PARAMS, pairs[i].curve, pairs[i].n};
        ck_ok(f->C_GenerateKeyPair(s, &m, &params, 1, NULL, 0, &public_key, &private_key));
        ck_assert(truth(s, private_key, CKA_SIGN) == pairs[i].signs && truth(s, public_key, CKA_VERIFY) == pairs[i].signs);
        ck_assert(truth(s, private_key, CKA_DERIVE) == !pairs[i].signs && !truth(s, public_key, CKA_DERIVE));
        ck_assert(!truth(s, private_key, CKA_DECRYPT) && !truth(s, private_key, CKA_UNWRAP));
        ck_ok(f->C_GenerateKeyPair(s, &m, &params, 1, &derive, 1, &public_key, &private_key));
        ck_assert(!truth(s, private_key, CKA_SIGN) && truth(s, private_key, CKA_DERIVE));
    }
    token_stop();
}
END_TEST

START_TEST(test_dates_are_days_that_there_are)
{
    static const struct {
        const char *date;
        bool good;
    } dates[] = {{"20260131", true},  {"20240229", true},  {"", true},       {"20261301", false},
                 {"20260431", false}, {"20260100", false}, {"2026011", false}};
    CK_SESSION_HANDLE s;
    CK_OBJECT_HANDLE key;
    token_start_with_users();
    s = token_alice();
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        CK_ATTRIBUTE a = {CKA_END_DATE, (char *)(uintptr_t)dates[i].date, strlen(dates[i].date)};
        ck_assert_msg((create(s, &generic, 16, &a, &key) == CKR_OK) == dates[i].good, "%s", dates[i].date);
    }
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_key_does_what_its_list_of_mechanisms_has_and_no_more,
        &test_template_in_a_template_is_given_back_as_it_was,
        &test_entry_of_a_template_that_is_too_small_is_marked_and_the_others_are_given,
        &test_check_value_tells_keys_apart,
        &test_profiles_are_found_without_a_login_and_cannot_be_changed,
        &test_pairs_of_which_no_use_is_named_are_for_what_they_can,
        &test_dates_are_days_that_there_are,
        NULL,
    };

    return suite_of("module_attributes", 60, tests);
}
