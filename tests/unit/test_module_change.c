/* C_CopyObject and C_SetAttributeValue as programs use them. */
#include <string.h>

#include "tests/unit/runner.h"
#include "tests/unit/token.h"

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static CK_RV set_text(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, const char *text)
{
    CK_ATTRIBUTE a = {type, (char *)(uintptr_t)text, strlen(text)};
    return f->C_SetAttributeValue(s, o, &a, 1);
}

static CK_RV set_bool(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, CK_BBOOL value)
{
    CK_ATTRIBUTE a = {type, &value, sizeof value};
    return f->C_SetAttributeValue(s, o, &a, 1);
}

static bool get_bool(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL value = 77;
    CK_ATTRIBUTE a = {type, &value, sizeof value};
    ck_ok(f->C_GetAttributeValue(s, o, &a, 1));
    return value == CK_TRUE;
}

static CK_OBJECT_HANDLE copy_to(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_BBOOL token)
{
    CK_ATTRIBUTE a = {CKA_TOKEN, &token, sizeof token};
    CK_OBJECT_HANDLE copy = 0;
    ck_ok(f->C_CopyObject(s, o, &a, 1, &copy));
    return copy;
}

static void ck_signs(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM m = {.mechanism = CKM_ECDSA};
    CK_BYTE digest[32] = {1}, signature[64];
    CK_ULONG n = sizeof signature;
    ck_ok(f->C_SignInit(s, &m, key));
    ck_ok(f->C_Sign(s, digest, sizeof digest, signature, &n));
}

/* NSS caches a private key so, and copies the copy with an empty template. */
START_TEST(test_session_copy_of_a_token_key_and_its_copy_sign)
{
    CK_SESSION_HANDLE s;
    CK_OBJECT_HANDLE key, copy, again;
    token_start_with_users();
    s = token_alice();
    key = token_ec(s, true, "nss").private_key;
    copy = copy_to(s, key, CK_FALSE);
    ck_ok(f->C_CopyObject(s, copy, NULL, 0, &again));
    ck_assert(copy != key && again != copy && !get_bool(s, again, CKA_TOKEN));
    ck_signs(s, copy);
    ck_signs(s, again);
    ck_ok(f->C_DestroyObject(s, key));
    {
        CK_MECHANISM m = {.mechanism = CKM_ECDSA};
        CK_BYTE digest[32] = {1}, signature[64];
        CK_ULONG n = sizeof signature;
        ck_ok(f->C_SignInit(s, &m, again));
        ck_rv(f->C_Sign(s, digest, sizeof digest, signature, &n), CKR_KEY_HANDLE_INVALID);
    }
    token_stop();
}
END_TEST

/* keytool makes a pair for the session, then copies the private key into the token and gives it the certificate's id. */
START_TEST(test_session_key_becomes_a_token_key_with_another_id)
{
    CK_SESSION_HANDLE s;
    CK_OBJECT_HANDLE key;
    token_start_with_users();
    s = token_alice();
    key = copy_to(s, token_ec(s, false, "keytool").private_key, CK_TRUE);
    ck_assert(get_bool(s, key, CKA_TOKEN));
    ck_ok(set_text(s, key, CKA_ID, "alias"));
    ck_ok(set_text(s, key, CKA_LABEL, "the alias"));
    ck_assert_uint_eq(token_count(s, "the alias"), 1);
    ck_assert_uint_eq(token_count(s, "keytool"), 2); /* the session's pair */
    ck_signs(s, key);
    token_stop();
}
END_TEST

