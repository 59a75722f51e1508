/* C_InitToken of a cluster that is active: refused, unless it may be wiped; then nothing of any user is left, and the token is as a new one
 * whose SO has his PIN. */
#include <string.h>

#include "module/rpc/wipe_call.h"
#include "tests/unit/runner.h"
#include "tests/unit/token.h"
#include "vault/keyring.h"

static void make_wipeable(Hsm__ClusterBody *body)
{
    body->wipeable = true;
}

static void start(void)
{
    token_start_with_users();
    local_node_change_cluster(token_node, make_wipeable);
}

static CK_RV init_token(const char *pin)
{
    return f->C_InitToken(0, (CK_BYTE *)(uintptr_t)pin, strlen(pin), (CK_BYTE *)"another label                   ");
}

static CK_RV init_pin(CK_SESSION_HANDLE s, const char *pin)
{
    return f->C_InitPIN(s, (CK_BYTE *)(uintptr_t)pin, strlen(pin));
}

/* Of all kinds, for who is logged in or nobody. */
static CK_ULONG count_all(CK_SESSION_HANDLE s)
{
    CK_OBJECT_HANDLE found[256];
    CK_ULONG n = 0;

    ck_ok(f->C_FindObjectsInit(s, NULL, 0));
    ck_ok(f->C_FindObjects(s, found, 256, &n));
    ck_ok(f->C_FindObjectsFinal(s));
    return n;
}

static CK_RV sign(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    CK_BYTE digest[32] = "a digest", signature[64];
    CK_ULONG n = sizeof signature;
    CK_RV rv = f->C_SignInit(s, &ecdsa, key);

    return rv == CKR_OK ? f->C_Sign(s, digest, sizeof digest, signature, &n) : rv;
}

/* Alice's and bob's pairs, with public halves that all see; profile objects are the module's own, and stay. */
struct keys {
    CK_ULONG built_in;
    struct token_pair alice, bob;
};

static struct keys make_keys(void)
{
    CK_SESSION_HANDLE s = token_session();
    struct keys k = {.built_in = count_all(s)};

    ck_ok(token_login(s, CKU_USER, ALICE));
    k.alice = token_ec(s, true, "of alice");
    token_hmac_key(s, true, "of alice");
    ck_ok(f->C_Logout(s));
    ck_ok(token_login(s, CKU_USER, BOB));
    k.bob = token_ec(s, true, "of bob");
    ck_ok(f->C_CloseSession(s));
    return k;
}

START_TEST(test_active_cluster_that_may_not_be_wiped_loses_nothing)
{
    struct keys k;
    CK_SESSION_HANDLE s;

    token_start_with_users();
    k = make_keys();
    ck_rv(init_token(ADMIN), CKR_FUNCTION_REJECTED);
    ck_rv(init_token("admin:not-the-password"), CKR_FUNCTION_REJECTED);
    ck_rv(init_token(ALICE), CKR_PIN_INCORRECT);
    s = token_session();
    ck_assert_uint_eq(count_all(s), k.built_in + 2);
    ck_ok(token_login(s, CKU_USER, ALICE));
    ck_ok(sign(s, k.alice.private_key));
    token_stop();
}
END_TEST

START_TEST(test_wiping_wants_an_admins_pin_and_no_session)
{
    struct keys k;
    CK_SESSION_HANDLE s;

    start();
    k = make_keys();
    s = token_session();
    ck_rv(init_token(ADMIN), CKR_SESSION_EXISTS);
    ck_ok(f->C_CloseSession(s));
    ck_rv(init_token("admin:not-the-password"), CKR_PIN_INCORRECT);
    ck_rv(init_token("not-the-password"), CKR_PIN_INCORRECT);
    ck_rv(init_token(ALICE), CKR_PIN_INCORRECT);
    ck_rv(init_token("nobody:some-password"), CKR_PIN_INCORRECT);
    ck_rv(init_token("no colon:"), CKR_PIN_INVALID);
    ck_rv(f->C_InitToken(0, NULL, 0, NULL), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_InitToken(1, (CK_BYTE *)ADMIN, strlen(ADMIN), NULL), CKR_SLOT_ID_INVALID);
    s = token_session();
    ck_assert_uint_eq(count_all(s), k.built_in + 2);
    ck_ok(token_login(s, CKU_USER, ALICE));
    ck_ok(sign(s, k.alice.private_key));
    token_stop();
}
END_TEST

START_TEST(test_wrong_pins_are_counted_as_at_a_login)
{
    CK_SESSION_HANDLE s;
    CK_RV rv = CKR_PIN_INCORRECT;

    start();
    for (int i = 0; i < 8 && rv == CKR_PIN_INCORRECT; i++)
        rv = init_token("alice:not-the-password");
    ck_assert_uint_eq(rv, CKR_PIN_LOCKED);
    s = token_session();
    ck_rv(token_login(s, CKU_USER, ALICE), CKR_PIN_LOCKED);
    token_stop();
}
END_TEST

