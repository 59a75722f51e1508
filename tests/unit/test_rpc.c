/* Calls to a cluster, against a node in the same process that misbehaves on purpose. */
#include "module/rpc/rpc.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "module/rpc/connection.h"
#include "module/rpc/gate.h"
#include "proto/limits.h"
#include "tests/unit/fake_node.h"
#include "tests/unit/runner.h"

static OSSL_LIB_CTX *libctx;
static struct fake_node *node;
static struct rpc *rpc;

/* What the vault behind the node has seen. */
static struct {
    pthread_mutex_t lock;
    unsigned done;            /* requests carried out */
    unsigned changes;         /* of them, with a request id that was new */
    uint8_t ids[64][16];
    uint64_t born[64];
    unsigned resumed;
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void note_change(const Hsm__FrameHeader *header)
{
    ck_assert_uint_eq(header->request_id.len, 16);
    for (unsigned i = 0; i < seen.changes; i++)
        if (memcmp(seen.ids[i], header->request_id.data, 16) == 0)
            return;
    ck_assert_uint_lt(seen.changes, 64);
    memcpy(seen.ids[seen.changes], header->request_id.data, 16);
    seen.born[seen.changes++] = header->born_index;
}

static void answer(void *arg, const Hsm__FrameHeader *header, const Hsm__Request *request, const uint8_t *hash, Hsm__Reply *reply)
{
    static Hsm__Empty empty = HSM__EMPTY__INIT;
    (void)arg;
    (void)hash;
    pthread_mutex_lock(&seen.lock);
    ck_assert_uint_eq(header->request, request->of_case);
    seen.done++;
    reply->applied = 1000 + seen.done;
    reply->of_case = HSM__REPLY__OF_EMPTY;
    reply->empty = &empty;
    if (request->of_case == HSM__REQUEST__OF_DESTROY)
        note_change(header);
    else
        ck_assert_uint_eq(header->request_id.len, 0);
    if (request->of_case == HSM__REQUEST__OF_USER_LIST) {
        reply->error = ERR_PERMISSION;
        reply->detail = (char *)"admins only";
    }
    pthread_mutex_unlock(&seen.lock);
}

static void setup(void)
{
    libctx = OSSL_LIB_CTX_new();
    ck_assert(gate_install(NULL));
    node = fake_node_new(libctx, answer, NULL);
    memset(seen.ids, 0, sizeof seen.ids);
    seen.done = seen.changes = 0;
}

static void setup_rpc(void)
{
    static const char *const servers[] = {"down:1", "up:1"};
    struct rpc_config config = {.servers = servers, .n_servers = 2, .connections = 2};
    setup();
    config.libctx = libctx;
    config.connect_wait_ms = patient(3000);
    config.reply_wait_ms = patient(300);
    config.dialer = fake_node_dialer(node);
    ck_assert_int_eq(rpc_new(&config, &rpc), ERR_OK);
}

static void teardown(void)
{
    rpc_free(rpc);
    rpc = NULL;
    fake_node_free(node);
    OSSL_LIB_CTX_free(libctx);
}

static enum err call(Hsm__Request__OfCase what, Hsm__Reply **reply)
{
    Hsm__Destroy destroy = HSM__DESTROY__INIT;
    Hsm__Status status = HSM__STATUS__INIT;
    Hsm__UserList list = HSM__USER_LIST__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;
    struct rpc_call c = {.request = &request};
    request.of_case = what;
    if (what == HSM__REQUEST__OF_DESTROY)
        request.destroy = &destroy;
    else if (what == HSM__REQUEST__OF_USER_LIST)
        request.user_list = &list;
    else
        request.status = &status;
    return rpc_call(rpc, &c, reply);
}

/* The verdict of a call whose reply nobody looks at. */
static enum err verdict(Hsm__Request__OfCase what)
{
    Hsm__Reply *reply = NULL;
    enum err e = call(what, &reply);
    rpc_reply_free(reply);
    return e;
}

static enum err open_one(struct cluster_view *view)
{
    struct connection *c = NULL;
    enum err e = connection_open(fake_node_stream(node), libctx, 1000, view, &c, NULL, NULL);
    connection_close(c, false);
    return e;
}

START_TEST(test_call_reaches_the_vault_past_a_server_that_is_down)
{
    Hsm__Reply *reply = NULL;
    setup_rpc();
    ck_assert_int_eq(call(HSM__REQUEST__OF_STATUS, &reply), ERR_OK);
    ck_assert_int_eq(reply->of_case, HSM__REPLY__OF_EMPTY);
    ck_assert_uint_eq(rpc_applied(rpc), 1001);
    rpc_reply_free(reply);
    teardown();
}
END_TEST

/* Sealing makes the connection's buffer move; what is sealed may not move with it. */
START_TEST(test_requests_of_every_size_open)
{
    static uint8_t data[60000];
    Hsm__Sign sign = HSM__SIGN__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;
    struct rpc_call c = {.request = &request};
    Hsm__Reply *reply;
    setup_rpc();
    request.of_case = HSM__REQUEST__OF_SIGN;
    request.sign = &sign;
    for (size_t n = 1; n <= sizeof data; n = n * 3 + 1) {
        sign.data = (ProtobufCBinaryData){.data = data, .len = n};
        ck_assert_int_eq(rpc_call(rpc, &c, &reply), ERR_OK);
        rpc_reply_free(reply);
    }
    teardown();
}
END_TEST

START_TEST(test_second_call_uses_the_same_connection)
{
    setup_rpc();
    for (unsigned i = 0; i < 10; i++)
        ck_assert_int_eq(verdict(HSM__REQUEST__OF_STATUS), ERR_OK);
    ck_assert_uint_eq(fake_node_dials(node), 1);
    teardown();
}
END_TEST

START_TEST(test_vaults_error_comes_with_its_detail)
{
    Hsm__Reply *reply = NULL;
    setup_rpc();
    ck_assert_int_eq(call(HSM__REQUEST__OF_USER_LIST, &reply), ERR_PERMISSION);
    ck_assert_str_eq(reply->detail, "admins only");
    rpc_reply_free(reply);
    teardown();
}
END_TEST

START_TEST(test_change_whose_reply_is_lost_is_asked_again_with_the_same_id)
{
    setup_rpc();
    ck_assert_int_eq(verdict(HSM__REQUEST__OF_STATUS), ERR_OK);
    fake_node_faults(node)->drop_after = 2;
    ck_assert_int_eq(verdict(HSM__REQUEST__OF_DESTROY), ERR_OK);
    ck_assert_uint_eq(seen.done, 3);    /* carried out twice, by a vault without memory ... */
    ck_assert_uint_eq(seen.changes, 1); /* ... that would have known it by its id */
    ck_assert_uint_eq(seen.born[0], 1001);
    ck_assert_uint_eq(fake_node_dials(node), 2);
    teardown();
}
END_TEST

START_TEST(test_two_changes_have_two_ids)
{
    setup_rpc();
    ck_assert_int_eq(verdict(HSM__REQUEST__OF_DESTROY), ERR_OK);
    ck_assert_int_eq(verdict(HSM__REQUEST__OF_DESTROY), ERR_OK);
    ck_assert_uint_eq(seen.changes, 2);
    teardown();
}
END_TEST

START_TEST(test_node_without_a_lease_sends_the_call_elsewhere)
{
    setup_rpc();
    fake_node_faults(node)->refuse = ERR_TRY_ANOTHER;
    fake_node_faults(node)->refuse_times = 2;
    ck_assert_int_eq(verdict(HSM__REQUEST__OF_STATUS), ERR_OK);
    ck_assert_uint_eq(fake_node_dials(node), 3);
    teardown();
}
END_TEST

START_TEST(test_word_of_a_node_that_may_not_serve_outlives_one_that_is_down)
{
    setup_rpc(); /* whichever of the two is asked last */
    fake_node_faults(node)->refuse = ERR_TRY_ANOTHER;
    fake_node_faults(node)->refuse_times = 1000;
    ck_assert_int_eq(verdict(HSM__REQUEST__OF_STATUS), ERR_TRY_ANOTHER);
    ck_assert_int_eq(verdict(HSM__REQUEST__OF_DESTROY), ERR_TRY_ANOTHER);
    ck_assert_uint_eq(seen.changes, 0);
    teardown();
}
END_TEST

START_TEST(test_busy_node_is_asked_again_on_the_same_connection)
{
    setup_rpc();
    fake_node_faults(node)->refuse = ERR_BUSY;
    fake_node_faults(node)->refuse_times = 3;
    ck_assert_int_eq(verdict(HSM__REQUEST__OF_STATUS), ERR_OK);
    ck_assert_uint_eq(fake_node_dials(node), 1);
    teardown();
}
END_TEST

START_TEST(test_front_cannot_invent_a_verdict)
{
    setup_rpc();
    fake_node_faults(node)->refuse = ERR_PIN_LOCKED; /* in the open, and so not the vault's word */
    fake_node_faults(node)->refuse_times = 1;
    ck_assert_int_eq(verdict(HSM__REQUEST__OF_STATUS), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_altered_reply_is_never_believed)
{
    struct cluster_view view = {0};
    struct connection *c = NULL;
    struct connection_call wire = {.request = 14, .silence_ms = 300};
    Hsm__Reply *reply = NULL;
    setup();
    fake_node_faults(node)->alter_reply = true;
    ck_assert_int_eq(connection_open(fake_node_stream(node), libctx, 1000, &view, &c, NULL, NULL), ERR_OK);
    wire.body = (const uint8_t *)"\x72\x00"; /* Request{status} */
    wire.body_bytes = 2;
    ck_assert_int_eq(connection_call(c, &wire, &reply), ERR_LOST);
    ck_assert_ptr_null(reply);
    ck_assert(connection_is_dead(c));
    connection_close(c, false);
    teardown();
}
END_TEST

START_TEST(test_answer_to_another_request_is_never_believed)
{
    struct cluster_view view = {0};
    struct connection *c = NULL;
    struct connection_call wire = {.request = 14, .silence_ms = 300, .body = (const uint8_t *)"\x72\x00", .body_bytes = 2};
    Hsm__Reply *reply = NULL;
    setup();
    fake_node_faults(node)->swap_replies = true;
    ck_assert_int_eq(connection_open(fake_node_stream(node), libctx, 1000, &view, &c, NULL, NULL), ERR_OK);
    ck_assert_int_eq(connection_call(c, &wire, &reply), ERR_OK);
    rpc_reply_free(reply);
    ck_assert_int_eq(connection_call(c, &wire, &reply), ERR_LOST);
    connection_close(c, false);
    teardown();
}
END_TEST

START_TEST(test_silent_node_is_taken_for_dead)
{
    struct cluster_view view = {0};
    struct connection *c = NULL;
    struct connection_call wire = {.request = 14, .silence_ms = 50, .body = (const uint8_t *)"\x72\x00", .body_bytes = 2};
    Hsm__Reply *reply = NULL;
    setup();
    fake_node_faults(node)->silent = true;
    ck_assert_int_eq(connection_open(fake_node_stream(node), libctx, 1000, &view, &c, NULL, NULL), ERR_OK);
    ck_assert_int_eq(connection_call(c, &wire, &reply), ERR_LOST);
    ck_assert(connection_is_dead(c));
    connection_close(c, false);
    teardown();
}
END_TEST

START_TEST(test_statement_that_the_cluster_key_did_not_sign_is_refused)
{
    struct cluster_view view = {0};
    setup();
    fake_node_faults(node)->forge_statement = true;
    ck_assert_int_eq(open_one(&view), ERR_FORGED);
    ck_assert(!view.known);
    teardown();
}
END_TEST

START_TEST(test_statement_for_another_certificate_is_refused)
{
    struct cluster_view view = {0};
    setup();
    fake_node_faults(node)->other_certificate = true;
    ck_assert_int_eq(open_one(&view), ERR_FORGED);
    teardown();
}
END_TEST

START_TEST(test_certificate_that_is_not_named_after_the_cluster_is_refused)
{
    struct cluster_view view = {0};
    setup();
    fake_node_faults(node)->other_name = true;
    ck_assert_int_eq(open_one(&view), ERR_FORGED);
    teardown();
    setup();
    fake_node_faults(node)->no_name = true; /* a client's, say, by the same authority */
    ck_assert_int_eq(open_one(&view), ERR_FORGED);
    fake_node_faults(node)->pinned = true;
    ck_assert_int_eq(open_one(&view), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_expired_statement_is_refused)
{
    struct cluster_view view = {0};
    setup();
    fake_node_faults(node)->expired_statement = true;
    ck_assert_int_eq(open_one(&view), ERR_FORGED);
    teardown();
}
END_TEST

START_TEST(test_login_key_of_a_lower_epoch_is_refused)
{
    struct cluster_view view = {0};
    setup();
    fake_node_set_epoch(node, 5);
    ck_assert_int_eq(open_one(&view), ERR_OK);
    ck_assert_uint_eq(view.login_epoch, 5);
    fake_node_set_epoch(node, 4);
    ck_assert_int_eq(open_one(&view), ERR_FORGED);
    teardown();
}
END_TEST

START_TEST(test_node_of_another_cluster_is_refused)
{
    struct cluster_view view = {0};
    setup();
    ck_assert_int_eq(open_one(&view), ERR_OK);
    fake_node_set_cluster(node, 9);
    ck_assert_int_eq(open_one(&view), ERR_FORGED);
    teardown();
}
END_TEST

START_TEST(test_cluster_that_is_down_answers_within_the_wait)
{
    static const char *const servers[] = {"down:1", "down:2"};
    struct rpc_config config = {.libctx = libctx, .servers = servers, .n_servers = 2, .connect_wait_ms = 200,
        .reply_wait_ms = 300, .connections = 1};
    setup();
    config.libctx = libctx;
    config.connect_wait_ms = patient(3000);
    config.reply_wait_ms = patient(300);
    config.dialer = fake_node_dialer(node);
    ck_assert_int_eq(rpc_new(&config, &rpc), ERR_OK);
    ck_assert_int_eq(verdict(HSM__REQUEST__OF_STATUS), ERR_LOST);
    teardown();
}
END_TEST

START_TEST(test_one_node_that_forges_does_not_stop_the_others)
{
    setup_rpc();
    fake_node_faults(node)->forge_once = true;
    ck_assert_int_eq(verdict(HSM__REQUEST__OF_STATUS), ERR_OK);
    ck_assert_uint_eq(fake_node_dials(node), 2);
    teardown();
}
END_TEST

static void *many_calls(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < 200; i++)
        ck_assert_int_eq(verdict(HSM__REQUEST__OF_STATUS), ERR_OK);
    return NULL;
}

START_TEST(test_many_threads_share_few_connections)
{
    pthread_t threads[8];
    setup_rpc();
    for (unsigned i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, many_calls, NULL), 0);
    for (unsigned i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(seen.done, 1600);
    ck_assert_uint_le(fake_node_dials(node), 2);
    teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_call_reaches_the_vault_past_a_server_that_is_down,
        &test_requests_of_every_size_open, &test_second_call_uses_the_same_connection, &test_vaults_error_comes_with_its_detail,
        &test_change_whose_reply_is_lost_is_asked_again_with_the_same_id, &test_two_changes_have_two_ids,
        &test_node_without_a_lease_sends_the_call_elsewhere,
        &test_word_of_a_node_that_may_not_serve_outlives_one_that_is_down, &test_busy_node_is_asked_again_on_the_same_connection,
        &test_front_cannot_invent_a_verdict, &test_altered_reply_is_never_believed,
        &test_answer_to_another_request_is_never_believed, &test_silent_node_is_taken_for_dead,
        &test_statement_that_the_cluster_key_did_not_sign_is_refused, &test_statement_for_another_certificate_is_refused,
        &test_certificate_that_is_not_named_after_the_cluster_is_refused, &test_expired_statement_is_refused,
        &test_login_key_of_a_lower_epoch_is_refused, &test_node_of_another_cluster_is_refused,
        &test_cluster_that_is_down_answers_within_the_wait,
        &test_one_node_that_forges_does_not_stop_the_others, &test_many_threads_share_few_connections, NULL};
    return suite_of("rpc", 20, tests);
}
