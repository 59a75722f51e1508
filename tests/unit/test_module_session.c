/* Sessions, logins and PINs: the login is the process', and the last session that closes ends it. */
#include <stdio.h>
#include <string.h>

#include "module/rpc/rpc.h"
#include "proto/limits.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"

static CK_STATE state_of(CK_SESSION_HANDLE s)
{
    CK_SESSION_INFO info;

    ck_ok(f->C_GetSessionInfo(s, &info));
    return info.state;
}

START_TEST(test_session_needs_the_serial_flag_and_the_slot)
{
    CK_SESSION_HANDLE s;

    token_start(NULL);
    ck_rv(f->C_OpenSession(0, CKF_RW_SESSION, NULL, NULL, &s), CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    ck_rv(f->C_OpenSession(9, CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_SLOT_ID_INVALID);
    ck_rv(f->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, NULL), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_OpenSession(0, CKF_SERIAL_SESSION, &s, (CK_NOTIFY)(uintptr_t)token_stop, &s));
    token_stop();
}
END_TEST

START_TEST(test_closed_and_invented_handles_are_invalid)
{
    CK_SESSION_HANDLE s;
    CK_SESSION_INFO info;

    token_start(NULL);
    s = token_session();
    ck_ok(f->C_CloseSession(s));
    ck_rv(f->C_CloseSession(s), CKR_SESSION_HANDLE_INVALID);
    ck_rv(f->C_GetSessionInfo(s, &info), CKR_SESSION_HANDLE_INVALID);
    ck_rv(f->C_GetSessionInfo(0, &info), CKR_SESSION_HANDLE_INVALID);
    ck_rv(f->C_GetSessionInfo(~0UL, &info), CKR_SESSION_HANDLE_INVALID);
    ck_rv(f->C_Logout(s), CKR_SESSION_HANDLE_INVALID);
    ck_assert_uint_ne(token_session(), s); /* a handle is never given out twice */
    token_stop();
}
END_TEST

START_TEST(test_sessions_are_counted_and_bounded)
{
    CK_TOKEN_INFO info;
    CK_SESSION_HANDLE s;

    token_start(NULL);
    local_node_faults(token_node)->dead = true; /* they cost nothing there */
    for (unsigned i = 0; i < SESSIONS_MAX; i++)
        ck_ok(f->C_OpenSession(0, CKF_SERIAL_SESSION | (i % 2 ? CKF_RW_SESSION : 0), NULL, NULL, &s));
    ck_rv(f->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_SESSION_COUNT);
    ck_ok(f->C_GetTokenInfo(0, &info));
    ck_assert_uint_eq(info.ulSessionCount, SESSIONS_MAX);
    ck_assert_uint_eq(info.ulRwSessionCount, SESSIONS_MAX / 2);
    ck_assert_uint_eq(info.ulMaxSessionCount, SESSIONS_MAX);
    ck_rv(f->C_CloseAllSessions(3), CKR_SLOT_ID_INVALID);
    ck_ok(f->C_CloseAllSessions(0));
    ck_ok(f->C_GetTokenInfo(0, &info));
    ck_assert_uint_eq(info.ulSessionCount, 0);
    token_stop();
}
END_TEST

START_TEST(test_login_is_the_process_and_ends_with_the_last_session)
{
    CK_SESSION_HANDLE a, b;

    token_start_with_users();
    a = token_session();
    b = token_session_read();
    ck_assert_uint_eq(state_of(a), CKS_RW_PUBLIC_SESSION);
    ck_assert_uint_eq(state_of(b), CKS_RO_PUBLIC_SESSION);
    ck_ok(token_login(a, CKU_USER, ALICE));
    ck_assert_uint_eq(state_of(a), CKS_RW_USER_FUNCTIONS);
    ck_assert_uint_eq(state_of(b), CKS_RO_USER_FUNCTIONS);
    ck_rv(token_login(b, CKU_USER, ALICE), CKR_USER_ALREADY_LOGGED_IN);
    ck_rv(token_login(b, CKU_SO, ADMIN), CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
    ck_ok(f->C_CloseSession(a));
    ck_assert_uint_eq(state_of(b), CKS_RO_USER_FUNCTIONS);
    ck_ok(f->C_CloseSession(b));
    a = token_session();
    ck_assert_uint_eq(state_of(a), CKS_RW_PUBLIC_SESSION);
    ck_rv(f->C_Logout(a), CKR_USER_NOT_LOGGED_IN);
    ck_ok(token_login(a, CKU_USER, BOB));
    ck_ok(f->C_CloseAllSessions(0));
    a = token_session();
    ck_assert_uint_eq(state_of(a), CKS_RW_PUBLIC_SESSION);
    token_stop();
}
END_TEST

START_TEST(test_admin_and_read_only_sessions_exclude_each_other)
{
    CK_SESSION_HANDLE a, b;

    token_start_with_users();
    a = token_session();
    b = token_session_read();
    ck_rv(token_login(a, CKU_SO, ADMIN), CKR_SESSION_READ_ONLY_EXISTS);
    ck_ok(f->C_CloseSession(b));
    ck_ok(token_login(a, CKU_SO, ADMIN));
    ck_assert_uint_eq(state_of(a), CKS_RW_SO_FUNCTIONS);
    ck_rv(f->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &b), CKR_SESSION_READ_WRITE_SO_EXISTS);
    ck_ok(f->C_Logout(a));
    ck_ok(f->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &b));
    token_stop();
}
END_TEST

