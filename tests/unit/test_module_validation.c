/* Validation objects as programs see them: found without a login, read, and left as they are. */
#include <string.h>

#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { ROOM = 64 };

static CK_OBJECT_CLASS validation = CKO_VALIDATION;
static CK_ATTRIBUTE by_class = {CKA_CLASS, &validation, sizeof validation};
static CK_ULONG type = CKV_TYPE_SOFTWARE, level = 2, authority = CKV_AUTHORITY_TYPE_NIST_CMVP, flag = 0x10;
static CK_VERSION edition = {3, 0};
static char module_id[] = "A module", country[] = "US", certificate[] = "4985", certificate_uri[] = "https://csrc.example/4985",
            vendor_uri[] = "https://vendor.example", profile[] = "a profile", label[] = "ours";
static CK_BBOOL yes = CK_TRUE;

static CK_ATTRIBUTE whole[] = {
    {CKA_CLASS, &validation, sizeof validation},
    {CKA_TOKEN, &yes, sizeof yes},
    {CKA_LABEL, label, sizeof label - 1},
    {CKA_VALIDATION_TYPE, &type, sizeof type},
    {CKA_VALIDATION_VERSION, &edition, sizeof edition},
    {CKA_VALIDATION_LEVEL, &level, sizeof level},
    {CKA_VALIDATION_MODULE_ID, module_id, sizeof module_id - 1},
    {CKA_VALIDATION_FLAG, &flag, sizeof flag},
    {CKA_VALIDATION_AUTHORITY_TYPE, &authority, sizeof authority},
    {CKA_VALIDATION_COUNTRY, country, sizeof country - 1},
    {CKA_VALIDATION_CERTIFICATE_IDENTIFIER, certificate, sizeof certificate - 1},
    {CKA_VALIDATION_CERTIFICATE_URI, certificate_uri, sizeof certificate_uri - 1},
    {CKA_VALIDATION_VENDOR_URI, vendor_uri, sizeof vendor_uri - 1},
    {CKA_VALIDATION_PROFILE, profile, sizeof profile - 1},
};

enum { WHOLE = sizeof whole / sizeof whole[0] };

/* By an admin, who logs out again. */
static CK_OBJECT_HANDLE state(CK_SESSION_HANDLE s)
{
    CK_OBJECT_HANDLE o = 0;

    ck_ok(token_login(s, CKU_SO, ADMIN));
    ck_ok(f->C_CreateObject(s, whole, WHOLE, &o));
    ck_ok(f->C_Logout(s));
    return o;
}

static CK_ULONG find(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE *out)
{
    CK_OBJECT_HANDLE found[4];
    CK_ULONG n = 0;

    ck_ok(f->C_FindObjectsInit(s, &by_class, 1));
    ck_ok(f->C_FindObjects(s, found, 4, &n));
    ck_ok(f->C_FindObjectsFinal(s));
    *out = n > 0 ? found[0] : CK_INVALID_HANDLE;
    return n;
}

static void read_all(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o)
{
    for (size_t i = 0; i < WHOLE; i++) {
        uint8_t got[ROOM];
        CK_ATTRIBUTE asked = {whole[i].type, NULL, 0};
        ck_ok(f->C_GetAttributeValue(s, o, &asked, 1));
        ck_assert_uint_eq(asked.ulValueLen, whole[i].ulValueLen);
        asked.pValue = got;
        ck_ok(f->C_GetAttributeValue(s, o, &asked, 1));
        ck_assert_msg(memcmp(got, whole[i].pValue, asked.ulValueLen) == 0, "0x%lx", whole[i].type);
    }
}

START_TEST(test_it_is_found_and_read_by_nobody_by_a_user_and_by_an_admin)
{
    static const CK_ATTRIBUTE_TYPE hers[] = {CKA_VALIDATION_MODULE_ID, CKA_LABEL, CKA_VALIDATION_VERSION};
    CK_OBJECT_HANDLE made, found;
    CK_SESSION_HANDLE s;

    token_start_with_users();
    s = token_session();
    ck_assert_uint_eq(find(s, &found), 0);
    made = state(s);
    for (int who = 0; who < 3; who++) {
        if (who > 0)
            ck_ok(token_login(s, who == 1 ? CKU_USER : CKU_SO, who == 1 ? ALICE : ADMIN));
        ck_assert_uint_eq(find(s, &found), 1);
        ck_assert_uint_eq(found, made);
        read_all(s, found);
        ck_assert(token_flag(s, found, CKA_TOKEN) && token_flag(s, found, CKA_DESTROYABLE));
        ck_assert(!token_flag(s, found, CKA_PRIVATE) && !token_flag(s, found, CKA_MODIFIABLE) && !token_flag(s, found, CKA_COPYABLE));
        for (size_t i = 0; i < sizeof hers / sizeof hers[0]; i++) /* by any of its attributes */
            for (size_t k = 0; k < WHOLE; k++)
                if (whole[k].type == hers[i]) {
                    CK_OBJECT_HANDLE again = 0;
                    CK_ULONG n = 0;
                    ck_ok(f->C_FindObjectsInit(s, &whole[k], 1));
                    ck_ok(f->C_FindObjects(s, &again, 1, &n));
                    ck_ok(f->C_FindObjectsFinal(s));
                    ck_assert(n == 1 && again == made);
                }
        if (who > 0)
            ck_ok(f->C_Logout(s));
    }
    token_stop();
}
END_TEST

