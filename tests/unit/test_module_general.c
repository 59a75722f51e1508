/* Starting and ending, lists and interfaces, slot and token: what every program does first. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/mechanism.h"
#include "proto/policy.h"
#include "tests/unit/call_shape.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

static CK_RV create_mutex(void **m)
{
    (void)m;
    ck_abort_msg("the application's locks are never used");
    return CKR_OK;
}

static CK_RV use_mutex(void *m)
{
    return create_mutex(m);
}

START_TEST(test_second_initialize_is_told_and_finalize_is_harmless_twice)
{
    token_prepare(NULL);
    ck_rv(f->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    ck_ok(f->C_Initialize(NULL));
    ck_rv(f->C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
    ck_rv(f->C_Finalize((void *)1), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_Finalize(NULL));
    ck_rv(f->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    ck_ok(f->C_Initialize(NULL));
    token_stop();
}
END_TEST

START_TEST(test_initialize_takes_every_kind_of_locking_and_a_path)
{
    static const struct {
        unsigned functions;
        CK_FLAGS flags;
        const char *path;
        CK_RV rv;
    } cases[] = {
        {0, 0, NULL, CKR_OK},
        {0, CKF_OS_LOCKING_OK, NULL, CKR_OK},
        {4, CKF_OS_LOCKING_OK, NULL, CKR_OK},
        {4, 0, NULL, CKR_OK},
        {4, CKF_LIBRARY_CANT_CREATE_OS_THREADS, "other.yaml", CKR_OK},
        {4, CKF_OS_LOCKING_OK | CKF_LIBRARY_CANT_CREATE_OS_THREADS, "other.yaml", CKR_OK},
        {1, 0, NULL, CKR_ARGUMENTS_BAD},
        {3, CKF_OS_LOCKING_OK, NULL, CKR_ARGUMENTS_BAD},
        {0, CKF_OS_LOCKING_OK, "missing.yaml", CKR_FUNCTION_FAILED},
    };

    token_prepare(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CK_C_INITIALIZE_ARGS args = {.flags = cases[i].flags, .pReserved = (void *)(uintptr_t)cases[i].path};
        CK_SESSION_HANDLE s;
        if (cases[i].functions >= 1)
            args.CreateMutex = create_mutex;
        if (cases[i].functions >= 3)
            args.LockMutex = args.UnlockMutex = use_mutex;
        if (cases[i].functions >= 4)
            args.DestroyMutex = use_mutex;
        ck_rv(f->C_Initialize(&args), cases[i].rv);
        if (cases[i].rv != CKR_OK)
            continue;
        s = token_session();
        ck_ok(f->C_CloseSession(s));
        ck_ok(f->C_Finalize(NULL));
    }
    token_stop();
}
END_TEST

/* Every function of both lists is there, and before C_Initialize none does anything. */
/* What C_Initialize with a configuration that is not there says on standard error. */
static void hear_initialize(char *said, size_t room)
{
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK, .pReserved = (void *)(uintptr_t)"missing.yaml"};
    int ends[2], kept = dup(STDERR_FILENO);
    ssize_t n;
    CK_RV rv;

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    rv = f->C_Initialize(&args);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[1]);
    ck_rv(rv, CKR_FUNCTION_FAILED);
    n = read(ends[0], said, room - 1);
    ck_assert_int_ge(n, 0);
    said[n] = '\0';
    close(ends[0]);
}

/* A module is a guest: what it has to say goes to the system's log, unless the program's user asks for it. */
START_TEST(test_a_bad_configuration_is_told_on_standard_error_to_who_asks)
{
    char said[1024];

    token_prepare(NULL);
    unsetenv("CLUSTERHSM_LOG");
    hear_initialize(said, sizeof said);
    ck_assert_str_eq(said, "");
    setenv("CLUSTERHSM_LOG", "stderr", 1);
    hear_initialize(said, sizeof said);
    ck_assert_ptr_nonnull(strstr(said, "not_started"));
    ck_assert_ptr_nonnull(strstr(said, "missing.yaml"));
    unsetenv("CLUSTERHSM_LOG");
    ck_ok(f->C_Initialize(NULL));
    token_stop();
}
END_TEST

