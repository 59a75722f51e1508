/* The vault's engine with handlers of the test's own: what a handler asks for comes, what it changes is made once, what a front bends is
 * refused. */
#include <stdlib.h>
#include <string.h>

#include "module/rpc/rpc.h"
#include "proto/frame.pb-c.h"
#include "proto/limits.h"
#include "tests/unit/local_node.h"
#include "tests/unit/own_front.h"
#include "tests/unit/runner.h"
#include "vault/operation/operation.h"
#include "vault/work.h"

static struct local_node *node;
static struct rpc *rpc;

/* What the test's handlers did, and what they are to do. */
static struct {
    unsigned decided, answered;
    uint64_t id;            /* of the record made */
    void *kept[8];          /* what was found kept at each call */
    uint64_t want;          /* a record to be read */
    enum err read;
    size_t reply_bytes;
    bool endless;           /* wants another record at each call */
} did;

static Hsm__Empty nothing = HSM__EMPTY__INIT;

static enum err reply_bytes(struct work *w)
{
    Hsm__BytesReply *bytes = work_memory(w, sizeof *bytes);

    hsm__bytes_reply__init(bytes);
    bytes->value = (ProtobufCBinaryData){.data = work_memory(w, did.reply_bytes), .len = did.reply_bytes};
    work_reply(w)->of_case = HSM__REPLY__OF_BYTES;
    work_reply(w)->bytes = bytes;
    return ERR_OK;
}

static enum err read_decide(struct work *w)
{
    const struct opened_record *record;

    did.decided++;
    if (did.endless)
        return work_record(w, 100 + did.decided, HSM__RECORD_KIND__RECORD_NONE, &record);
    did.read = work_record(w, did.want, HSM__RECORD_KIND__RECORD_NONE, &record);
    if (did.read != ERR_OK && did.read != ERR_NOT_FOUND)
        return did.read;
    return reply_bytes(w);
}

static enum err change_decide(struct work *w)
{
    struct put put = {.kind = HSM__RECORD_KIND__RECORD_GRANT, .version = 1, .body = (const uint8_t *)"body", .body_bytes = 4};
    const struct opened_record *cluster;
    uint8_t result[8];
    enum err e;

    did.kept[did.decided++ % 8] = work_kept(w);
    if (work_kept(w) == NULL)
        work_keep(w, malloc(1), free);
    e = work_record(w, 1, HSM__RECORD_KIND__RECORD_CLUSTER, &cluster);
    if (e == ERR_OK)
        e = work_new_id(w, &put.id);
    if (e != ERR_OK)
        return e;
    did.id = put.id;
    memcpy(result, &put.id, sizeof result);
    e = work_put(w, &put);
    return e == ERR_OK ? work_result(w, result, sizeof result) : e;
}

static enum err change_answer(struct work *w)
{
    const struct opened_record *record;
    uint64_t id;
    enum err e;

    did.answered++;
    memcpy(&id, work_outcome(w)->result.data, sizeof id);
    e = work_record(w, id, HSM__RECORD_KIND__RECORD_GRANT, &record);
    if (e != ERR_OK)
        return e;
    ck_assert_uint_eq(record->text.len, 4);
    work_reply(w)->of_case = HSM__REPLY__OF_EMPTY;
    work_reply(w)->empty = &nothing;
    return ERR_OK;
}

static const struct operation *find(uint32_t number)
{
    static const struct operation read = {read_decide, NULL}, change = {change_decide, change_answer};

    return number == REQUEST_user_list ? &read : number == REQUEST_node_grant ? &change : NULL;
}

static const struct operation *find_none(uint32_t number)
{
    (void)number;
    return NULL;
}

static enum err let_in(struct work *w)
{
    (void)w;
    return ERR_OK;
}

static const struct engine_parts parts = {.operation = find, .node = find_none, .access = let_in};

static void setup(void)
{
    static const char *const servers[] = {"local:1"};
    struct rpc_config config = {.servers = servers, .n_servers = 1, .connections = 1,
                                .connect_wait_ms = patient(5000), .reply_wait_ms = patient(2000)};
    memset(&did, 0, sizeof did);
    did.want = 1;
    node = local_node_new(NULL, &parts);
    config.dialer = local_node_dialer(node);
    ck_assert_int_eq(rpc_new(&config, &rpc), ERR_OK);
}

