/* Access control from the client's call to the store: the module's rpc, the real engine, the real apply. What vaults decide among
 * themselves is in test_access.c and test_logins.c. */
#include <stdlib.h>
#include <string.h>

#include "module/rpc/rpc.h"
#include "proto/limits.h"
#include "tests/unit/local_node.h"
#include "tests/unit/runner.h"

static struct local_node *node;
static struct client_identity identity;
static struct rpc *admin, *user;

static struct rpc *client_new(void)
{
    static const char *const servers[] = {"local:1"};
    struct rpc_config config = {.servers = servers, .n_servers = 1, .connections = 1,
                                .connect_wait_ms = patient(20000), .reply_wait_ms = patient(20000)};
    struct rpc *r;

    config.identity = &identity;
    config.dialer = local_node_dialer(node);
    ck_assert_int_eq(rpc_new(&config, &r), ERR_OK);
    return r;
}

static ProtobufCBinaryData bytes_of(const char *text)
{
    return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)text, .len = strlen(text)};
}

/* The field that the answer has in *answer, if that is asked for. */
static enum err call(struct rpc *r, const Hsm__Request *request, Hsm__Reply__OfCase *answer)
{
    struct rpc_call c = {.request = request};
    Hsm__Reply *reply = NULL;
    enum err e = rpc_call(r, &c, &reply);

    if (answer != NULL && reply != NULL)
        *answer = reply->of_case;
    rpc_reply_free(reply);
    return e;
}

static enum err login(struct rpc *r, const char *name, const char *password, bool as_admin)
{
    return rpc_login(r, name, (const uint8_t *)password, strlen(password), as_admin, NULL);
}

static enum err activate(const char *password)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Activate body = HSM__ACTIVATE__INIT;

    body.password = bytes_of(password);
    request.of_case = HSM__REQUEST__OF_ACTIVATE;
    request.activate = &body;
    return call(admin, &request, NULL);
}

static enum err create(const char *name)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__UserCreate body = HSM__USER_CREATE__INIT;

    body.name = (char *)(uintptr_t)name;
    body.role = (char *)(uintptr_t)"crypto-user";
    body.password = bytes_of("password");
    request.of_case = HSM__REQUEST__OF_USER_CREATE;
    request.user_create = &body;
    return call(admin, &request, NULL);
}

static enum err delete_user(const char *name)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__UserDelete body = HSM__USER_DELETE__INIT;

    body.name = (char *)(uintptr_t)name;
    request.of_case = HSM__REQUEST__OF_USER_DELETE;
    request.user_delete = &body;
    return call(admin, &request, NULL);
}

static enum err change(struct rpc *r, const char *name, const char *old, const char *new_one, Hsm__Reply__OfCase *answer)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__ChangePassword body = HSM__CHANGE_PASSWORD__INIT;

    body.name = (char *)(uintptr_t)name;
    body.old_password = bytes_of(old);
    body.new_password = bytes_of(new_one);
    request.of_case = HSM__REQUEST__OF_CHANGE_PASSWORD;
    request.change_password = &body;
    return call(r, &request, answer);
}

static enum err probe(struct rpc *r)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Probe body = HSM__PROBE__INIT;

    request.of_case = HSM__REQUEST__OF_PROBE;
    request.probe = &body;
    return call(r, &request, NULL);
}

/* An active cluster, the admin logged in, a user alice who is not. */
static void setup(void)
{
    node = local_node_new(NULL, &engine_product);
    local_node_client(node, "client", &identity);
    admin = client_new();
    user = client_new();
    ck_assert_int_eq(activate("password"), ERR_OK);
    ck_assert_int_eq(login(admin, "admin", "password", true), ERR_OK);
    ck_assert_int_eq(create("alice"), ERR_OK);
}

static void teardown(void)
{
    rpc_free(user);
    rpc_free(admin);
    client_identity_clear(&identity);
    local_node_free(node);
}

START_TEST(test_user_logs_in_and_a_new_connection_goes_on)
{
    setup();
    ck_assert_int_eq(probe(user), ERR_NOT_LOGGED_IN);
    ck_assert_int_eq(login(user, "Alice", "password", false), ERR_OK);
    ck_assert_int_eq(probe(user), ERR_OK);
    local_node_faults(node)->lose_replies = 1;
    ck_assert_int_eq(probe(user), ERR_OK);
    rpc_logout(user);
    ck_assert_int_eq(probe(user), ERR_NOT_LOGGED_IN);
    teardown();
}
END_TEST