START_TEST(test_bad_pins_and_users_are_told_apart)
{
    static CK_BYTE longest[2000];
    CK_SESSION_HANDLE s;

    token_start_with_users();
    s = token_session();
    memset(longest, 'x', sizeof longest);
    ck_rv(token_login(s, CKU_USER, "alice:wrong-password"), CKR_PIN_INCORRECT);
    ck_rv(token_login(s, CKU_USER, "nobody:wrong-password"), CKR_PIN_INCORRECT);
    ck_rv(token_login(s, CKU_USER, ADMIN), CKR_PIN_INCORRECT);
    ck_rv(token_login(s, CKU_SO, ALICE), CKR_PIN_INCORRECT);
    ck_rv(token_login(s, CKU_USER, ""), CKR_PIN_INCORRECT);
    ck_rv(token_login(s, CKU_USER, "no-colon-and-no-default-user"), CKR_PIN_INVALID);
    ck_rv(f->C_Login(s, CKU_USER, NULL, 0), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_Login(s, CKU_USER, NULL, 12), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_Login(s, CKU_USER, longest, sizeof longest), CKR_PIN_LEN_RANGE); /* before anybody looks for a colon */
    longest[5] = ':';
    ck_rv(f->C_Login(s, CKU_USER, longest, sizeof longest), CKR_PIN_LEN_RANGE);
    ck_rv(token_login(s, CKU_CONTEXT_SPECIFIC, ALICE), CKR_OPERATION_NOT_INITIALIZED);
    ck_rv(token_login(s, 77, ALICE), CKR_USER_TYPE_INVALID);
    ck_assert_uint_eq(state_of(s), CKS_RW_PUBLIC_SESSION);
    ck_ok(f3->C_LoginUser(s, CKU_USER, (CK_BYTE *)"alice-password", 14, (CK_BYTE *)"alice", 5));
    ck_assert_uint_eq(state_of(s), CKS_RW_USER_FUNCTIONS);
    token_stop();
}
END_TEST