static void teardown(void)
{
    rpc_free(rpc);
    local_node_free(node);
}

static enum err ask_to_read(Hsm__Reply **reply)
{
    Hsm__UserList list = HSM__USER_LIST__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;
    struct rpc_call call = {.request = &request};
    request.of_case = HSM__REQUEST__OF_USER_LIST;
    request.user_list = &list;
    return rpc_call(rpc, &call, reply);
}

static enum err read_once(void)
{
    Hsm__Reply *reply;
    enum err e = ask_to_read(&reply);
    rpc_reply_free(reply);
    return e;
}

static enum err change_once(void)
{
    Hsm__NodeGrant grant = HSM__NODE_GRANT__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;
    struct rpc_call call = {.request = &request};
    Hsm__Reply *reply;
    enum err e;
    request.of_case = HSM__REQUEST__OF_NODE_GRANT;
    request.node_grant = &grant;
    e = rpc_call(rpc, &call, &reply);
    rpc_reply_free(reply);
    return e;
}

START_TEST(test_record_that_a_handler_wants_comes)
{
    setup();
    ck_assert_int_eq(read_once(), ERR_OK);
    ck_assert_int_eq(did.read, ERR_OK);
    ck_assert_uint_eq(did.decided, 2);
    ck_assert_uint_eq(local_node_needs(node), 1);
    did.want = 77;
    ck_assert_int_eq(read_once(), ERR_OK);
    ck_assert_int_eq(did.read, ERR_NOT_FOUND);
    teardown();
}
END_TEST

START_TEST(test_rounds_of_need_are_bounded)
{
    setup();
    did.endless = true;
    ck_assert_int_eq(read_once(), ERR_LIMIT);
    ck_assert_uint_eq(local_node_needs(node), NEED_ROUNDS_MAX);
    teardown();
}
END_TEST

START_TEST(test_reply_beyond_the_limit_is_an_error_not_a_frame)
{
    Hsm__Reply *reply;
    setup();
    did.reply_bytes = FRAME_BYTES_MAX;
    ck_assert_int_eq(ask_to_read(&reply), ERR_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(reply->detail, "limit"));
    rpc_reply_free(reply);
    did.reply_bytes = 1000;
    ck_assert_int_eq(read_once(), ERR_OK);
    teardown();
}
END_TEST

START_TEST(test_change_is_made_with_an_id_from_a_leased_block)
{
    setup();
    ck_assert_int_eq(change_once(), ERR_OK);
    ck_assert_uint_eq(local_node_proposals(node), 2); /* the block, the command */
    ck_assert_uint_ge(did.id, 2);
    ck_assert_int_eq(change_once(), ERR_OK);
    ck_assert_uint_eq(local_node_proposals(node), 3);
    teardown();
}
END_TEST

START_TEST(test_conflict_is_decided_anew_with_what_was_kept)
{
    setup();
    ck_assert_int_eq(change_once(), ERR_OK);
    memset(&did, 0, sizeof did);
    local_node_faults(node)->conflicts = CONFLICT_RETRIES_MAX;
    ck_assert_int_eq(change_once(), ERR_OK);
    ck_assert_ptr_null(did.kept[0]);
    for (unsigned i = 1; i < did.decided; i++)
        ck_assert_ptr_eq(did.kept[i], did.kept[1]);
    ck_assert_ptr_nonnull(did.kept[1]);
    ck_assert_uint_eq(did.answered, 1);
    teardown();
}
END_TEST

START_TEST(test_more_conflicts_than_that_make_the_client_wait)
{
    unsigned before;
    setup();
    ck_assert_int_eq(change_once(), ERR_OK);
    before = local_node_proposals(node);
    local_node_faults(node)->conflicts = CONFLICT_RETRIES_MAX + 1;
    ck_assert_int_eq(change_once(), ERR_OK); /* ERR_CONFLICT is busy: the client has tried again */
    ck_assert_uint_eq(local_node_proposals(node), before + CONFLICT_RETRIES_MAX + 2);
    ck_assert_uint_eq(did.answered, 2);
    teardown();
}
END_TEST

