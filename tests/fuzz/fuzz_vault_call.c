/* Any calls of a front, against the vault's engine with the product's handlers.
 *
 * An input is a row of calls: u32 length (big endian), then VaultCall (proto/vault.proto). Random bytes open no seal, so what is sealed in
 * life lies open in an input, and is sealed here with the keys of a cluster of our own:
 *   channel_open  an empty message is a genuine one
 *   request       on a connection with such a channel, the body is a packed Request; time_ms says who is logged in: user id << 4 | role
 *   records       the sealed part is the packed body
 *   found         the tokens are those that were asked for
 *                 a session key's sealed record of one byte is that of the newest such object, or of one so many before it
 *   outcome       REPEATED without a result has the one that was proposed under this request id before
 *   check         an empty command is the last one that was proposed
 *   cluster_record (of node)  the record is a packed ClusterBody
 * There are four connections. Where the first call starts a node, it is one without a cluster.
 * tests/fuzz/record_vault_call writes down a real node's calls in this form.
 *
 * What must hold: at most one answer a call; each reply opens for the request that it answers, and is a Reply. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "common/clock.h"
#include "crypto/channel.h"
#include "crypto/eddsa.h"
#include "crypto/post_quantum.h"
#include "proto/frame.pb-c.h"
#include "proto/parameter_set.h"
#include "proto/pkcs11.h"
#include "proto/request.h"
#include "tests/fuzz/key_refs.h"
#include "tests/fuzz/replay.h"
#include "tests/fuzz/wire_mutate.h"
#include "vault/access/access.h"
#include "vault/access/guesses.h"
#include "vault/access/users.h"
#include "vault/engine.h"
#include "vault/ids.h"
#include "vault/keyring.h"
#include "vault/node/node.h"
#include "vault/object/key_cache.h"
#include "vault/operation/operation.h"
#include "vault/record.h"
#include "vault/record_cache.h"
#include "vault/seen.h"

enum { CONNECTIONS = 4, ASKED = 64, REQUESTS_MAX = 64, TOKENS = 16, RESULTS = 16, RESULT_BYTES = 128 };
enum { SESSION_OBJECTS = 8, CALLS_MAX = 256, CALL_BYTES_MAX = 1 << 18 };

static const uint8_t cluster_id[16] = "a fuzzed cluster";

/* One run's world. */
static struct {
    struct vault vault;
    struct engine *engine;
    uint8_t login_public[CHANNEL_KEY_BYTES];
    uint64_t cluster_version;
    struct channel *modules[CONNECTIONS]; /* the other ends */
    struct channel *opening;              /* until the vault has answered */
    struct login login;                   /* of the call that is being made */
    struct {
        uint64_t call, counter;
        uint32_t request;
        struct channel *module;
    } asked[ASKED];
    uint8_t tokens[TOKENS][INDEX_TOKEN_BYTES];
    size_t n_tokens;
    struct {
        uint8_t id[16], bytes[RESULT_BYTES];
        size_t n;
    } results[RESULTS];
    size_t n_results;
    struct buffer session_objects[SESSION_OBJECTS];
    size_t n_session_objects;
    struct buffer proposed;
    unsigned answers;
} x;

/* Of all runs: which requests have been answered, and not by an error. */
static bool served[REQUESTS_MAX];

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* ---- who works */

/* The password's epoch, which begins at random, is what the user's record says; where that is not there yet, access_check asks for it. */
static enum err access_of(struct work *w)
{
    const struct cluster_view *view = keyring_view(x.vault.keyring);
    struct login *login = work_login(w);
    const Hsm__UserBody *user = NULL;
    uint64_t version;

    if (login->user_id == 0) {
        *login = x.login;
        login->trust_epoch = view != NULL && view->body != NULL ? view->body->trust_epoch : 0;
    }
    keyring_view_done(x.vault.keyring, view);
    if (login->user_id != 0 && user_read(w, login->user_id, &user, &version) == ERR_OK)
        login->password_epoch = user->password_epoch;
    return access_check(w);
}

static const struct engine_parts parts = {.operation = operation_find, .node = node_find, .access = access_of, .node_facts = node_facts};

/* ---- answers */