START_TEST(test_pin_without_a_colon_is_the_configured_users)
{
    CK_SESSION_HANDLE s;

    token_start_with_users();
    ck_ok(f->C_Finalize(NULL));
    local_node_free(token_node);
    token_start("login: {user: alice}");
    s = token_session();
    ck_rv(f->C_InitToken(0, (CK_BYTE *)ADMIN, strlen(ADMIN), NULL), CKR_SESSION_EXISTS);
    ck_ok(f->C_CloseSession(s));
    ck_ok(f->C_InitToken(0, (CK_BYTE *)"admin-password", 14, NULL));
    ck_rv(f->C_InitToken(0, (CK_BYTE *)"admin-password", 14, NULL), CKR_FUNCTION_REJECTED);
    s = token_session();
    ck_ok(token_login(s, CKU_SO, ADMIN));
    ck_ok(f->C_InitPIN(s, (CK_BYTE *)"a-password", 10));
    ck_ok(f->C_Logout(s));
    ck_ok(token_login(s, CKU_USER, "a-password"));
    token_stop();
}
END_TEST

START_TEST(test_init_pin_is_the_admins_and_resets_a_password)
{
    CK_SESSION_HANDLE s;

    token_start_with_users();
    s = token_session();
    ck_rv(f->C_InitPIN(s, (CK_BYTE *)ALICE, strlen(ALICE)), CKR_USER_NOT_LOGGED_IN);
    ck_ok(token_login(s, CKU_USER, BOB));
    ck_rv(f->C_InitPIN(s, (CK_BYTE *)ALICE, strlen(ALICE)), CKR_USER_NOT_LOGGED_IN);
    ck_ok(f->C_Logout(s));
    ck_ok(token_login(s, CKU_SO, ADMIN));
    ck_ok(f->C_InitPIN(s, (CK_BYTE *)"alice:another-one", 17));
    ck_rv(f->C_InitPIN(s, (CK_BYTE *)"carl:short", 10), CKR_PIN_LEN_RANGE);
    ck_rv(f->C_InitPIN(s, NULL, 10), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_Logout(s));
    ck_rv(token_login(s, CKU_USER, ALICE), CKR_PIN_INCORRECT);
    ck_ok(token_login(s, CKU_USER, "alice:another-one"));
    token_stop();
}
END_TEST

static CK_RV set_pin(CK_SESSION_HANDLE s, const char *old, const char *new)
{
    return f->C_SetPIN(s, (CK_BYTE *)(uintptr_t)old, strlen(old), (CK_BYTE *)(uintptr_t)new, strlen(new));
}

START_TEST(test_set_pin_changes_ones_own_and_the_login_goes_on)
{
    CK_SESSION_HANDLE s;

    token_start_with_users();
    s = token_alice();
    token_ec(s, true, "kept");
    ck_rv(set_pin(s, "alice:not-it-at-all", "alice:second-password"), CKR_PIN_INCORRECT);
    ck_rv(set_pin(s, BOB, "bob:second-password"), CKR_PIN_INCORRECT);
    ck_rv(set_pin(s, ALICE, "bob:second-password"), CKR_PIN_INVALID);
    ck_rv(set_pin(s, ALICE, "alice:short"), CKR_PIN_LEN_RANGE);
    ck_rv(f->C_SetPIN(s, NULL, 0, NULL, 0), CKR_ARGUMENTS_BAD);
    ck_ok(set_pin(s, ALICE, "alice:second-password"));
    ck_assert_uint_eq(token_count(s, "kept"), 2);
    ck_ok(set_pin(s, "second-password", "third-password")); /* without the name: one's own */
    ck_assert_uint_eq(token_count(s, "kept"), 2);
    ck_ok(f->C_Logout(s));
    ck_rv(token_login(s, CKU_USER, "alice:second-password"), CKR_PIN_INCORRECT);
    ck_ok(set_pin(s, "alice:third-password", ALICE)); /* nobody is logged in: the old PIN says who */
    ck_assert_uint_eq(state_of(s), CKS_RW_PUBLIC_SESSION);
    ck_ok(token_login(s, CKU_USER, ALICE));
    ck_rv(set_pin(token_session_read(), ALICE, ALICE), CKR_SESSION_READ_ONLY);
    token_stop();
}
END_TEST