START_TEST(test_change_whose_reply_was_lost_is_not_made_twice)
{
    uint64_t first;
    unsigned decided;
    setup();
    ck_assert_int_eq(change_once(), ERR_OK);
    decided = did.decided;
    local_node_faults(node)->lose_replies = 1;
    ck_assert_int_eq(change_once(), ERR_OK);
    first = did.id;
    ck_assert_uint_eq(did.answered, 3 + 1); /* the first time it had the record at hand, the second time it asked for it */
    ck_assert_int_eq(change_once(), ERR_OK);
    ck_assert_uint_eq(did.id, first + 1);
    ck_assert_uint_gt(did.decided, decided);
    teardown();
}
END_TEST

/* ---- a front of the test's own */

static struct own_front front;

static void setup_front(bool defers)
{
    setup();
    own_front_init(&front, node, &parts, defers);
}

static void teardown_front(void)
{
    own_front_clear(&front);
    teardown();
}

static void seal(struct channel *c, struct sealed_request *out)
{
    Hsm__UserList list = HSM__USER_LIST__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;

    request.of_case = HSM__REQUEST__OF_USER_LIST;
    request.user_list = &list;
    own_front_seal(c, &request, NULL, out);
}

static void seal_change(struct channel *c, struct sealed_request *out)
{
    Hsm__NodeGrant grant = HSM__NODE_GRANT__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;

    request.of_case = HSM__REQUEST__OF_NODE_GRANT;
    request.node_grant = &grant;
    own_front_seal(c, &request, (const uint8_t *)"sixteen letters!", out);
}

START_TEST(test_front_cannot_replay_alter_or_move_a_request)
{
    struct channel *c;
    struct sealed_request r;
    setup_front(false);
    c = own_front_open(&front, 900);
    seal(c, &r);
    own_front_send(&front, 2, 901, &r, NULL);
    own_front_expect_refused(&front, ERR_CHANNEL_UNKNOWN);
    r.header[r.header_bytes - 1] ^= 1;
    own_front_send(&front, 2, 900, &r, NULL);
    own_front_expect(&front, HSM__VAULT_ANSWER__OF_REFUSED);
    r.header[r.header_bytes - 1] ^= 1;
    r.body.data[0] ^= 1;
    own_front_send(&front, 2, 900, &r, NULL);
    own_front_expect_refused(&front, ERR_FORGED);
    r.body.data[0] ^= 1;
    own_front_send(&front, 2, 900, &r, NULL);
    own_front_expect(&front, HSM__VAULT_ANSWER__OF_NEED);
    own_front_send(&front, 3, 900, &r, NULL);
    own_front_expect_refused(&front, ERR_FORGED);
    buffer_clear(&r.body);
    channel_free(c);
    teardown_front();
}
END_TEST

/* Each bit of the header is the client's word. */
START_TEST(test_no_bit_of_a_header_can_be_turned)
{
    struct channel *c;
    struct sealed_request r;
    setup_front(false);
    c = own_front_open(&front, 900);
    seal_change(c, &r);
    for (size_t bit = 0; bit < 8 * r.header_bytes; bit++) {
        r.header[bit / 8] ^= (uint8_t)(1 << bit % 8);
        own_front_send(&front, 2, 900, &r, NULL);
        own_front_expect(&front, HSM__VAULT_ANSWER__OF_REFUSED);
        r.header[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    own_front_send(&front, 2, 900, &r, NULL);
    own_front_expect(&front, HSM__VAULT_ANSWER__OF_NEED);
    ck_assert_uint_eq(did.decided, 1);
    buffer_clear(&r.body);
    channel_free(c);
    teardown_front();
}
END_TEST

START_TEST(test_header_must_name_the_request_that_is_inside)
{
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
    Hsm__UserList list = HSM__USER_LIST__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;
    struct sealed_request r = {.header_bytes = 0};
    struct channel *c;
    uint8_t text[64];
    setup_front(false);
    c = own_front_open(&front, 900);
    request.of_case = HSM__REQUEST__OF_USER_LIST;
    request.user_list = &list;
    header.kind = HSM__FRAME_KIND__FRAME_REQUEST;
    header.request = REQUEST_node_grant; /* a client that lies about what it asks for, to its front or to us */
    header.request_id = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)"sixteen letters!", .len = 16};
    header.counter = channel_next(c);
    r.header_bytes = hsm__frame_header__pack(&header, r.header);
    ck_assert_int_eq(channel_seal(c, header.counter, r.header, r.header_bytes, text, hsm__request__pack(&request, text), &r.body), ERR_OK);
    own_front_send(&front, 2, 900, &r, NULL);
    own_front_expect_refused(&front, ERR_MALFORMED);
    ck_assert_uint_eq(did.decided, 0);
    buffer_clear(&r.body);
    channel_free(c);
    teardown_front();
}
END_TEST

