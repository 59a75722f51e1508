/* What the token's profile objects claim, held against the text of PKCS #11 Profiles 3.2: its lists of functions, attributes and objects,
 * and its mandatory test cases, call by call. A profile that is claimed and has no list here fails. */
#include <stddef.h>
#include <string.h>

#include "proto/attribute.h"
#include "proto/mechanism.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { FUNCTIONS_MAX = 24, ATTRIBUTES_MAX = 12, ROOM = 512 };

static CK_BBOOL yes = CK_TRUE;
static char public_label[] = "testrsa-pub", private_label[] = "testrsa-pri";

/* ---- the lists */

static const struct profile {
    CK_ULONG id;
    const char *functions[FUNCTIONS_MAX];
    CK_ATTRIBUTE_TYPE attributes[ATTRIBUTES_MAX]; /* CKA_CLASS is 0, and first */
    unsigned attributes_n;
} profiles[] = {
    /* section 5.1, which calls CKA_UNIQUE_ID by a former name */
    {CKP_BASELINE_PROVIDER,
     {"GetFunctionList", "GetInterfaceList", "GetInterface", "Initialize", "Finalize", "GetInfo", "GetSlotList", "GetSlotInfo",
      "GetTokenInfo", "OpenSession", "CloseSession", "GetSessionInfo", "FindObjectsInit", "FindObjects",
      "FindObjectsFinal", "GetAttributeValue"},
     {CKA_CLASS, CKA_TOKEN, CKA_VALUE, CKA_ID, CKA_PRIVATE, CKA_MODIFIABLE, CKA_LABEL, CKA_UNIQUE_ID, CKA_PROFILE_ID}, 9},
    /* section 5.3 */
    {CKP_EXTENDED_PROVIDER, {"GetMechanismList", "GetMechanismInfo", "Login", "LoginUser", "Logout"}, {0}, 0},
    /* section 5.4 */
    {CKP_AUTHENTICATION_TOKEN, {"Login", "LoginUser", "Logout", "SignInit", "Sign", "SignUpdate", "SignFinal"}, {0}, 0},
};

/* Present, and what stands in the lists that a program gets. */
static bool is_there(const char *name)
{
    static const struct {
        const char *name;
        bool missing;
        size_t at;
    } rows[] = {
        {"MISSING", true, 0},
#define NOTHING false
#define MODULE false
#define SESSION false
#define OPERATION false
#define MISSING true
#define FUNCTION(version, function, needs, who, session) {#function, needs, offsetof(struct token_list_320, C_##function)},
#include "module/entry/function.def"
#undef FUNCTION
#undef NOTHING
#undef MODULE
#undef SESSION
#undef OPERATION
#undef MISSING
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, name) == 0) {
            void *entry;
            memcpy(&entry, (const char *)f3 + rows[i].at, sizeof entry);
            return !rows[i].missing && entry != NULL;
        }
    return false;
}

START_TEST(test_every_profile_that_is_claimed_is_kept)
{
    CK_OBJECT_CLASS profile = CKO_PROFILE;
    CK_ATTRIBUTE by_class = {CKA_CLASS, &profile, sizeof profile};
    CK_OBJECT_HANDLE found[8];
    CK_ULONG n = 0, kept = 0;
    CK_SESSION_HANDLE s;

    token_start_with_users();
    s = token_session();
    ck_ok(f->C_FindObjectsInit(s, &by_class, 1));
    ck_ok(f->C_FindObjects(s, found, 8, &n));
    ck_ok(f->C_FindObjectsFinal(s));
    for (CK_ULONG i = 0; i < n; i++) {
        CK_ULONG id = 0;
        CK_ATTRIBUTE asked = {CKA_PROFILE_ID, &id, sizeof id};
        ck_ok(f->C_GetAttributeValue(s, found[i], &asked, 1));
        for (size_t p = 0; p < sizeof profiles / sizeof profiles[0]; p++) {
            if (profiles[p].id != id)
                continue;
            kept++;
            for (size_t at = 0; at < FUNCTIONS_MAX && profiles[p].functions[at] != NULL; at++)
                ck_assert_msg(is_there(profiles[p].functions[at]), "C_%s", profiles[p].functions[at]);
            for (unsigned at = 0; at < profiles[p].attributes_n; at++)
                ck_assert_msg(attribute_find(profiles[p].attributes[at]) != NULL, "0x%lx", profiles[p].attributes[at]);
        }
    }
    ck_assert_uint_eq(kept, n);
    ck_assert_uint_eq(n, sizeof profiles / sizeof profiles[0]);
    token_stop();
}
END_TEST