START_TEST(test_login_whose_replies_are_lost_gets_in)
{
    setup();
    local_node_faults(node)->lose_replies = 3;
    ck_assert_int_eq(login(user, "alice", "password", false), ERR_OK);
    ck_assert_uint_eq(local_node_faults(node)->lose_replies, 0);
    ck_assert_int_eq(probe(user), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_wrong_password_whose_reply_is_lost_counts_once)
{
    setup();
    for (unsigned i = 0; i < LOGIN_TRIES_MAX; i++) {
        local_node_faults(node)->lose_replies = 1;
        ck_assert_int_eq(login(user, "alice", "wrong", false), ERR_PIN_INCORRECT);
    }
    ck_assert_int_eq(login(user, "alice", "password", false), ERR_PIN_LOCKED);
    ck_assert_int_eq(change(admin, "alice", "", "new password", NULL), ERR_OK);
    ck_assert_int_eq(login(user, "alice", "new password", false), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_login_outlasts_conflicts)
{
    setup();
    local_node_faults(node)->conflicts = 20;
    ck_assert_int_eq(login(user, "alice", "password", false), ERR_OK);
    ck_assert_int_eq(probe(user), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_unknown_name_takes_as_many_proposals_as_a_known_one)
{
    unsigned before, known;
    setup();
    ck_assert_int_eq(login(user, "nobody", "password", false), ERR_PIN_INCORRECT); /* makes its bucket */
    before = local_node_proposals(node);
    ck_assert_int_eq(login(user, "alice", "wrong", false), ERR_PIN_INCORRECT);
    known = local_node_proposals(node) - before;
    before = local_node_proposals(node);
    ck_assert_int_eq(login(user, "nobody", "wrong", false), ERR_PIN_INCORRECT);
    ck_assert_uint_eq(local_node_proposals(node) - before, known);
    ck_assert_uint_eq(known, 2); /* reserved, settled */
    teardown();
}
END_TEST

START_TEST(test_unknown_name_takes_as_many_needs_as_a_known_one)
{
    unsigned before, known;
    setup();
    ck_assert_int_eq(login(user, "nobody", "password", false), ERR_PIN_INCORRECT);
    before = local_node_needs(node);
    ck_assert_int_eq(login(user, "alice", "wrong", false), ERR_PIN_INCORRECT);
    known = local_node_needs(node) - before;
    before = local_node_needs(node);
    ck_assert_int_eq(login(user, "nobody", "wrong", false), ERR_PIN_INCORRECT);
    ck_assert_uint_eq(local_node_needs(node) - before, known);
    teardown();
}
END_TEST

START_TEST(test_deleted_user_is_logged_in_no_more)
{
    setup();
    ck_assert_int_eq(login(user, "alice", "password", false), ERR_OK);
    ck_assert_int_eq(delete_user("alice"), ERR_OK);
    ck_assert_int_eq(probe(user), ERR_TICKET);
    ck_assert_int_eq(create("alice"), ERR_OK); /* another one of that name */
    ck_assert_int_eq(probe(user), ERR_TICKET);
    teardown();
}
END_TEST

static void raise_trust_epoch(Hsm__ClusterBody *body)
{
    body->trust_epoch++;
}

static void revoke_all(Hsm__ClusterBody *body)
{
    body->trust_epoch++;
    while (body->n_client_anchors > 0)
        free(body->client_anchors[--body->n_client_anchors].data);
    free(body->client_anchors);
    body->client_anchors = NULL;
}

START_TEST(test_revoked_anchor_reaches_open_connections)
{
    setup();
    ck_assert_int_eq(login(user, "alice", "password", false), ERR_OK);
    local_node_change_cluster(node, raise_trust_epoch);
    ck_assert_int_eq(probe(user), ERR_OK);
    local_node_change_cluster(node, revoke_all);
    ck_assert_int_eq(probe(user), ERR_TICKET);
    ck_assert_int_eq(delete_user("alice"), ERR_TICKET);
    ck_assert_int_eq(login(user, "alice", "password", false), ERR_CLIENT_CERTIFICATE);
    teardown();
}
END_TEST

START_TEST(test_who_changes_his_own_password_gets_a_fresh_login)
{
    Hsm__Reply__OfCase answer = HSM__REPLY__OF__NOT_SET;
    setup();
    ck_assert_int_eq(login(user, "alice", "password", false), ERR_OK);
    ck_assert_int_eq(change(user, "", "password", "new password", &answer), ERR_OK);
    ck_assert_int_eq(answer, HSM__REPLY__OF_LOGIN);
    ck_assert_int_eq(change(admin, "alice", "", "password again", &answer), ERR_OK);
    ck_assert_int_eq(answer, HSM__REPLY__OF_EMPTY);
    teardown();
}
END_TEST

START_TEST(test_last_admin_waits_for_seconds_and_gets_in)
{
    setup();
    for (unsigned i = 0; i < LOGIN_TRIES_MAX; i++)
        ck_assert_int_eq(login(user, "admin", "wrong", true), ERR_PIN_INCORRECT);
    local_node_pass(LOGIN_SLOW_MS + 1);
    ck_assert_int_eq(login(user, "admin", "password", true), ERR_OK);
    teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_user_logs_in_and_a_new_connection_goes_on,
        &test_login_whose_replies_are_lost_gets_in, &test_wrong_password_whose_reply_is_lost_counts_once, &test_login_outlasts_conflicts,
        &test_unknown_name_takes_as_many_proposals_as_a_known_one, &test_unknown_name_takes_as_many_needs_as_a_known_one,
        &test_deleted_user_is_logged_in_no_more, &test_revoked_anchor_reaches_open_connections,
        &test_who_changes_his_own_password_gets_a_fresh_login, &test_last_admin_waits_for_seconds_and_gets_in, NULL};
    return suite_of("access_node", 60, tests);
}