START_TEST(test_change_without_a_request_id_is_refused)
{
    Hsm__NodeGrant grant = HSM__NODE_GRANT__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;
    struct sealed_request r;
    struct channel *c;
    setup_front(false);
    c = own_front_open(&front, 900);
    request.of_case = HSM__REQUEST__OF_NODE_GRANT;
    request.node_grant = &grant;
    own_front_seal(c, &request, NULL, &r);
    own_front_send(&front, 2, 900, &r, NULL);
    own_front_expect_refused(&front, ERR_MALFORMED);
    buffer_clear(&r.body);
    channel_free(c);
    teardown_front();
}
END_TEST

START_TEST(test_taken_place_refuses_a_second_call_and_a_drop_frees_it)
{
    struct channel *c;
    struct sealed_request a, b;
    setup_front(false);
    c = own_front_open(&front, 900);
    seal(c, &a);
    seal(c, &b);
    own_front_send(&front, 2, 900, &a, NULL);
    own_front_expect(&front, HSM__VAULT_ANSWER__OF_NEED);
    own_front_send(&front, 2 + VAULT_PENDING_MAX, 900, &b, NULL);
    own_front_expect_refused(&front, ERR_LIMIT);
    own_front_drop(&front, 2);
    own_front_expect(&front, HSM__VAULT_ANSWER__OF_DROPPED);
    own_front_send(&front, 2 + VAULT_PENDING_MAX, 900, &b, NULL);
    own_front_expect(&front, HSM__VAULT_ANSWER__OF_NEED);
    buffer_clear(&a.body);
    buffer_clear(&b.body);
    channel_free(c);
    teardown_front();
}
END_TEST

START_TEST(test_no_more_works_wait_than_there_are_places)
{
    struct channel *c;
    struct sealed_request r;
    setup_front(false);
    c = own_front_open(&front, 900);
    for (uint64_t i = 0; i < VAULT_PENDING_MAX; i++) {
        seal(c, &r);
        own_front_send(&front, i, 900, &r, NULL);
        own_front_expect(&front, HSM__VAULT_ANSWER__OF_NEED);
        buffer_clear(&r.body);
    }
    seal(c, &r);
    own_front_send(&front, VAULT_PENDING_MAX + 5, 900, &r, NULL);
    own_front_expect_refused(&front, ERR_LIMIT);
    buffer_clear(&r.body);
    channel_free(c);
    teardown_front(); /* those that wait are forgotten */
}
END_TEST

START_TEST(test_what_nobody_waits_for_has_no_effect)
{
    struct channel *c;
    struct sealed_request r;
    Hsm__Facts none = HSM__FACTS__INIT;
    setup_front(false);
    c = own_front_open(&front, 900);
    own_front_facts(&front, 2, &none);
    ck_assert_ptr_null(front.said);
    own_front_outcome(&front, 2, NULL, 0);
    ck_assert_ptr_null(front.said);
    seal(c, &r);
    own_front_send(&front, 2, 900, &r, NULL);
    own_front_outcome(&front, 2, NULL, 0); /* it waits for facts */
    ck_assert_ptr_null(front.said);
    own_front_facts(&front, 2 + VAULT_PENDING_MAX, &none); /* the place, but not the call */
    ck_assert_ptr_null(front.said);
    own_front_drop(&front, 7);
    own_front_expect(&front, HSM__VAULT_ANSWER__OF_DROPPED);
    buffer_clear(&r.body);
    channel_free(c);
    teardown_front();
}
END_TEST