START_TEST(test_nothing_works_before_initialize)
{
    CK_BYTE room[512] = {0};
    void *p = room;

    token_prepare(NULL);
#define FUNCTION(version, name, needs, who, session) ck_assert_ptr_nonnull(f3->C_##name);
#include "module/entry/function.def"
#undef FUNCTION
    ck_assert_int_eq(f3->version.major, 3);
    ck_assert_int_eq(f3->version.minor, 2);
#define CHECK(call) ck_rv(call, CKR_CRYPTOKI_NOT_INITIALIZED)
    CHECK(f->C_GetInfo(p));
    CHECK(f->C_GetSlotList(0, p, p));
    CHECK(f->C_GetTokenInfo(0, p));
    CHECK(f->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, p));
    CHECK(f->C_CloseSession(1));
    CHECK(f->C_Login(1, CKU_USER, p, 1));
    CHECK(f->C_Sign(1, p, 1, p, p));
    CHECK(f->C_EncryptInit(1, p, 1));
    CHECK(f->C_GenerateRandom(1, p, 1));
    CHECK(f->C_GetFunctionStatus(1));
    CHECK(f->C_WaitForSlotEvent(CKF_DONT_BLOCK, p, NULL));
    CHECK(f3->C_LoginUser(1, CKU_USER, p, 1, p, 1));
    CHECK(f3->C_MessageSignInit(1, p, 1));
    CHECK(f3->C_VerifySignatureInit(1, p, 1, p, 1));
    CHECK(f3->C_AsyncJoin(1, p, 1, p, 1));
#undef CHECK
    token_stop();
}
END_TEST

/* A list as programs see it: a version, and functions one after the other. */
struct any_list {
    CK_VERSION version;
    void *functions[104];
};

static void check_interface(const CK_VERSION *version, unsigned functions)
{
    CK_INTERFACE *one = NULL;
    const struct any_list *has, *all = (const void *)f3;

    ck_ok(f3->C_GetInterface((CK_BYTE *)"PKCS 11", (CK_VERSION *)version, &one, 0));
    has = one->pFunctionList;
    ck_assert_int_eq(has->version.major, version->major);
    ck_assert_int_eq(has->version.minor, version->minor);
    for (unsigned i = 0; i < functions; i++)
        ck_assert_ptr_eq(has->functions[i], all->functions[i]);
}

/* What a later list adds stands behind what the earlier one has, in the standard's order (PKCS #11 3.2 section 3.7). */
START_TEST(test_each_list_continues_the_one_before)
{
    static const CK_VERSION versions[] = {{2, 40}, {3, 0}, {3, 2}};
    const struct any_list *all;

    token_prepare(NULL);
    all = (const void *)f3;
    ck_assert_uint_eq(sizeof(CK_FUNCTION_LIST), offsetof(struct any_list, functions) + 68 * sizeof(void *));
    ck_assert_uint_eq(sizeof *f3, sizeof(struct any_list));
    check_interface(&versions[0], 68);
    check_interface(&versions[1], 92);
    check_interface(&versions[2], 104);
#define AT(place, name) ck_assert_ptr_eq(all->functions[place], *(void **)&f3->C_##name)
    AT(0, Initialize);
    AT(67, WaitForSlotEvent);
    AT(68, GetInterfaceList);
    AT(91, MessageVerifyFinal);
    AT(92, EncapsulateKey);
    AT(93, DecapsulateKey);
    AT(94, VerifySignatureInit);
    AT(95, VerifySignature);
    AT(96, VerifySignatureUpdate);
    AT(97, VerifySignatureFinal);
    AT(98, GetSessionValidationFlags);
    AT(99, AsyncComplete);
    AT(100, AsyncGetID);
    AT(101, AsyncJoin);
    AT(102, WrapKeyAuthenticated);
    AT(103, UnwrapKeyAuthenticated);
#undef AT
    token_stop();
}
END_TEST

START_TEST(test_legacy_list_says_2_40_and_interfaces_are_chosen_by_version)
{
    CK_INTERFACE list[3], *one = NULL;
    CK_VERSION legacy = {2, 40}, three = {3, 0}, newest = {3, 2}, later = {3, 3};
    CK_ULONG n = 0;

    token_prepare(NULL);
    ck_assert_int_eq(f->version.major, 2);
    ck_assert_int_eq(f->version.minor, 40);
    ck_rv(f3->C_GetInterfaceList(NULL, NULL), CKR_ARGUMENTS_BAD);
    ck_ok(f3->C_GetInterfaceList(NULL, &n));
    ck_assert_uint_eq(n, 3);
    n = 2;
    ck_rv(f3->C_GetInterfaceList(list, &n), CKR_BUFFER_TOO_SMALL);
    ck_assert_uint_eq(n, 3);
    ck_ok(f3->C_GetInterfaceList(list, &n));
    ck_assert_str_eq(list[0].pInterfaceName, "PKCS 11");
    ck_ok(f3->C_GetInterface((CK_BYTE *)"PKCS 11", &legacy, &one, 0));
    ck_assert_ptr_eq(one->pFunctionList, f);
    ck_ok(f3->C_GetInterface(NULL, &three, &one, 0));
    ck_assert_ptr_eq(one->pFunctionList, list[1].pFunctionList);
    ck_ok(f3->C_GetInterface((CK_BYTE *)"PKCS 11", &newest, &one, 0));
    ck_assert_ptr_eq(one->pFunctionList, f3);
    ck_ok(f3->C_GetInterface(NULL, NULL, &one, 0));
    ck_assert_ptr_eq(one->pFunctionList, f3);
    ck_rv(f3->C_GetInterface((CK_BYTE *)"PKCS 11", &later, &one, 0), CKR_FUNCTION_FAILED);
    ck_rv(f3->C_GetInterface((CK_BYTE *)"Vendor", NULL, &one, 0), CKR_FUNCTION_FAILED);
    ck_rv(f3->C_GetInterface(NULL, NULL, &one, 0x80), CKR_FUNCTION_FAILED);
    ck_rv(f3->C_GetInterface(NULL, NULL, NULL, 0), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_GetFunctionList(NULL), CKR_ARGUMENTS_BAD);
    token_stop();
}
END_TEST

