/* The vault's engine with handlers of the test's own: what a handler asks for comes, what it changes is made once, what a front bends is
 * refused. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "crypto/channel.h"
#include "module/rpc/rpc.h"
#include "proto/frame.pb-c.h"
#include "proto/limits.h"
#include "tests/unit/local_node.h"
#include "tests/unit/runner.h"
#include "vault/keyring.h"
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
    struct rpc_config config = {.servers = servers, .n_servers = 1, .connect_wait_ms = 5000, .reply_wait_ms = 2000, .connections = 1};
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

static Hsm__VaultAnswer *said;

static void hear(void *arg, const Hsm__VaultAnswer *a)
{
    size_t n = hsm__vault_answer__get_packed_size(a);
    uint8_t *packed = malloc(n + 1);
    (void)arg;
    if (said != NULL)
        hsm__vault_answer__free_unpacked(said, NULL);
    hsm__vault_answer__pack(a, packed);
    said = hsm__vault_answer__unpack(NULL, n, packed);
    free(packed);
}

static void tell(Hsm__VaultCall *call)
{
    local_node_call(node, call, hear, NULL);
}

static void forget(void)
{
    if (said != NULL)
        hsm__vault_answer__free_unpacked(said, NULL);
    said = NULL;
}

/* A channel on connection 900, opened through the front. */
static struct channel *open_channel(void)
{
    const struct cluster_view *view = keyring_view(local_node_vault(node)->keyring);
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, view->login_private->bytes, view->login_private->len);
    struct channel_setup s = {.prologue = CHANNEL_PROLOGUE, .prologue_bytes = sizeof CHANNEL_PROLOGUE - 1};
    uint8_t public_key[CHANNEL_KEY_BYTES];
    size_t n = sizeof public_key;
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__ChannelOpen open = HSM__CHANNEL_OPEN__INIT;
    struct buffer message = {0};
    struct channel *c;

    keyring_view_done(local_node_vault(node)->keyring, view);
    ck_assert_int_eq(EVP_PKEY_get_raw_public_key(key, public_key, &n), 1);
    EVP_PKEY_free(key);
    s.server_public = public_key;
    ck_assert_int_eq(channel_new(&s, &c), ERR_OK);
    ck_assert_int_eq(channel_write_open(c, NULL, 0, &message), ERR_OK);
    open.connection = 900;
    open.message = (ProtobufCBinaryData){.data = message.data, .len = message.len};
    call.call = 1;
    call.of_case = HSM__VAULT_CALL__OF_CHANNEL_OPEN;
    call.channel_open = &open;
    tell(&call);
    ck_assert_int_eq(said->of_case, HSM__VAULT_ANSWER__OF_OPENED);
    ck_assert_int_eq(channel_read_opened(c, said->opened->message.data, said->opened->message.len, NULL), ERR_OK);
    buffer_clear(&message);
    return c;
}

/* A request as it comes to the front. */
struct sealed_request {
    uint8_t header[256];
    size_t header_bytes;
    struct buffer body;
};

static void seal(struct channel *c, struct sealed_request *out)
{
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
    Hsm__UserList list = HSM__USER_LIST__INIT;
    Hsm__Request request = HSM__REQUEST__INIT;
    uint8_t text[64];

    memset(out, 0, sizeof *out);
    request.of_case = HSM__REQUEST__OF_USER_LIST;
    request.user_list = &list;
    header.kind = HSM__FRAME_KIND__FRAME_REQUEST;
    header.counter = channel_next(c);
    header.request = REQUEST_user_list;
    out->header_bytes = hsm__frame_header__pack(&header, out->header);
    ck_assert_int_eq(
        channel_seal(c, header.counter, out->header, out->header_bytes, text, hsm__request__pack(&request, text), &out->body), ERR_OK);
}

static void send(uint64_t number, uint64_t connection, struct sealed_request *r)
{
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__RequestCall request = HSM__REQUEST_CALL__INIT;

    request.connection = connection;
    request.header = (ProtobufCBinaryData){.data = r->header, .len = r->header_bytes};
    request.body = (ProtobufCBinaryData){.data = r->body.data, .len = r->body.len};
    call.call = number;
    call.of_case = HSM__VAULT_CALL__OF_REQUEST;
    call.request = &request;
    tell(&call);
}

static void expect_refused(enum err why)
{
    ck_assert_int_eq(said->of_case, HSM__VAULT_ANSWER__OF_REFUSED);
    ck_assert_str_eq(err_name(err_from_wire(said->refused->error)), err_name(why));
}