static void note_proposal(const Hsm__Propose *p)
{
    Hsm__Command *command = hsm__command__unpack(NULL, p->command.len, p->command.data);
    Hsm__CommandBody *body = command != NULL ? hsm__command_body__unpack(NULL, command->body.len, command->body.data) : NULL;

    must(body != NULL && body->request_id.len == 16);
    buffer_reset(&x.proposed);
    must(buffer_put(&x.proposed, p->command.data, p->command.len));
    if (body->result.len > 0 && body->result.len <= RESULT_BYTES) {
        size_t at = x.n_results++ % RESULTS;
        memcpy(x.results[at].id, body->request_id.data, 16);
        memcpy(x.results[at].bytes, body->result.data, body->result.len);
        x.results[at].n = body->result.len;
    }
    hsm__command_body__free_unpacked(body, NULL);
    hsm__command__free_unpacked(command, NULL);
}

static void note_need(const Hsm__Need *need)
{
    x.n_tokens = need->n_lookups;
    must(need->n_lookups <= TOKENS && need->n_ids + need->n_lookups > 0);
    for (size_t i = 0; i < need->n_lookups; i++) {
        must(need->lookups[i]->token.len == INDEX_TOKEN_BYTES);
        memcpy(x.tokens[i], need->lookups[i]->token.data, INDEX_TOKEN_BYTES);
    }
}

static void note_session_objects(const Hsm__ObjectsReply *objects)
{
    for (size_t i = 0; i < objects->n_objects; i++) {
        ProtobufCBinaryData sealed = objects->objects[i]->sealed;
        struct buffer *to = &x.session_objects[x.n_session_objects % SESSION_OBJECTS];
        if (sealed.len == 0)
            continue;
        x.n_session_objects++;
        buffer_reset(to);
        must(buffer_put(to, sealed.data, sealed.len));
    }
}

static void check_reply(uint64_t call, const Hsm__Sealed *sealed)
{
    size_t at = call % ASKED;
    struct secret text = {0};
    Hsm__Reply *reply;

    if (x.asked[at].call != call || x.asked[at].module == NULL)
        return;
    must(channel_open_reply(x.asked[at].module, x.asked[at].counter, sealed->body.data, sealed->body.len, &text) == ERR_OK);
    reply = hsm__reply__unpack(NULL, text.len, text.bytes);
    must(reply != NULL && (reply->error == ERR_OK || err_from_wire(reply->error) != ERR_OK));
    if (reply->error == ERR_OK && x.asked[at].request < REQUESTS_MAX)
        served[x.asked[at].request] = true;
    if (reply->of_case == HSM__REPLY__OF_OBJECTS)
        note_session_objects(reply->objects);
    hsm__reply__free_unpacked(reply, NULL);
    secret_clear(&text);
}

static void on_answer(void *arg, const Hsm__VaultAnswer *a)
{
    (void)arg;
    x.answers++;
    if (a->of_case == HSM__VAULT_ANSWER__OF_NEED)
        note_need(a->need);
    else if (a->of_case == HSM__VAULT_ANSWER__OF_PROPOSE)
        note_proposal(a->propose);
    else if (a->of_case == HSM__VAULT_ANSWER__OF_REPLY)
        check_reply(a->call, a->reply);
    else if (a->of_case == HSM__VAULT_ANSWER__OF_OPENED && x.opening != NULL)
        must(channel_read_opened(x.opening, a->opened->message.data, a->opened->message.len, NULL) == ERR_OK);
}

/* ---- the world */

static void give_cluster(void)
{
    EVP_PKEY *login = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    struct secret login_private = {0};
    struct master *master = NULL;
    size_t len = CHANNEL_KEY_BYTES;

    must(login != NULL && secret_new(&login_private, len));
    must(EVP_PKEY_get_raw_private_key(login, login_private.bytes, &len) == 1 &&
         EVP_PKEY_get_raw_public_key(login, x.login_public, &len) == 1);
    must(master_new(NULL, &master) == ERR_OK && master_add(master, 1, NULL) == ERR_OK);
    must(keyring_set_cluster(x.vault.keyring, cluster_id, master, &login_private) == ERR_OK);
    secret_clear(&login_private);
    EVP_PKEY_free(login);
}

/* What a process asks once, when it starts. */
static void probe(void)
{
    static bool done;

    if (!done) {
        post_quantum_probe(NULL);
        eddsa_probe(NULL);
    }
    done = true;
}