START_TEST(test_slot_and_token_are_there_although_no_node_is)
{
    CK_SLOT_ID slots[2];
    CK_SLOT_INFO slot;
    CK_TOKEN_INFO token;
    CK_ULONG n = 0;

    token_start("token: {label: \"My token\", serial: \"42\"}");
    local_node_faults(token_node)->dead = true;
    ck_rv(f->C_GetSlotList(CK_TRUE, NULL, NULL), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_GetSlotList(CK_TRUE, NULL, &n));
    ck_assert_uint_eq(n, 1);
    n = 0;
    ck_rv(f->C_GetSlotList(CK_FALSE, slots, &n), CKR_BUFFER_TOO_SMALL);
    ck_assert_uint_eq(n, 1);
    n = 2;
    ck_ok(f->C_GetSlotList(CK_FALSE, slots, &n));
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(slots[0], 0);
    ck_ok(f->C_GetSlotInfo(0, &slot));
    ck_assert_uint_eq(slot.flags, CKF_TOKEN_PRESENT);
    ck_rv(f->C_GetSlotInfo(1, &slot), CKR_SLOT_ID_INVALID);
    ck_rv(f->C_GetSlotInfo(0, NULL), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_GetTokenInfo(0, &token));
    ck_assert_int_eq(memcmp(token.label, "My token                        ", 32), 0);
    ck_assert_int_eq(memcmp(token.serialNumber, "42              ", 16), 0);
    ck_assert_uint_eq(token.flags, CKF_RNG | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | CKF_TOKEN_INITIALIZED);
    ck_rv(f->C_GetTokenInfo(7, &token), CKR_SLOT_ID_INVALID);
    ck_rv(f->C_WaitForSlotEvent(CKF_DONT_BLOCK, slots, NULL), CKR_NO_EVENT);
    ck_rv(f->C_WaitForSlotEvent(CKF_DONT_BLOCK, slots, slots), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_GetFunctionStatus(12345), CKR_FUNCTION_NOT_PARALLEL);
    ck_rv(f->C_CancelFunction(12345), CKR_FUNCTION_NOT_PARALLEL);
    token_stop();
}
END_TEST

START_TEST(test_info_is_the_same_after_another_initialize)
{
    CK_INFO one, two;

    token_start(NULL);
    memset(&one, 1, sizeof one);
    memset(&two, 2, sizeof two);
    ck_ok(f->C_GetInfo(&one));
    ck_rv(f->C_GetInfo(NULL), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_Finalize(NULL));
    ck_ok(f->C_Initialize(NULL));
    ck_ok(f->C_GetInfo(&two));
    ck_assert_int_eq(memcmp(&one.manufacturerID, &two.manufacturerID, 32), 0);
    ck_assert_int_eq(memcmp(&one.libraryDescription, &two.libraryDescription, 32), 0);
    ck_assert_int_eq(one.cryptokiVersion.major * 256 + one.cryptokiVersion.minor, 2 * 256 + 40);
    ck_assert_uint_eq(one.flags, two.flags);
    token_stop();
}
END_TEST