/* Of the baseline's attributes, those that the object itself has. */
START_TEST(test_a_profile_object_has_what_the_profile_lists)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_CLASS, CKA_TOKEN, CKA_PRIVATE, CKA_MODIFIABLE, CKA_LABEL, CKA_UNIQUE_ID, CKA_PROFILE_ID};
    CK_ULONG id = CKP_BASELINE_PROVIDER, n = 0;
    CK_ATTRIBUTE by_id = {CKA_PROFILE_ID, &id, sizeof id};
    CK_OBJECT_HANDLE found[2];
    CK_SESSION_HANDLE s;

    token_start_with_users();
    s = token_session();
    ck_ok(f->C_FindObjectsInit(s, &by_id, 1));
    ck_ok(f->C_FindObjects(s, found, 2, &n));
    ck_ok(f->C_FindObjectsFinal(s));
    ck_assert_uint_eq(n, 1);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        CK_ATTRIBUTE asked = {types[i], NULL, 0};
        ck_assert_msg(f->C_GetAttributeValue(s, found[0], &asked, 1) == CKR_OK, "0x%lx", types[i]);
    }
    token_stop();
}
END_TEST

/* ---- the mandatory test cases */

static CK_SLOT_ID first_slot(void)
{
    CK_SLOT_ID slots[4];
    CK_ULONG n = 0;

    ck_ok(f->C_GetSlotList(CK_TRUE, NULL, &n));
    ck_assert_uint_ge(n, 1);
    ck_assert_uint_le(n, 4);
    ck_ok(f->C_GetSlotList(CK_TRUE, slots, &n));
    return slots[0];
}

static CK_SLOT_ID look_around(void)
{
    static const CK_FLAGS there = CKF_RNG | CKF_LOGIN_REQUIRED | CKF_TOKEN_INITIALIZED;
    CK_INFO info;
    CK_SLOT_INFO slot;
    CK_TOKEN_INFO token;
    CK_SLOT_ID id;

    ck_ok(f->C_GetInfo(&info));
    ck_assert_uint_eq(info.flags, 0);
    id = first_slot();
    ck_ok(f->C_GetSlotInfo(id, &slot));
    ck_assert(slot.flags & CKF_TOKEN_PRESENT);
    ck_ok(f->C_GetTokenInfo(id, &token));
    ck_assert_uint_eq(token.flags & there, there);
    return id;
}

static CK_SESSION_HANDLE open_session(CK_SLOT_ID id, CK_FLAGS flags)
{
    CK_SESSION_HANDLE s = 0;

    ck_ok(f->C_OpenSession(id, flags, NULL, NULL, &s));
    return s;
}

static CK_OBJECT_HANDLE find_one(CK_SESSION_HANDLE s, CK_ATTRIBUTE *t, CK_ULONG n)
{
    CK_OBJECT_HANDLE o = 0;
    CK_ULONG found = 0;

    ck_ok(f->C_FindObjectsInit(s, t, n));
    ck_ok(f->C_FindObjects(s, &o, 1, &found));
    ck_assert_uint_eq(found, 1);
    ck_ok(f->C_FindObjectsFinal(s));
    return o;
}

static void leave(CK_SLOT_ID id, CK_SESSION_HANDLE s)
{
    ck_ok(f->C_CloseSession(s));
    ck_ok(f->C_CloseAllSessions(id));
    ck_ok(f->C_Finalize(NULL));
    ck_ok(f->C_Initialize(NULL));
    token_stop();
}

START_TEST(test_case_bl_m_1_32)
{
    CK_ATTRIBUTE on_token = {CKA_TOKEN, &yes, 1};
    CK_SLOT_ID id;
    CK_SESSION_HANDLE s;

    token_start_with_users();
    id = look_around();
    s = open_session(id, CKF_SERIAL_SESSION);
    find_one(s, &on_token, 1);
    leave(id, s);
}
END_TEST