static void make_world(void)
{
    struct engine_setup setup = {.vault = &x.vault, .parts = &parts, .answer = on_answer};
    struct secret seal = {0};

    probe();
    memset(&x, 0, sizeof x);
    x.vault.keyring = keyring_new(NULL);
    must(x.vault.keyring != NULL && secret_new(&seal, SEAL_KEY_BYTES));
    keyring_set_seal(x.vault.keyring, SEAL_FILE, &seal);
    x.vault.ids = ids_new();
    x.vault.seen = seen_new();
    x.vault.records = record_cache_new();
    x.vault.guesses = guesses_new(x.vault.libctx);
    x.vault.now_ms = clock_real_ms;
    must(key_cache_new(16, &x.vault.key_cache) == ERR_OK && engine_new(&setup, &x.engine) == ERR_OK);
}

static void end_world(void)
{
    engine_free(x.engine);
    for (size_t i = 0; i < CONNECTIONS; i++)
        channel_free(x.modules[i]);
    key_cache_free(x.vault.key_cache);
    guesses_free(x.vault.guesses);
    record_cache_free(x.vault.records);
    seen_free(x.vault.seen);
    ids_free(x.vault.ids);
    keyring_free(x.vault.keyring);
    for (size_t i = 0; i < SESSION_OBJECTS; i++)
        buffer_clear(&x.session_objects[i]);
    buffer_clear(&x.proposed);
}

/* ---- sealing what lies open: nothing where there is no cluster */

/* Puts the buffer's bytes in the field's place; fields are freed with the call. */
static void replace(ProtobufCBinaryData *field, struct buffer *with)
{
    free(field->data);
    field->data = buffer_take(with, &field->len);
    if (field->data == NULL)
        field->len = 0;
    buffer_clear(with); /* nothing may have been put into some memory */
}

static void seal_record(ProtobufCBinaryData *packed)
{
    const struct cluster_view *view = keyring_view(x.vault.keyring);
    Hsm__Record *record = hsm__record__unpack(NULL, packed->len, packed->data);
    Hsm__RecordHeader *header = record != NULL ? hsm__record_header__unpack(NULL, record->header.len, record->header.data) : NULL;
    struct buffer sealed = {0};

    if (header != NULL && view != NULL) {
        ProtobufCBinaryData id = header->cluster_id, salt = header->salt;
        if (id.len == sizeof cluster_id)
            header->cluster_id = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)cluster_id, .len = sizeof cluster_id};
        if (record_seal(view->master, header, record->sealed.data, record->sealed.len, &sealed) == ERR_OK)
            replace(packed, &sealed);
        header->cluster_id = id;
        header->salt = salt;
    }
    if (header != NULL)
        hsm__record_header__free_unpacked(header, NULL);
    if (record != NULL)
        hsm__record__free_unpacked(record, NULL);
    buffer_clear(&sealed);
    keyring_view_done(x.vault.keyring, view);
}

static void seal_facts(Hsm__Facts *facts)
{
    for (size_t i = 0; i < facts->n_records; i++)
        seal_record(&facts->records[i]);
    for (size_t i = 0; i < facts->n_found && i < x.n_tokens; i++)
        if (facts->found[i]->token.len == INDEX_TOKEN_BYTES)
            memcpy(facts->found[i]->token.data, x.tokens[i], INDEX_TOKEN_BYTES);
}

static void seal_key(void *arg, Hsm__KeyRef *key)
{
    const struct buffer *from;
    struct buffer sealed = {0};

    (void)arg;
    if (key->sealed.len != 1 || key->sealed.data[0] >= x.n_session_objects)
        return;
    from = &x.session_objects[(x.n_session_objects - 1 - key->sealed.data[0]) % SESSION_OBJECTS];
    must(buffer_put(&sealed, from->data, from->len));
    replace(&key->sealed, &sealed);
}

/* The body's keys; which request it is, 0: none. */
static uint32_t seal_keys(ProtobufCBinaryData *body)
{
    Hsm__Request *request = hsm__request__unpack(NULL, body->len, body->data);
    struct buffer packed = {0};
    uint32_t number;

    if (request == NULL)
        return 0;
    number = (uint32_t)request->of_case;
    if (x.n_session_objects > 0) {
        key_refs_each(&request->base, seal_key, NULL);
        hsm__request__pack(request, buffer_extend(&packed, hsm__request__get_packed_size(request)));
        replace(body, &packed);
    }
    hsm__request__free_unpacked(request, NULL);
    return number;
}