START_TEST(test_wiped_token_is_as_a_new_one)
{
    struct keys k;
    CK_SESSION_HANDLE s;
    CK_TOKEN_INFO info;
    struct token_pair pair;

    start();
    k = make_keys();
    ck_ok(init_token("admin-password")); /* without a name it is admin's */
    ck_ok(f->C_GetTokenInfo(0, &info));
    ck_assert(info.flags & CKF_TOKEN_INITIALIZED);
    ck_assert(memcmp(info.label, "another label", 13) != 0);
    s = token_session();
    ck_assert_uint_eq(count_all(s), k.built_in);
    ck_rv(token_login(s, CKU_USER, ALICE), CKR_PIN_INCORRECT);
    ck_rv(token_login(s, CKU_USER, BOB), CKR_PIN_INCORRECT);
    ck_ok(token_login(s, CKU_SO, ADMIN));
    ck_ok(init_pin(s, "alice:new-password"));
    ck_ok(f->C_Logout(s));
    ck_ok(token_login(s, CKU_USER, "alice:new-password"));
    ck_assert_uint_eq(count_all(s), k.built_in);
    ck_rv(sign(s, k.alice.private_key), CKR_KEY_HANDLE_INVALID);
    ck_rv(f->C_DestroyObject(s, k.bob.public_key), CKR_OBJECT_HANDLE_INVALID);
    pair = token_ec(s, true, "of the new alice");
    ck_ok(sign(s, pair.private_key));
    ck_rv(init_token(ADMIN), CKR_SESSION_EXISTS);
    ck_ok(f->C_CloseSession(s));
    ck_ok(init_token(ADMIN)); /* it may be wiped again */
    s = token_session();
    ck_assert_uint_eq(count_all(s), k.built_in);
    ck_rv(token_login(s, CKU_USER, "alice:new-password"), CKR_PIN_INCORRECT);
    token_stop();
}
END_TEST

/* ---- what may come between */

static bool is_being_wiped(void)
{
    struct keyring *keyring = local_node_vault(token_node)->keyring;
    const struct cluster_view *view = keyring_view(keyring);
    bool wiping = view->body->wiping;

    keyring_view_done(keyring, view);
    return wiping;
}

/* What a client asks after what it was told. */
START_TEST(test_part_of_which_nobody_knows_is_asked_for_again_a_bounded_number_of_times)
{
    static const enum err unknown[] = {ERR_UNKNOWN_OUTCOME, ERR_CONFLICT, ERR_BORN_TOO_OLD};
    Hsm__WipeReply said = HSM__WIPE_REPLY__INIT;
    Hsm__Reply reply = HSM__REPLY__INIT;
    struct wipe_call w;

    reply.wipe = &said;
    said.more = true;
    said.objects = 3;
    wipe_call_begin(&w, 7);
    ck_assert(w.request.wipe == &w.wipe);
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < WIPE_CALL_MISSES_MAX; j++)
            ck_assert(wipe_call_goes_on(&w, unknown[i], NULL));
        ck_assert_uint_eq(w.wipe.version, i == 0 ? 7 : 0); /* it may not have begun */
        ck_assert(wipe_call_goes_on(&w, ERR_OK, &reply));
        ck_assert_uint_eq(w.wipe.version, 0);
    }
    ck_assert(!wipe_call_goes_on(&w, ERR_WRONG_STATE, NULL));
    for (int j = 0; j < WIPE_CALL_MISSES_MAX; j++)
        ck_assert(wipe_call_goes_on(&w, ERR_CONFLICT, NULL));
    ck_assert(!wipe_call_goes_on(&w, ERR_CONFLICT, NULL));
    said.more = false;
    said.users = 1;
    ck_assert(!wipe_call_goes_on(&w, ERR_OK, &reply));
    ck_assert_uint_eq(w.objects, 12);
    ck_assert_uint_eq(w.users, 1);
}
END_TEST

static void change_nothing(Hsm__ClusterBody *body)
{
    (void)body;
}

/* At the first outcome of all, which is one of the login's. */
static void change_cluster(Hsm__VaultCall *call)
{
    if (call->of_case != HSM__VAULT_CALL__OF_OUTCOME)
        return;
    local_node_faults(token_node)->bend = NULL;
    local_node_change_cluster(token_node, change_nothing);
}

START_TEST(test_cluster_that_changes_before_it_is_wiped_loses_nothing)
{
    struct keys k;
    CK_SESSION_HANDLE s;

    start();
    k = make_keys();
    local_node_faults(token_node)->bend = change_cluster;
    ck_rv(init_token(ADMIN), CKR_FUNCTION_REJECTED);
    ck_assert_ptr_null(local_node_faults(token_node)->bend);
    ck_assert(!is_being_wiped());
    s = token_session();
    ck_assert_uint_eq(count_all(s), k.built_in + 2);
    ck_ok(token_login(s, CKU_USER, ALICE));
    ck_ok(sign(s, k.alice.private_key));
    ck_ok(f->C_CloseSession(s));
    ck_ok(init_token(ADMIN)); /* which looks again */
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_active_cluster_that_may_not_be_wiped_loses_nothing,
        &test_wiping_wants_an_admins_pin_and_no_session,
        &test_wrong_pins_are_counted_as_at_a_login,
        &test_wiped_token_is_as_a_new_one,
        &test_part_of_which_nobody_knows_is_asked_for_again_a_bounded_number_of_times,
        &test_cluster_that_changes_before_it_is_wiped_loses_nothing,
        NULL};
    return suite_of("module wipe", 120, tests);
}