/* A second process changes the password: this one's login is over, says so, and can be made again. */
START_TEST(test_login_that_is_over_elsewhere_ends_here_and_can_be_made_again)
{
    CK_SESSION_HANDLE s;
    struct client_identity identity;
    const char *servers[] = {"local:1"};
    struct rpc_config config = {.libctx = NULL, .servers = servers, .n_servers = 1, .identity = &identity, .connections = 1,
                                .connect_wait_ms = patient(20000), .reply_wait_ms = patient(60000)};
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__ChangePassword change = HSM__CHANGE_PASSWORD__INIT;
    struct rpc_call call = {.request = &request};
    Hsm__Reply *reply;
    struct rpc *admin;

    token_start_with_users();
    s = token_alice();
    token_ec(s, false, "session key");
    local_node_client(token_node, "admin's", &identity);
    config.dialer = local_node_dialer(token_node);
    ck_assert_int_eq(rpc_new(&config, &admin), ERR_OK);
    ck_assert_int_eq(rpc_login(admin, "admin", (const uint8_t *)"admin-password", 14, true, NULL), ERR_OK);
    request.of_case = HSM__REQUEST__OF_CHANGE_PASSWORD;
    request.change_password = &change;
    change.name = (char *)"alice";
    change.new_password = (ProtobufCBinaryData){.data = (uint8_t *)"other-password", .len = 14};
    ck_assert_int_eq(rpc_call(admin, &call, &reply), ERR_OK);
    rpc_reply_free(reply);
    rpc_free(admin);
    client_identity_clear(&identity);

    ck_ok(f->C_FindObjectsInit(s, NULL, 0));
    {
        CK_OBJECT_HANDLE found[64]; /* more than the module has itself */
        CK_ULONG n;
        ck_rv(f->C_FindObjects(s, found, 64, &n), CKR_USER_NOT_LOGGED_IN);
    }
    ck_assert_uint_eq(state_of(s), CKS_RW_PUBLIC_SESSION);
    ck_assert_uint_eq(token_count(s, "session key"), 1); /* the public half */
    ck_rv(f->C_Logout(s), CKR_USER_NOT_LOGGED_IN);
    ck_ok(token_login(s, CKU_USER, "alice:other-password"));
    token_stop();
}
END_TEST

START_TEST(test_cluster_that_is_away_is_told_and_comes_back)
{
    CK_SESSION_HANDLE s;

    token_connect_wait_ms = 1000;
    token_start_with_users();
    s = token_session();
    local_node_faults(token_node)->dead = true;
    ck_rv(token_login(s, CKU_USER, ALICE), CKR_DEVICE_REMOVED);
    ck_assert_uint_eq(state_of(s), CKS_RW_PUBLIC_SESSION);
    local_node_faults(token_node)->dead = false;
    for (int i = 0; i < 20 && token_login(s, CKU_USER, ALICE) != CKR_OK; i++)
        ;
    ck_assert_uint_eq(state_of(s), CKS_RW_USER_FUNCTIONS);
    ck_ok(f->C_Logout(s)); /* asks nobody */
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_session_needs_the_serial_flag_and_the_slot,
        &test_closed_and_invented_handles_are_invalid,
        &test_sessions_are_counted_and_bounded,
        &test_login_is_the_process_and_ends_with_the_last_session,
        &test_admin_and_read_only_sessions_exclude_each_other,
        &test_bad_pins_and_users_are_told_apart,
        &test_pin_without_a_colon_is_the_configured_users,
        &test_init_pin_is_the_admins_and_resets_a_password,
        &test_set_pin_changes_ones_own_and_the_login_goes_on,
        &test_login_that_is_over_elsewhere_ends_here_and_can_be_made_again,
        &test_cluster_that_is_away_is_told_and_comes_back,
        NULL,
    };
    return suite_of("module_session", 60, tests);
}