START_TEST(test_programs_cannot_make_change_copy_or_remove_it)
{
    CK_ATTRIBUTE change = {CKA_VALIDATION_LEVEL, &level, sizeof level}, rename = {CKA_LABEL, label, 1};
    CK_OBJECT_HANDLE o, other;
    CK_SESSION_HANDLE s;

    token_start_with_users();
    s = token_session();
    o = state(s);
    ck_rv(f->C_CreateObject(s, whole, WHOLE, &other), CKR_USER_NOT_LOGGED_IN);
    ck_rv(f->C_SetAttributeValue(s, o, &change, 1), CKR_USER_NOT_LOGGED_IN);
    ck_rv(f->C_CopyObject(s, o, NULL, 0, &other), CKR_ACTION_PROHIBITED);
    ck_rv(f->C_DestroyObject(s, o), CKR_USER_NOT_LOGGED_IN);
    ck_ok(token_login(s, CKU_USER, ALICE));
    ck_rv(f->C_CreateObject(s, whole, WHOLE, &other), CKR_ATTRIBUTE_READ_ONLY);
    ck_rv(f->C_SetAttributeValue(s, o, &change, 1), CKR_ACTION_PROHIBITED);
    ck_rv(f->C_SetAttributeValue(s, o, &rename, 1), CKR_ACTION_PROHIBITED);
    ck_rv(f->C_CopyObject(s, o, NULL, 0, &other), CKR_ACTION_PROHIBITED);
    ck_rv(f->C_DestroyObject(s, o), CKR_ACTION_PROHIBITED);
    ck_ok(f->C_Logout(s));
    ck_ok(token_login(s, CKU_SO, ADMIN));
    ck_rv(f->C_SetAttributeValue(s, o, &change, 1), CKR_ACTION_PROHIBITED);
    ck_rv(f->C_CopyObject(s, o, NULL, 0, &other), CKR_ACTION_PROHIBITED);
    ck_assert_uint_eq(find(s, &other), 1);
    ck_ok(f->C_DestroyObject(s, o));
    ck_assert_uint_eq(find(s, &other), 0);
    ck_rv(f->C_DestroyObject(s, o), CKR_OBJECT_HANDLE_INVALID);
    token_stop();
}
END_TEST

START_TEST(test_an_admin_makes_no_other_objects)
{
    CK_OBJECT_CLASS data = CKO_DATA;
    CK_ATTRIBUTE of_data[] = {{CKA_CLASS, &data, sizeof data}, {CKA_TOKEN, &yes, sizeof yes}};
    CK_OBJECT_HANDLE o;
    CK_SESSION_HANDLE s;
    struct token_pair pair;

    token_start_with_users();
    s = token_alice();
    pair = token_ec(s, true, "hers");
    ck_ok(f->C_Logout(s));
    ck_ok(token_login(s, CKU_SO, ADMIN));
    ck_rv(f->C_CreateObject(s, of_data, 2, &o), CKR_USER_NOT_LOGGED_IN);
    ck_rv(f->C_DestroyObject(s, pair.private_key), CKR_OBJECT_HANDLE_INVALID);
    token_stop();
}
END_TEST

/* Nobody here can know which calls ran inside of what was validated. */
START_TEST(test_no_session_claims_that_a_call_was_a_validated_one)
{
    CK_SESSION_HANDLE s;
    CK_FLAGS flags = ~0UL;

    token_start_with_users();
    s = token_session();
    state(s);
    ck_ok(token_login(s, CKU_USER, ALICE));
    token_ec(s, false, "x");
    ck_ok(f3->C_GetSessionValidationFlags(s, CKS_LAST_VALIDATION_OK, &flags));
    ck_assert_uint_eq(flags, 0);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_it_is_found_and_read_by_nobody_by_a_user_and_by_an_admin,
        &test_programs_cannot_make_change_copy_or_remove_it,
        &test_an_admin_makes_no_other_objects,
        &test_no_session_claims_that_a_call_was_a_validated_one,
        NULL,
    };

    return suite_of("module_validation", 60, tests);
}