START_TEST(test_channel_that_was_closed_or_replaced_gets_no_reply)
{
    struct channel *c, *second;
    struct sealed_request r;
    setup_front(false);
    c = own_front_open(&front, 900);
    seal(c, &r);
    own_front_send(&front, 2, 900, &r, NULL);
    second = own_front_open(&front, 900);
    own_front_send(&front, 3, 900, &r, NULL);
    own_front_expect_refused(&front, ERR_FORGED); /* sealed for the one before */
    buffer_clear(&r.body);
    seal(second, &r);
    own_front_send(&front, 3, 900, &r, NULL);
    own_front_expect(&front, HSM__VAULT_ANSWER__OF_NEED);
    own_front_close(&front, 900);
    own_front_facts(&front, 2, &(Hsm__Facts)HSM__FACTS__INIT);
    own_front_answer_need(&front);
    own_front_expect_refused(&front, ERR_CHANNEL_UNKNOWN);
    buffer_clear(&r.body);
    channel_free(c);
    channel_free(second);
    teardown_front();
}
END_TEST

START_TEST(test_forged_record_decides_nothing)
{
    uint8_t bytes[] = "no record at all, but long enough to look like one";
    ProtobufCBinaryData record = {.data = bytes, .len = sizeof bytes};
    Hsm__Facts facts = HSM__FACTS__INIT;
    struct channel *c;
    struct sealed_request r;
    setup_front(false);
    c = own_front_open(&front, 900);
    seal(c, &r);
    facts.records = &record;
    facts.n_records = 1;
    own_front_send(&front, 2, 900, &r, NULL);
    own_front_facts(&front, 2, &facts);
    ck_assert_int_eq(own_front_reply(&front, c, &r, NULL), ERR_MALFORMED);
    ck_assert_uint_eq(did.decided, 1);
    buffer_clear(&r.body);
    channel_free(c);
    teardown_front();
}
END_TEST

START_TEST(test_front_that_brings_nothing_is_asked_a_bounded_number_of_times)
{
    Hsm__Facts none = HSM__FACTS__INIT;
    struct channel *c;
    struct sealed_request r;
    setup_front(false);
    c = own_front_open(&front, 900);
    seal(c, &r);
    own_front_send(&front, 2, 900, &r, NULL);
    for (unsigned i = 0; i < NEED_ROUNDS_MAX; i++) {
        own_front_expect(&front, HSM__VAULT_ANSWER__OF_NEED);
        own_front_facts(&front, 2, &none);
    }
    ck_assert_int_eq(own_front_reply(&front, c, &r, NULL), ERR_LIMIT);
    buffer_clear(&r.body);
    channel_free(c);
    teardown_front();
}
END_TEST

/* The front reads these again before the reply leaves. */
START_TEST(test_reply_says_what_it_rests_on)
{
    struct channel *c;
    struct sealed_request r;
    setup_front(false);
    c = own_front_open(&front, 900);
    for (unsigned i = 0; i < 2; i++) {
        did.want = i == 0 ? 1 : 77;
        seal(c, &r);
        own_front_send(&front, 2, 900, &r, NULL);
        own_front_answer_need(&front);
        ck_assert_int_eq(own_front_reply(&front, c, &r, NULL), ERR_OK);
        ck_assert_uint_eq(front.said->reply->n_used, 1);
        ck_assert_uint_eq(front.said->reply->used[0]->id, did.want);
        ck_assert_uint_eq(front.said->reply->used[0]->version, i == 0 ? 1 : 0);
        buffer_clear(&r.body);
    }
    channel_free(c);
    teardown_front();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_record_that_a_handler_wants_comes, &test_rounds_of_need_are_bounded,
        &test_reply_beyond_the_limit_is_an_error_not_a_frame, &test_change_is_made_with_an_id_from_a_leased_block,
        &test_conflict_is_decided_anew_with_what_was_kept, &test_more_conflicts_than_that_make_the_client_wait,
        &test_change_whose_reply_was_lost_is_not_made_twice, &test_front_cannot_replay_alter_or_move_a_request,
        &test_no_bit_of_a_header_can_be_turned, &test_header_must_name_the_request_that_is_inside,
        &test_change_without_a_request_id_is_refused, &test_taken_place_refuses_a_second_call_and_a_drop_frees_it,
        &test_no_more_works_wait_than_there_are_places, &test_what_nobody_waits_for_has_no_effect,
        &test_channel_that_was_closed_or_replaced_gets_no_reply, &test_forged_record_decides_nothing,
        &test_front_that_brings_nothing_is_asked_a_bounded_number_of_times, &test_reply_says_what_it_rests_on, NULL};
    return suite_of("engine", 60, tests);
}