START_TEST(test_front_cannot_replay_alter_or_move_a_request)
{
    struct channel *c;
    struct sealed_request r;
    setup();
    c = open_channel();
    seal(c, &r);
    send(2, 901, &r);
    expect_refused(ERR_CHANNEL_UNKNOWN);
    r.header[r.header_bytes - 1] ^= 1;
    send(2, 900, &r);
    ck_assert_int_eq(said->of_case, HSM__VAULT_ANSWER__OF_REFUSED);
    r.header[r.header_bytes - 1] ^= 1;
    r.body.data[0] ^= 1;
    send(2, 900, &r);
    expect_refused(ERR_FORGED);
    r.body.data[0] ^= 1;
    send(2, 900, &r);
    ck_assert_int_eq(said->of_case, HSM__VAULT_ANSWER__OF_NEED);
    send(3, 900, &r);
    expect_refused(ERR_FORGED);
    buffer_clear(&r.body);
    channel_free(c);
    forget();
    teardown();
}
END_TEST

START_TEST(test_taken_place_refuses_a_second_call_and_a_drop_frees_it)
{
    Hsm__VaultCall drop = HSM__VAULT_CALL__INIT;
    Hsm__Drop none = HSM__DROP__INIT;
    struct channel *c;
    struct sealed_request a, b;
    setup();
    c = open_channel();
    seal(c, &a);
    seal(c, &b);
    send(2, 900, &a);
    ck_assert_int_eq(said->of_case, HSM__VAULT_ANSWER__OF_NEED);
    send(2 + VAULT_PENDING_MAX, 900, &b);
    expect_refused(ERR_LIMIT);
    drop.call = 2;
    drop.of_case = HSM__VAULT_CALL__OF_DROP;
    drop.drop = &none;
    tell(&drop);
    ck_assert_int_eq(said->of_case, HSM__VAULT_ANSWER__OF_DROPPED);
    send(2 + VAULT_PENDING_MAX, 900, &b);
    ck_assert_int_eq(said->of_case, HSM__VAULT_ANSWER__OF_NEED);
    buffer_clear(&a.body);
    buffer_clear(&b.body);
    channel_free(c);
    forget();
    teardown();
}
END_TEST

/* Facts as a front likes them, for the call that waits. */
static void give(uint64_t number, ProtobufCBinaryData *records, size_t n)
{
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__Facts facts = HSM__FACTS__INIT;
    facts.records = records;
    facts.n_records = n;
    facts.applied = 9;
    call.call = number;
    call.of_case = HSM__VAULT_CALL__OF_FACTS;
    call.facts = &facts;
    tell(&call);
}

static enum err reply_error(struct channel *c, uint64_t counter)
{
    struct secret text = {0};
    Hsm__Reply *reply;
    enum err e;
    ck_assert_int_eq(said->of_case, HSM__VAULT_ANSWER__OF_REPLY);
    ck_assert_int_eq(channel_open_reply(c, counter, said->reply->body.data, said->reply->body.len, &text), ERR_OK);
    reply = hsm__reply__unpack(NULL, text.len, text.bytes);
    e = err_from_wire(reply->error);
    hsm__reply__free_unpacked(reply, NULL);
    secret_clear(&text);
    return e;
}

START_TEST(test_forged_record_decides_nothing)
{
    uint8_t bytes[] = "no record at all, but long enough to look like one";
    ProtobufCBinaryData record = {.data = bytes, .len = sizeof bytes};
    struct channel *c;
    struct sealed_request r;
    setup();
    c = open_channel();
    seal(c, &r);
    send(2, 900, &r);
    give(2, &record, 1);
    ck_assert_int_eq(reply_error(c, 0), ERR_MALFORMED);
    buffer_clear(&r.body);
    channel_free(c);
    forget();
    teardown();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_record_that_a_handler_wants_comes, &test_rounds_of_need_are_bounded,
        &test_reply_beyond_the_limit_is_an_error_not_a_frame, &test_change_is_made_with_an_id_from_a_leased_block,
        &test_conflict_is_decided_anew_with_what_was_kept, &test_more_conflicts_than_that_make_the_client_wait,
        &test_change_whose_reply_was_lost_is_not_made_twice, &test_front_cannot_replay_alter_or_move_a_request,
        &test_taken_place_refuses_a_second_call_and_a_drop_frees_it, &test_forged_record_decides_nothing, NULL};
    return suite_of("engine", 60, tests);
}