START_TEST(test_mechanisms_are_the_tables_rows)
{
    CK_MECHANISM_TYPE types[256];
    CK_MECHANISM_INFO info;
    CK_ULONG n = 0, all;

    token_start(NULL);
    ck_ok(f->C_GetMechanismList(0, NULL, &n));
    all = n;
    n = all - 1;
    ck_rv(f->C_GetMechanismList(0, types, &n), CKR_BUFFER_TOO_SMALL);
    ck_assert_uint_eq(n, all);
    ck_ok(f->C_GetMechanismList(0, types, &n));
    for (CK_ULONG i = 0; i < n; i++) {
        const struct mechanism *row = mechanism_at(i);
        ck_ok(f->C_GetMechanismInfo(0, types[i], &info));
        ck_assert_uint_eq(types[i], row->type);
        ck_assert_uint_eq(info.ulMinKeySize, row->size_min);
        ck_assert_uint_eq(info.flags & row->flags, row->flags);
        ck_assert_uint_eq((info.flags & CKF_EC_NAMEDCURVE) != 0, row->has_key && (row->key_type == CKK_EC ||
                          row->key_type == CKK_EC_EDWARDS || row->key_type == CKK_EC_MONTGOMERY));
        ck_assert_uint_eq((info.flags & CKF_HW) != 0, row->has_key);
    }
    ck_rv(f->C_GetMechanismInfo(0, CKM_RC4, &info), CKR_MECHANISM_INVALID);
    ck_rv(f->C_GetMechanismInfo(0, types[0], NULL), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_GetMechanismInfo(3, types[0], &info), CKR_SLOT_ID_INVALID);
    ck_rv(f->C_GetMechanismList(3, NULL, &n), CKR_SLOT_ID_INVALID);
    ck_rv(f->C_GetMechanismList(0, NULL, NULL), CKR_ARGUMENTS_BAD);
    token_stop();
}
END_TEST

START_TEST(test_missing_functions_say_so)
{
    static const CK_ULONG nothing[CALL_ARGUMENTS_MAX];

    token_start(NULL);
    for (size_t i = 0; call_shape_at(i) != NULL; i++)
        if (call_shape_at(i)->needs == CALL_MISSING)
            ck_rv(call_with(call_shape_at(i), nothing), CKR_FUNCTION_NOT_SUPPORTED);
    token_stop();
}
END_TEST

static void set_policy(Hsm__ClusterBody *body)
{
    body->policy = POLICY_MODERN;
}

static bool lists(CK_MECHANISM_TYPE type)
{
    CK_MECHANISM_TYPE types[512];
    CK_ULONG n = sizeof types / sizeof types[0];
    bool found = false;

    ck_ok(f->C_GetMechanismList(0, types, &n));
    for (CK_ULONG i = 0; i < n; i++)
        found = found || types[i] == type;
    return found;
}

START_TEST(test_what_policy_forbids_is_not_there)
{
    CK_MECHANISM md5 = {.mechanism = CKM_MD5};
    CK_MECHANISM_INFO info;
    CK_SESSION_HANDLE s;

    token_start_with_users();
    s = token_session();
    ck_assert(lists(CKM_MD5) && lists(CKM_SHA256));
    ck_ok(f->C_GetMechanismInfo(0, CKM_RSA_PKCS, &info));
    ck_assert_uint_eq(info.ulMinKeySize, 1024);
    ck_ok(f->C_DigestInit(s, &md5));
    local_node_change_cluster(token_node, set_policy);
    ck_ok(token_login(s, CKU_USER, ALICE)); /* some reply tells of it */
    ck_assert_uint_gt(token_count(s, "nothing") + 1, 0);
    ck_assert(!lists(CKM_MD5) && lists(CKM_SHA256));
    ck_ok(f->C_GetMechanismInfo(0, CKM_RSA_PKCS, &info));
    ck_assert_uint_eq(info.ulMinKeySize, 2048);
    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *row = mechanism_at(i);
        ck_assert_msg(lists(row->type) == !row->compatible_only, "%s", row->name);
        ck_rv(f->C_GetMechanismInfo(0, row->type, &info), row->compatible_only ? CKR_MECHANISM_INVALID : CKR_OK);
    }
    ck_rv(f->C_DigestInit(token_session(), &md5), CKR_MECHANISM_INVALID);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_second_initialize_is_told_and_finalize_is_harmless_twice,
        &test_initialize_takes_every_kind_of_locking_and_a_path,
        &test_a_bad_configuration_is_told_on_standard_error_to_who_asks, &test_nothing_works_before_initialize,
        &test_each_list_continues_the_one_before,
        &test_legacy_list_says_2_40_and_interfaces_are_chosen_by_version,
        &test_slot_and_token_are_there_although_no_node_is,
        &test_info_is_the_same_after_another_initialize,
        &test_mechanisms_are_the_tables_rows, &test_what_policy_forbids_is_not_there,
        &test_missing_functions_say_so,
        NULL,
    };
    return suite_of("module_general", 60, tests);
}