START_TEST(test_case_ext_m_1_32)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        CK_FLAGS flags;
    } asked[] = {{CKM_SHA512, CKF_DIGEST},
                 {CKM_RSA_PKCS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR},
                 {CKM_RSA_PKCS, CKF_ENCRYPT | CKF_DECRYPT | CKF_SIGN | CKF_VERIFY | CKF_WRAP | CKF_UNWRAP}};
    CK_ATTRIBUTE on_token = {CKA_TOKEN, &yes, 1};
    CK_MECHANISM_TYPE list[ROOM];
    CK_ULONG n = 0;
    CK_SLOT_ID id;
    CK_SESSION_HANDLE s;

    token_start_with_users();
    id = look_around();
    ck_ok(f->C_GetMechanismList(id, NULL, &n));
    ck_assert_uint_le(n, ROOM);
    ck_ok(f->C_GetMechanismList(id, list, &n));
    for (size_t a = 0; a < sizeof asked / sizeof asked[0]; a++) {
        CK_MECHANISM_INFO info;
        CK_ULONG i = 0;
        while (i < n && list[i] != asked[a].type)
            i++;
        ck_assert_uint_lt(i, n);
        ck_ok(f->C_GetMechanismInfo(id, asked[a].type, &info));
        ck_assert_uint_eq(info.flags & asked[a].flags, asked[a].flags);
        ck_assert(asked[a].type != CKM_SHA512 || (info.ulMinKeySize == 0 && info.ulMaxKeySize == 0));
    }
    s = open_session(id, CKF_RW_SESSION | CKF_SERIAL_SESSION);
    ck_ok(f->C_Login(s, CKU_USER, (CK_BYTE *)ALICE, strlen(ALICE)));
    find_one(s, &on_token, 1);
    ck_ok(f->C_Logout(s));
    leave(id, s);
}
END_TEST

static void make_keys(CK_SESSION_HANDLE s)
{
    CK_MECHANISM m = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_ULONG bits = 2048;
    CK_BYTE exponent[] = {1, 0, 1};
    CK_ATTRIBUTE public_key[] = {{CKA_TOKEN, &yes, 1}, {CKA_LABEL, public_label, 11}, {CKA_MODULUS_BITS, &bits, sizeof bits},
                                 {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent}, {CKA_VERIFY, &yes, 1}};
    CK_ATTRIBUTE private_key[] = {{CKA_TOKEN, &yes, 1}, {CKA_LABEL, private_label, 11}, {CKA_SIGN, &yes, 1}};
    CK_OBJECT_HANDLE made[2];

    ck_ok(f->C_GenerateKeyPair(s, &m, public_key, 5, private_key, 3, &made[0], &made[1]));
}

/* The case has keys that were there before it. */
START_TEST(test_case_auth_m_1_32)
{
    CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY, private_class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE by_public[] = {{CKA_TOKEN, &yes, 1}, {CKA_LABEL, public_label, 11}, {CKA_CLASS, &public_class, sizeof public_class}};
    CK_ATTRIBUTE by_private[] = {{CKA_TOKEN, &yes, 1}, {CKA_LABEL, private_label, 11}, {CKA_CLASS, &private_class, sizeof private_class}};
    CK_BYTE modulus[1024], exponent[1024], signature[256], data[] = "a request for a certificate";
    CK_ATTRIBUTE asked[] = {{CKA_MODULUS, modulus, sizeof modulus}, {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent}};
    CK_MECHANISM m = {CKM_SHA256_RSA_PKCS, NULL, 0};
    CK_ULONG n = sizeof signature;
    CK_OBJECT_HANDLE verifier;
    CK_SLOT_ID id;
    CK_SESSION_HANDLE s;

    token_start_with_users();
    id = first_slot();
    s = open_session(id, CKF_RW_SESSION | CKF_SERIAL_SESSION);
    ck_ok(f->C_Login(s, CKU_USER, (CK_BYTE *)ALICE, strlen(ALICE)));
    make_keys(s);
    verifier = find_one(s, by_public, 3);
    ck_ok(f->C_GetAttributeValue(s, verifier, asked, 2));
    ck_assert(asked[0].ulValueLen == 256 && asked[1].ulValueLen == 3);
    ck_ok(f->C_SignInit(s, &m, find_one(s, by_private, 3)));
    ck_ok(f->C_Sign(s, data, sizeof data, signature, &n));
    ck_assert_uint_eq(n, 256);
    ck_ok(f->C_VerifyInit(s, &m, verifier));
    ck_ok(f->C_Verify(s, data, sizeof data, signature, n));
    ck_ok(f->C_Logout(s));
    leave(id, s);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_every_profile_that_is_claimed_is_kept,
        &test_a_profile_object_has_what_the_profile_lists,
        &test_case_bl_m_1_32,
        &test_case_ext_m_1_32,
        &test_case_auth_m_1_32,
        NULL,
    };

    return suite_of("module_profile", 60, tests);
}