START_TEST(test_public_objects_are_changed_and_copied_without_a_login)
{
    CK_OBJECT_CLASS data = CKO_DATA;
    char one[] = "one";
    CK_ATTRIBUTE a[] = {{CKA_CLASS, &data, sizeof data}, {CKA_PRIVATE, &no, 1}, {CKA_LABEL, one, 3}, {CKA_VALUE, one, 1}};
    CK_ATTRIBUTE token = {CKA_TOKEN, &yes, 1};
    CK_SESSION_HANDLE s;
    CK_OBJECT_HANDLE o, copy;
    token_start_with_users();
    s = token_session();
    ck_ok(f->C_CreateObject(s, a, 4, &o));
    ck_ok(set_text(s, o, CKA_LABEL, "two"));
    ck_ok(set_text(s, o, CKA_VALUE, "w"));
    ck_rv(set_text(s, o, CKA_ID, "w"), CKR_ATTRIBUTE_TYPE_INVALID);
    ck_assert_uint_eq(token_count(s, "two"), 1);
    ck_ok(f->C_CopyObject(s, o, NULL, 0, &copy));
    ck_assert_uint_eq(token_count(s, "two"), 2);
    ck_rv(f->C_CopyObject(s, o, &token, 1, &copy), CKR_USER_NOT_LOGGED_IN);
    ck_ok(token_login(s, CKU_USER, ALICE));
    ck_rv(f->C_CopyObject(token_session_read(), o, &token, 1, &copy), CKR_SESSION_READ_ONLY);
    ck_ok(f->C_CopyObject(s, o, &token, 1, &copy));
    ck_assert(get_bool(s, copy, CKA_TOKEN) && !get_bool(s, copy, CKA_PRIVATE));
    ck_ok(set_bool(s, o, CKA_COPYABLE, CK_FALSE));
    ck_rv(f->C_CopyObject(s, o, NULL, 0, &copy), CKR_ACTION_PROHIBITED);
    ck_rv(set_bool(s, o, CKA_COPYABLE, CK_TRUE), CKR_ATTRIBUTE_READ_ONLY);
    token_stop();
}
END_TEST

static void ck_text(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, const char *wanted)
{
    char got[32];
    CK_ATTRIBUTE a = {type, got, sizeof got};
    ck_ok(f->C_GetAttributeValue(s, o, &a, 1));
    ck_assert_msg(a.ulValueLen == strlen(wanted) && memcmp(got, wanted, a.ulValueLen) == 0, "%.*s", (int)a.ulValueLen, got);
}

/* All that is in a data object may be changed (PKCS #11 3.1 section 4.5), and nothing of a key or certificate is its value. */
START_TEST(test_data_objects_get_another_value)
{
    static const CK_ATTRIBUTE_TYPE all[] = {CKA_VALUE, CKA_APPLICATION, CKA_OBJECT_ID, CKA_LABEL};
    CK_OBJECT_CLASS data = CKO_DATA;
    static char v[] = "v", more[] = "a longer value";
    CK_ATTRIBUTE longer = {CKA_VALUE, more, 14};
    for (unsigned i = 0; i < 4; i++) {
        CK_BBOOL token = i & 1, private = (i & 2) != 0;
        CK_ATTRIBUTE a[] = {{CKA_CLASS, &data, sizeof data}, {CKA_TOKEN, &token, 1}, {CKA_PRIVATE, &private, 1}, {CKA_VALUE, v, 1}};
        CK_SESSION_HANDLE s;
        CK_OBJECT_HANDLE o, copy;
        token_start_with_users();
        s = token_alice();
        ck_ok(f->C_CreateObject(s, a, 4, &o));
        for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
            ck_ok(set_text(s, o, all[k], "changed"));
            ck_text(s, o, all[k], "changed");
            ck_ok(set_text(s, o, all[k], ""));
            ck_text(s, o, all[k], "");
        }
        ck_ok(f->C_CopyObject(s, o, &longer, 1, &copy));
        ck_text(s, copy, CKA_VALUE, "a longer value");
        ck_text(s, o, CKA_VALUE, "");
        if (token)
            ck_rv(set_text(token_session_read(), o, CKA_VALUE, "x"), CKR_SESSION_READ_ONLY);
        a[3] = (CK_ATTRIBUTE){CKA_MODIFIABLE, &no, 1};
        ck_ok(f->C_CreateObject(s, a, 4, &o));
        ck_rv(set_text(s, o, CKA_VALUE, "x"), CKR_ACTION_PROHIBITED);
        ck_rv(set_text(s, token_secret_key(s, CKK_AES, 16), CKA_VALUE, "0123456789abcdef"), CKR_ATTRIBUTE_READ_ONLY);
        token_stop();
    }
}
END_TEST