static void seal_request(uint64_t call, Hsm__RequestCall *r)
{
    struct channel *module = x.modules[r->connection];
    Hsm__FrameHeader *header = hsm__frame_header__unpack(NULL, r->header.len, r->header.data);
    uint32_t number = seal_keys(&r->body);
    struct buffer head = {0}, body = {0};

    if (module != NULL && header != NULL) {
        header->counter = channel_next(module);
        hsm__frame_header__pack(header, buffer_extend(&head, hsm__frame_header__get_packed_size(header)));
        must(channel_seal(module, header->counter, head.data, head.len, r->body.data, r->body.len, &body) == ERR_OK);
        x.asked[call % ASKED].call = call;
        x.asked[call % ASKED].counter = header->counter;
        x.asked[call % ASKED].module = module;
        x.asked[call % ASKED].request = number;
        replace(&r->header, &head);
        replace(&r->body, &body);
    }
    if (header != NULL)
        hsm__frame_header__free_unpacked(header, NULL);
    buffer_clear(&head);
    buffer_clear(&body);
}

/* A retry's outcome, as a ring that remembers. */
static void seal_outcome(ProtobufCBinaryData *packed)
{
    Hsm__Outcome *o = hsm__outcome__unpack(NULL, packed->len, packed->data);
    Hsm__Command *command = hsm__command__unpack(NULL, x.proposed.len, x.proposed.data);
    Hsm__CommandBody *body = command != NULL ? hsm__command_body__unpack(NULL, command->body.len, command->body.data) : NULL;
    struct buffer again = {0};

    for (size_t i = 0; i < RESULTS && o != NULL && body != NULL && body->request_id.len == 16; i++)
        if (o->status == HSM__OUTCOME_STATUS__OUTCOME_REPEATED && o->result.len == 0 && x.results[i].n > 0 &&
            memcmp(x.results[i].id, body->request_id.data, 16) == 0) {
            o->result = (ProtobufCBinaryData){.data = x.results[i].bytes, .len = x.results[i].n};
            hsm__outcome__pack(o, buffer_extend(&again, hsm__outcome__get_packed_size(o)));
            o->result = (ProtobufCBinaryData){0};
            replace(packed, &again);
            break;
        }
    if (body != NULL)
        hsm__command_body__free_unpacked(body, NULL);
    if (command != NULL)
        hsm__command__free_unpacked(command, NULL);
    if (o != NULL)
        hsm__outcome__free_unpacked(o, NULL);
}

/* ---- calls */

/* The module's end of a new channel; its message goes into the call. */
static void open_module(Hsm__ChannelOpen *open)
{
    struct channel_setup setup = {.server_public = x.login_public, .prologue = CHANNEL_PROLOGUE,
                                  .prologue_bytes = sizeof CHANNEL_PROLOGUE - 1};
    static const uint8_t none[CHANNEL_KEY_BYTES];
    struct buffer message = {0};

    if (open->message.len > 0 || memcmp(x.login_public, none, sizeof none) == 0) /* a node without a cluster has no such key */
        return;
    must(channel_new(&setup, &x.opening) == ERR_OK && channel_write_open(x.opening, NULL, 0, &message) == ERR_OK);
    replace(&open->message, &message);
}

/* It takes the place of the connection's former one. */
static void keep_module(uint64_t connection)
{
    for (size_t i = 0; i < ASKED; i++)
        if (x.asked[i].module == x.modules[connection])
            x.asked[i].module = NULL;
    channel_free(x.modules[connection]);
    x.modules[connection] = x.opening;
    x.opening = NULL;
}

static void tell_cluster(const Hsm__ClusterRecordUpdate *update)
{
    Hsm__ClusterBody *body = hsm__cluster_body__unpack(NULL, update->record.len, update->record.data);

    if (body != NULL)
        (void)keyring_set_body(x.vault.keyring, ++x.cluster_version, body); /* transferred */
}

