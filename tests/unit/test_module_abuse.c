/* What no program should do: every function without its arguments, with handles that were never given out, with templates of nothing and of
 * ten thousand entries. Nothing may crash, hang, or leave an operation behind. */
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { MANY = 10000 };

/* All arguments are words here; those that a function does not have it does not see. */
typedef CK_RV any_function(CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG);

static const struct {
    const char *name;
    any_function *call;
} functions[] = {
#define FUNCTION(version, name, needs, who, session) {"C_" #name, (any_function *)(void (*)(void))C_##name},
#include "module/entry/function.def"
#undef FUNCTION
};
enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

static bool is(size_t i, const char *name)
{
    return strcmp(functions[i].name, name) == 0;
}

/* Those for which nothing at all is a right call: the ends of a program, and cancelling what is begun. */
static bool may_succeed(size_t i)
{
    static const char *const names[] = {"C_Initialize", "C_Finalize", "C_CloseAllSessions", "C_SessionCancel", "C_SignInit", "C_VerifyInit",
                                        "C_EncryptInit", "C_DecryptInit", "C_MessageEncryptInit", "C_MessageDecryptInit",
                                        "C_SignRecoverInit", "C_VerifyRecoverInit",
                                        "C_DigestInit", "C_FindObjectsInit", "C_SeedRandom", "C_GenerateRandom", "C_CloseSession",
                                        "C_Logout", "C_VerifySignatureInit", "C_MessageSignInit", "C_MessageVerifyInit",
                                        "C_SignRecoverInit", "C_VerifyRecoverInit"};

    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
        if (is(i, names[k]))
            return true;
    return false;
}

/* Does this one end what the others need? */
static bool ends(size_t i)
{
    return is(i, "C_Initialize") || is(i, "C_Finalize") || is(i, "C_CloseAllSessions") || is(i, "C_CloseSession") || is(i, "C_Logout");
}