START_TEST(test_public_token_key_is_copied_into_a_session)
{
    CK_SESSION_HANDLE s;
    CK_OBJECT_HANDLE key, copy;
    token_start_with_users();
    s = token_alice();
    key = token_ec(s, true, "public").public_key;
    ck_ok(f->C_Logout(s));
    copy = copy_to(s, key, CK_FALSE);
    ck_assert(!get_bool(s, copy, CKA_TOKEN) && get_bool(s, copy, CKA_VERIFY));
    token_stop();
}
END_TEST

START_TEST(test_what_the_standard_forbids_is_refused_by_its_code)
{
    CK_SESSION_HANDLE s, reader;
    CK_OBJECT_HANDLE key, copy;
    CK_ATTRIBUTE open = {CKA_SENSITIVE, &no, 1}, shown = {CKA_PRIVATE, &no, 1};
    token_start_with_users();
    s = token_alice();
    reader = token_session_read();
    key = token_ec(s, true, "guarded").private_key;
    ck_rv(f->C_SetAttributeValue(s, key, NULL, 1), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_CopyObject(s, key, NULL, 0, NULL), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_CopyObject(s, key, &open, 1, &copy), CKR_ATTRIBUTE_READ_ONLY);
    ck_rv(f->C_CopyObject(s, key, &shown, 1, &copy), CKR_ATTRIBUTE_READ_ONLY);
    ck_rv(f->C_CopyObject(s, 12345, NULL, 0, &copy), CKR_OBJECT_HANDLE_INVALID);
    ck_rv(set_bool(s, key, CKA_EXTRACTABLE, CK_TRUE), CKR_ATTRIBUTE_READ_ONLY);
    ck_rv(set_bool(s, key, CKA_LOCAL, CK_TRUE), CKR_ATTRIBUTE_READ_ONLY);
    ck_rv(set_text(s, key, CKA_MODULUS, "x"), CKR_ATTRIBUTE_TYPE_INVALID);
    ck_rv(set_text(s, key, CKA_VENDOR_DEFINED, "x"), CKR_ATTRIBUTE_TYPE_INVALID);
    ck_rv(set_text(reader, key, CKA_LABEL, "x"), CKR_SESSION_READ_ONLY);
    ck_rv(set_text(s, 12345, CKA_LABEL, "x"), CKR_OBJECT_HANDLE_INVALID);
    ck_ok(set_text(reader, copy_to(reader, key, CK_FALSE), CKA_LABEL, "session objects may be changed there"));
    ck_ok(set_bool(s, key, CKA_DESTROYABLE, CK_FALSE));
    ck_rv(f->C_DestroyObject(s, key), CKR_ACTION_PROHIBITED);
    ck_ok(set_bool(s, key, CKA_DESTROYABLE, CK_TRUE));
    ck_ok(f->C_Logout(s));
    ck_rv(set_text(s, key, CKA_LABEL, "x"), CKR_USER_NOT_LOGGED_IN);
    token_stop();
}
END_TEST

START_TEST(test_an_admin_trusts_a_key_by_its_handle)
{
    CK_SESSION_HANDLE s;
    CK_OBJECT_HANDLE key;
    token_start_with_users();
    s = token_alice();
    key = token_wrapping_key(s);
    ck_rv(set_bool(s, key, CKA_TRUSTED, CK_TRUE), CKR_ATTRIBUTE_READ_ONLY);
    ck_ok(f->C_Logout(s));
    ck_ok(token_login(s, CKU_SO, ADMIN));
    ck_ok(set_bool(s, key, CKA_TRUSTED, CK_TRUE));
    ck_ok(f->C_Logout(s));
    ck_ok(token_login(s, CKU_USER, ALICE));
    ck_assert(get_bool(s, key, CKA_TRUSTED));
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_session_copy_of_a_token_key_and_its_copy_sign,
        &test_session_key_becomes_a_token_key_with_another_id,
        &test_public_objects_are_changed_and_copied_without_a_login,
        &test_data_objects_get_another_value,
        &test_public_token_key_is_copied_into_a_session,
        &test_what_the_standard_forbids_is_refused_by_its_code,
        &test_an_admin_trusts_a_key_by_its_handle,
        NULL,
    };

    return suite_of("module_change", 60, tests);
}