/* RSA keys take seconds. */
static bool takes_too_long(const Hsm__RequestCall *r)
{
    Hsm__Request *request = hsm__request__unpack(NULL, r->body.len, r->body.data);
    bool rsa = request != NULL && request->of_case == HSM__REQUEST__OF_GENERATE_PAIR && request->generate_pair->mechanism != NULL &&
               request->generate_pair->mechanism->type == CKM_RSA_PKCS_KEY_PAIR_GEN;

    if (request != NULL)
        hsm__request__free_unpacked(request, NULL);
    return rsa;
}

/* There are few connections, so that what is random meets them. */
static void fold_connection(Hsm__VaultCall *call)
{
    if (call->of_case == HSM__VAULT_CALL__OF_CHANNEL_OPEN)
        call->channel_open->connection %= CONNECTIONS;
    if (call->of_case == HSM__VAULT_CALL__OF_CHANNEL_CLOSE)
        call->channel_close->connection %= CONNECTIONS;
    if (call->of_case == HSM__VAULT_CALL__OF_REQUEST)
        call->request->connection %= CONNECTIONS;
}

static void seal_check(Hsm__CheckBatch *check)
{
    for (size_t i = 0; i < check->n_commands; i++) {
        struct buffer copy = {0};
        if (check->commands[i].len > 0 || x.proposed.len == 0)
            continue;
        must(buffer_put(&copy, x.proposed.data, x.proposed.len));
        replace(&check->commands[i], &copy);
    }
}

static void tell(Hsm__VaultCall *call)
{
    fold_connection(call);
    if (call->of_case == HSM__VAULT_CALL__OF_REQUEST && takes_too_long(call->request))
        return;
    if (call->of_case == HSM__VAULT_CALL__OF_NODE && call->node->of_case == HSM__NODE_CALL__OF_CLUSTER_RECORD)
        tell_cluster(call->node->cluster_record);
    if (call->of_case == HSM__VAULT_CALL__OF_CHANNEL_OPEN)
        open_module(call->channel_open);
    if (call->of_case == HSM__VAULT_CALL__OF_REQUEST)
        seal_request(call->call, call->request);
    if (call->of_case == HSM__VAULT_CALL__OF_REQUEST && call->request->facts != NULL)
        seal_facts(call->request->facts);
    if (call->of_case == HSM__VAULT_CALL__OF_FACTS)
        seal_facts(call->facts);
    if (call->of_case == HSM__VAULT_CALL__OF_OUTCOME)
        seal_outcome(&call->outcome->outcome);
    if (call->of_case == HSM__VAULT_CALL__OF_CHECK)
        seal_check(call->check);
    x.login = (struct login){.user_id = call->time_ms >> 4, .role = call->time_ms % 16 <= ROLE_CRYPTO_USER ? call->time_ms % 16 : 0};
    x.answers = 0;
    engine_call(x.engine, call);
    must(x.answers <= 1);
    if (x.opening != NULL)
        keep_module(call->channel_open->connection);
}

static bool starts_a_node(const Hsm__VaultCall *call)
{
    return call->of_case == HSM__VAULT_CALL__OF_NODE && call->node->of_case == HSM__NODE_CALL__OF_START;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct cursor c;

    make_world();
    cursor_init(&c, bytes, n);
    for (unsigned i = 0; i < CALLS_MAX && !cursor_done(&c); i++) {
        size_t len = 0;
        const uint8_t *at = cursor_bytes(&c, CALL_BYTES_MAX, &len);
        Hsm__VaultCall *call = at != NULL ? hsm__vault_call__unpack(NULL, len, at) : NULL;
        if (call == NULL)
            break;
        if (i == 0 && !starts_a_node(call))
            give_cluster();
        tell(call);
        hsm__vault_call__free_unpacked(call, NULL);
    }
    end_world();
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t n, size_t room, unsigned seed)
{
    return wire_mutate(bytes, n, room, seed, LLVMFuzzerMutate);
}

/* Login and resumption are signed over the channel's own beginning, which is new each time. */
static bool is_beyond(uint32_t request)
{
    bool needs_kem = request == REQUEST_encapsulate || request == REQUEST_decapsulate;

    return request == REQUEST_login || request == REQUEST_resume ||
           (needs_kem && !parameter_set_makes_here(CKK_ML_KEM));
}

const char *fuzz_unreached(void)
{
    for (uint32_t i = 0; i < REQUESTS_MAX; i++)
        if (request_find(i) != NULL && !served[i] && !is_beyond(i))
            return request_find(i)->name;
    return NULL;
}