static CK_RV call(size_t i, CK_ULONG first)
{
    return functions[i].call(first, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}

START_TEST(test_every_function_survives_nothing)
{
    CK_SESSION_HANDLE s;
    CK_SESSION_INFO info;

    token_start(NULL);
    s = token_session();
    for (size_t i = 0; i < FUNCTIONS; i++)
        if (!ends(i) && !is(i, "C_WaitForSlotEvent")) /* that one waits, as it should */
            ck_assert_msg(call(i, 0) != CKR_OK || may_succeed(i), "%s of nothing succeeds", functions[i].name);
    for (size_t i = 0; i < FUNCTIONS; i++) {
        CK_RV rv;
        if (ends(i) || is(i, "C_GetFunctionList") || is(i, "C_GetInterfaceList") || is(i, "C_GetInterface") || is(i, "C_GetInfo") ||
            is(i, "C_GetSlotList") || is(i, "C_WaitForSlotEvent"))
            continue; /* their first argument is a pointer, or no session */
        rv = call(i, s);
        ck_assert_msg(rv != CKR_OK || may_succeed(i), "%s in a session succeeds", functions[i].name);
    }
    ck_ok(f->C_GetSessionInfo(s, &info));
    token_stop();
}
END_TEST

/* Every function that takes a session looks at it before anything else. */
START_TEST(test_every_function_refuses_an_invented_session)
{
    static const CK_SESSION_HANDLE invented[] = {0, 2, 1000, 0x7fffffff, ~0UL, ~0UL >> 1};

    token_start(NULL);
    token_session();
#define NEEDS_NOTHING(name)
#define NEEDS_MODULE(name)
#define NEEDS_MISSING(name)
#define NEEDS_SESSION(name)                                               \
    for (size_t i = 0; i < FUNCTIONS; i++)                                \
        for (size_t k = 0; is(i, "C_" #name) && k < sizeof invented / sizeof invented[0]; k++) \
            ck_rv(call(i, invented[k]), CKR_SESSION_HANDLE_INVALID);
#define NEEDS_OPERATION(name) NEEDS_SESSION(name)
#define FUNCTION(version, name, needs, who, session) NEEDS_##needs(name)
#include "module/entry/function.def"
#undef FUNCTION
    token_stop();
}
END_TEST

static CK_ATTRIBUTE *many(CK_ATTRIBUTE_TYPE type)
{
    CK_ATTRIBUTE *a = calloc(MANY, sizeof *a);

    for (size_t i = 0; i < MANY; i++)
        a[i] = (CK_ATTRIBUTE){type, NULL, 0};
    return a;
}

START_TEST(test_templates_of_ten_thousand_entries_are_refused_or_answered)
{
    CK_SESSION_HANDLE s;
    CK_MECHANISM m = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE *a = many(CKA_LABEL);
    CK_OBJECT_HANDLE x, y;
    struct token_pair p;

    token_start_with_users();
    s = token_alice();
    p = token_ec(s, false, "ec");
    ck_rv(f->C_CreateObject(s, a, MANY, &x), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_FindObjectsInit(s, a, MANY), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_GenerateKeyPair(s, &m, a, MANY, NULL, 0, &x, &y), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_GenerateKeyPair(s, &m, NULL, 0, a, MANY, &x, &y), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_GetAttributeValue(s, p.public_key, a, MANY));
    for (size_t i = 0; i < MANY; i++)
        ck_assert_uint_eq(a[i].ulValueLen, 2);
    ck_rv(f->C_CreateObject(s, a, ~0UL, &x), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_FindObjectsInit(s, a, ~0UL), CKR_ARGUMENTS_BAD);
    free(a);
    token_stop();
}
END_TEST

START_TEST(test_hostile_lengths_are_never_read)
{
    static const CK_ULONG lengths[] = {1, ATTRIBUTE_BYTES_MAX + 1, 0x80000000UL, ~0UL >> 1, ~0UL};
    CK_SESSION_HANDLE s;
    CK_OBJECT_CLASS data = CKO_DATA;
    CK_BYTE one = 1, out[64];
    CK_OBJECT_HANDLE o;
    CK_ULONG n = sizeof out;
    struct token_pair p;
    CK_MECHANISM sign = {CKM_ECDSA, NULL, 0}, pss = {CKM_RSA_PKCS_PSS, &one, ~0UL}, none = {CKM_ECDSA, NULL, ~0UL};

    token_start_with_users();
    s = token_alice();
    p = token_ec(s, false, "ec");
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        CK_ATTRIBUTE a[] = {{CKA_CLASS, &data, sizeof data}, {CKA_VALUE, NULL, lengths[i]}};
        CK_ATTRIBUTE wrong[] = {{CKA_CLASS, &data, lengths[i]}};
        ck_rv(f->C_CreateObject(s, a, 2, &o), CKR_ATTRIBUTE_VALUE_INVALID);
        ck_rv(f->C_CreateObject(s, wrong, 1, &o), CKR_ATTRIBUTE_VALUE_INVALID);
        ck_rv(f->C_FindObjectsInit(s, wrong, 1), CKR_ATTRIBUTE_VALUE_INVALID);
        if (lengths[i] > 1) {
            a[1].pValue = &one;
            ck_rv(f->C_CreateObject(s, a, 2, &o), CKR_ATTRIBUTE_VALUE_INVALID);
        }
        ck_ok(f->C_SignInit(s, &sign, p.private_key));
        ck_rv(f->C_Sign(s, NULL, lengths[i], out, &n), CKR_ARGUMENTS_BAD);
        if (lengths[i] > SIGN_DATA_BYTES_MAX) {
            ck_ok(f->C_SignInit(s, &sign, p.private_key));
            ck_rv(f->C_Sign(s, &one, lengths[i], out, &n), CKR_DATA_LEN_RANGE);
            ck_ok(f->C_SignInit(s, &sign, p.private_key));
            ck_rv(f->C_SignUpdate(s, &one, lengths[i]), CKR_DATA_LEN_RANGE);
            ck_ok(f->C_VerifyInit(s, &sign, p.public_key));
            ck_rv(f->C_Verify(s, &one, 1, out, lengths[i]), CKR_SIGNATURE_LEN_RANGE);
        }
    }
    ck_rv(f->C_SignInit(s, &pss, p.private_key), CKR_MECHANISM_PARAM_INVALID);
    ck_rv(f->C_SignInit(s, &none, p.private_key), CKR_MECHANISM_PARAM_INVALID);
    ck_rv(f->C_Login(s, CKU_USER, NULL, ~0UL), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_SetPIN(s, NULL, ~0UL, NULL, ~0UL), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_SetOperationState(s, &one, ~0UL, 0, 0), CKR_SAVED_STATE_INVALID);
    ck_rv(f3->C_LoginUser(s, CKU_USER, &one, ~0UL, &one, ~0UL), CKR_PIN_LEN_RANGE);
    token_stop();
}
END_TEST

/* The room that a caller claims is never taken at its word beyond what there is to write. */
START_TEST(test_answers_do_not_reach_beyond_what_they_say)
{
    CK_SESSION_HANDLE s;
    struct token_pair p;
    CK_MECHANISM m = {CKM_ECDSA, NULL, 0};
    CK_BYTE out[80];
    CK_ULONG n = ~0UL;
    CK_ATTRIBUTE a = {CKA_LABEL, out, ~0UL};

    token_start_with_users();
    s = token_alice();
    p = token_ec(s, false, "ec");
    memset(out, 0x5a, sizeof out);
    ck_ok(f->C_SignInit(s, &m, p.private_key));
    ck_ok(f->C_Sign(s, out, 32, out, &n)); /* in place, too */
    ck_assert_uint_eq(n, 64);
    for (size_t i = 64; i < sizeof out; i++)
        ck_assert_uint_eq(out[i], 0x5a);
    ck_ok(f->C_GetAttributeValue(s, p.public_key, &a, 1));
    ck_assert_uint_eq(a.ulValueLen, 2);
    token_stop();
}
END_TEST

START_TEST(test_pair_templates_that_contradict_the_call_are_refused)
{
    CK_SESSION_HANDLE s;
    CK_MECHANISM m = {CKM_EC_KEY_PAIR_GEN, NULL, 0}, sign = {CKM_ECDSA, NULL, 0}, eddsa = {0x1057UL, NULL, 0};
    CK_OBJECT_CLASS secret = CKO_SECRET_KEY;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE wrong_class = {CKA_CLASS, &secret, sizeof secret}, unknown = {0x80001234UL, &yes, 1}, local = {CKA_LOCAL, &yes, 1};
    CK_OBJECT_HANDLE a, b;

    token_start_with_users();
    s = token_session();
    ck_rv(f->C_GenerateKeyPair(s, &m, NULL, 0, NULL, 0, &a, &b), CKR_USER_NOT_LOGGED_IN);
    ck_ok(token_login(s, CKU_USER, ALICE));
    ck_rv(f->C_GenerateKeyPair(s, &m, NULL, 0, NULL, 0, &a, &b), CKR_TEMPLATE_INCOMPLETE);
    ck_rv(f->C_GenerateKeyPair(s, NULL, NULL, 0, NULL, 0, &a, &b), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_GenerateKeyPair(s, &m, NULL, 0, NULL, 0, NULL, &b), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_GenerateKeyPair(s, &m, NULL, 0, NULL, 0, &a, NULL), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_GenerateKeyPair(s, &m, NULL, 3, NULL, 0, &a, &b), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_GenerateKeyPair(s, &sign, NULL, 0, NULL, 0, &a, &b), CKR_MECHANISM_INVALID);
    ck_rv(f->C_GenerateKeyPair(s, &eddsa, NULL, 0, NULL, 0, &a, &b), CKR_MECHANISM_INVALID);
    ck_rv(f->C_GenerateKeyPair(s, &m, NULL, 0, &wrong_class, 1, &a, &b), CKR_TEMPLATE_INCONSISTENT);
    ck_rv(f->C_GenerateKeyPair(s, &m, &unknown, 1, NULL, 0, &a, &b), CKR_ATTRIBUTE_TYPE_INVALID);
    ck_rv(f->C_GenerateKeyPair(s, &m, &local, 1, NULL, 0, &a, &b), CKR_ATTRIBUTE_READ_ONLY);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_every_function_survives_nothing,
        &test_every_function_refuses_an_invented_session,
        &test_templates_of_ten_thousand_entries_are_refused_or_answered,
        &test_hostile_lengths_are_never_read,
        &test_answers_do_not_reach_beyond_what_they_say,
        &test_pair_templates_that_contradict_the_call_are_refused,
        NULL,
    };
    return suite_of("module_abuse", 60, tests);
}
