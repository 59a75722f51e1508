#include "tests/unit/local_node.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/clock.h"
#include "crypto/channel.h"
#include "proto/frame.h"
#include "proto/limits.h"
#include "tests/unit/certificates.h"
#include "tests/unit/local_store.h"
#include "vault/access/guesses.h"
#include "vault/command.h"
#include "vault/ids.h"
#include "vault/keyring.h"
#include "vault/object/key_cache.h"
#include "vault/record.h"
#include "vault/record_cache.h"
#include "vault/seen.h"

/* The engine's answers, one after the other, so that nothing of it is entered from within itself. */
struct letter {
    STAILQ_ENTRY(letter) next;
    Hsm__VaultAnswer *answer;
};

struct local_node {
    OSSL_LIB_CTX *libctx;
    pthread_mutex_t lock;
    struct vault vault;
    struct engine *engine;
    struct local_store store;
    struct local_faults faults;
    uint8_t cluster_id[16];
    EVP_PKEY *cluster_key, *authority_key;
    X509 *certificate, *authority;
    uint8_t *public_key;
    struct stream_peer peer;
    uint8_t login_public[CHANNEL_KEY_BYTES];
    uint64_t calls, connections;
    unsigned proposals, needs;
    STAILQ_HEAD(, letter) letters;
};

struct local_stream {
    struct stream base;
    struct local_node *node;
    uint64_t connection;
    struct buffer in, out;
    bool dead;
};

static uint64_t passed_ms;

static uint64_t now_ms(void)
{
    return clock_real_ms() + passed_ms;
}

void local_node_pass(uint64_t ms)
{
    passed_ms += ms;
}

/* ---- the engine */

static void on_answer(void *arg, const Hsm__VaultAnswer *a)
{
    struct local_node *n = arg;
    size_t bytes = hsm__vault_answer__get_packed_size(a);
    uint8_t *packed = malloc(bytes + 1);
    struct letter *l = malloc(sizeof *l);

    ck_assert_ptr_nonnull(packed);
    hsm__vault_answer__pack(a, packed);
    l->answer = hsm__vault_answer__unpack(NULL, bytes, packed);
    ck_assert_ptr_nonnull(l->answer);
    STAILQ_INSERT_TAIL(&n->letters, l, next);
    free(packed);
}

static Hsm__VaultAnswer *next_answer(struct local_node *n)
{
    struct letter *l = STAILQ_FIRST(&n->letters);
    Hsm__VaultAnswer *a;

    ck_assert_msg(l != NULL, "the engine gives no answer");
    a = l->answer;
    STAILQ_REMOVE_HEAD(&n->letters, next);
    free(l);
    return a;
}

void local_node_call(struct local_node *n, const Hsm__VaultCall *call, void (*answer)(void *arg, const Hsm__VaultAnswer *a), void *arg)
{
    engine_call(n->engine, call);
    while (!STAILQ_EMPTY(&n->letters)) {
        Hsm__VaultAnswer *a = next_answer(n);
        answer(arg, a);
        hsm__vault_answer__free_unpacked(a, NULL);
    }
}

static bool is_good(struct local_node *n, const uint8_t *command, size_t bytes)
{
    const struct cluster_view *view = keyring_view(n->vault.keyring);
    enum err e = command_check(view->master, command, bytes);

    keyring_view_done(n->vault.keyring, view);
    return e == ERR_OK;
}

/* The cluster record as the store has it goes to the keyring. */
static void tell_cluster(struct local_node *n)
{
    const struct cluster_view *view = keyring_view(n->vault.keyring);
    uint64_t id = 1;
    Hsm__Facts *f = local_store_facts(&n->store, &id, 1, NULL, 0);
    Hsm__RecordHeader *header;
    struct secret text = {0};

    ck_assert_uint_eq(f->n_records, 1);
    ck_assert_int_eq(record_open(view->master, f->records[0].data, f->records[0].len, &header, &text), ERR_OK);
    keyring_view_done(n->vault.keyring, view);
    ck_assert_int_eq(
        keyring_set_body(n->vault.keyring, header->version, hsm__cluster_body__unpack(NULL, text.len, text.bytes)), ERR_OK);
    hsm__record_header__free_unpacked(header, NULL);
    secret_clear(&text);
    local_facts_free(f);
}

static void propose(struct local_node *n, const Hsm__Propose *p, struct buffer *outcome)
{
    uint64_t before = local_store_version(&n->store, 1);
    n->proposals++;
    if (n->faults.conflicts > 0) {
        Hsm__Outcome missed = HSM__OUTCOME__INIT;
        n->faults.conflicts--;
        missed.status = HSM__OUTCOME_STATUS__OUTCOME_CONFLICT;
        missed.error = ERR_CONFLICT;
        hsm__outcome__pack(&missed, buffer_extend(outcome, hsm__outcome__get_packed_size(&missed)));
        return;
    }
    local_store_apply(&n->store, p->command.data, p->command.len, is_good(n, p->command.data, p->command.len), now_ms(), outcome);
    if (local_store_version(&n->store, 1) != before)
        tell_cluster(n);
}

static void call_engine(struct local_node *n, Hsm__VaultCall *call)
{
    if (n->faults.bend != NULL)
        n->faults.bend(call);
    engine_call(n->engine, call);
}

/* Brings what the vault asks for, until it has said its last word, which the caller frees. */
static Hsm__VaultAnswer *converse(struct local_node *n, Hsm__VaultCall *call)
{
    n->calls++;
    call->call = n->calls << 16 | n->calls % VAULT_PENDING_MAX;
    call_engine(n, call);
    for (;;) {
        Hsm__VaultAnswer *a = next_answer(n);
        Hsm__VaultCall more = HSM__VAULT_CALL__INIT;
        Hsm__OutcomeCall outcome = HSM__OUTCOME_CALL__INIT;
        struct buffer packed = {0};
        Hsm__Facts *facts, bent; /* a copy, as whoever bends it puts other pointers in */
        ck_assert_uint_eq(a->call, call->call);
        more.call = call->call;
        if (a->of_case == HSM__VAULT_ANSWER__OF_NEED) {
            n->needs++;
            more.of_case = HSM__VAULT_CALL__OF_FACTS;
            facts = local_store_facts(&n->store, a->need->ids, a->need->n_ids, a->need->lookups, a->need->n_lookups);
            bent = *facts;
            more.facts = &bent;
            call_engine(n, &more);
            local_facts_free(facts);
        } else if (a->of_case == HSM__VAULT_ANSWER__OF_PROPOSE) {
            propose(n, a->propose, &packed);
            outcome.outcome = (ProtobufCBinaryData){.data = packed.data, .len = packed.len};
            more.of_case = HSM__VAULT_CALL__OF_OUTCOME;
            more.outcome = &outcome;
            call_engine(n, &more);
            buffer_clear(&packed);
        } else {
            return a;
        }
        hsm__vault_answer__free_unpacked(a, NULL);
    }
}

/* ---- the front's part of a connection */

static void put(struct local_stream *s, Hsm__FrameKind kind, const Hsm__FrameHeader *asked, const void *payload, size_t n, uint32_t error)
{
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;

    header.kind = kind;
    header.exchange = asked->exchange;
    header.counter = asked->counter;
    header.error = error;
    header.applied = s->node->store.index;
    ck_assert(frame_put(&s->out, &header, payload, n));
}

static size_t sign_statement(EVP_PKEY *key, const uint8_t *bytes, size_t n, uint8_t *out, size_t room)
{
    static const char label[] = "clusterhsm login key";
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    ck_assert_int_eq(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL), 1);
    ck_assert_int_eq(EVP_DigestSignUpdate(ctx, label, sizeof label), 1);
    ck_assert_int_eq(EVP_DigestSignUpdate(ctx, bytes, n), 1);
    ck_assert_int_eq(EVP_DigestSignFinal(ctx, out, &room), 1);
    EVP_MD_CTX_free(ctx);
    return room;
}

static void welcome(struct local_stream *s, const Hsm__FrameHeader *asked)
{
    struct local_node *n = s->node;
    Hsm__LoginKeyStatement statement = HSM__LOGIN_KEY_STATEMENT__INIT;
    Hsm__Welcome w = HSM__WELCOME__INIT;
    uint8_t packed[256], signature[128], message[1024];

    statement.cluster_id = (ProtobufCBinaryData){.data = n->cluster_id, .len = sizeof n->cluster_id};
    statement.certificate_hash = (ProtobufCBinaryData){.data = n->peer.certificate_hash, .len = sizeof n->peer.certificate_hash};
    statement.epoch = 1;
    statement.not_before_s = (int64_t)clock_real_s() - 3600;
    statement.not_after_s = (int64_t)clock_real_s() + 3600;
    statement.login_key = (ProtobufCBinaryData){.data = n->login_public, .len = sizeof n->login_public};
    w.version = 1;
    w.cluster_id = statement.cluster_id;
    w.node_id = 1;
    w.applied = n->store.index;
    w.statement = (ProtobufCBinaryData){.data = packed, .len = hsm__login_key_statement__pack(&statement, packed)};
    w.statement_signature.data = signature;
    w.statement_signature.len = sign_statement(n->cluster_key, packed, w.statement.len, signature, sizeof signature);
    put(s, HSM__FRAME_KIND__FRAME_WELCOME, asked, message, hsm__welcome__pack(&w, message), 0);
}

static void open_channel(struct local_stream *s, const struct frame *f)
{
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__ChannelOpen open = HSM__CHANNEL_OPEN__INIT;
    Hsm__VaultAnswer *a;

    open.connection = s->connection;
    open.message = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)f->payload, .len = f->payload_len};
    call.of_case = HSM__VAULT_CALL__OF_CHANNEL_OPEN;
    call.channel_open = &open;
    a = converse(s->node, &call);
    if (a->of_case == HSM__VAULT_ANSWER__OF_OPENED)
        put(s, HSM__FRAME_KIND__FRAME_OPENED, f->header, a->opened->message.data, a->opened->message.len, 0);
    else
        put(s, HSM__FRAME_KIND__FRAME_REFUSED, f->header, NULL, 0, a->refused->error);
    hsm__vault_answer__free_unpacked(a, NULL);
}

static void pass_request(struct local_stream *s, const struct frame *f)
{
    struct local_node *n = s->node;
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__RequestCall request = HSM__REQUEST_CALL__INIT;
    Hsm__Facts *facts, bent;
    Hsm__VaultAnswer *a;

    request.connection = s->connection;
    request.header = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)f->header_bytes, .len = f->header_len};
    request.body = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)f->payload, .len = f->payload_len};
    facts = local_store_facts(&n->store, f->header->ids, f->header->n_ids, NULL, 0);
    bent = *facts;
    request.facts = &bent;
    bent.repeated_id = f->header->request_id.len == STORE_ID_BYTES && local_store_knows(&n->store, f->header->request_id.data);
    call.of_case = HSM__VAULT_CALL__OF_REQUEST;
    call.request = &request;
    a = converse(n, &call);
    local_facts_free(facts);
    if (n->faults.lose_replies > 0) {
        n->faults.lose_replies--;
        s->dead = true;
    } else if (a->of_case == HSM__VAULT_ANSWER__OF_REPLY) {
        put(s, HSM__FRAME_KIND__FRAME_REPLY, f->header, a->reply->body.data, a->reply->body.len, 0);
    } else {
        put(s, HSM__FRAME_KIND__FRAME_REFUSED, f->header, NULL, 0, a->refused->error);
    }
    hsm__vault_answer__free_unpacked(a, NULL);
}

static void on_frame(struct local_stream *s, const struct frame *f)
{
    if (f->header->kind == HSM__FRAME_KIND__FRAME_HELLO)
        welcome(s, f->header);
    else if (f->header->kind == HSM__FRAME_KIND__FRAME_OPEN)
        open_channel(s, f);
    else if (f->header->kind == HSM__FRAME_KIND__FRAME_REQUEST)
        pass_request(s, f);
    else
        ck_abort_msg("a client sent a frame of kind %d", (int)f->header->kind);
}

static long stream_write(struct stream *base, const uint8_t *bytes, size_t n)
{
    struct local_stream *s = (struct local_stream *)base;
    struct frame f = {0};
    size_t taken = 1;

    pthread_mutex_lock(&s->node->lock);
    s->dead = s->dead || s->node->faults.dead;
    ck_assert(buffer_put(&s->in, bytes, n));
    while (!s->dead && taken > 0) {
        ck_assert_int_eq(frame_decode(s->in.data, s->in.len, &f, &taken), ERR_OK);
        if (taken > 0) {
            on_frame(s, &f);
            frame_clear(&f);
            buffer_drop(&s->in, taken);
        }
    }
    pthread_mutex_unlock(&s->node->lock);
    return s->dead ? -1 : (long)n;
}

static long stream_read(struct stream *base, uint8_t *bytes, size_t room)
{
    struct local_stream *s = (struct local_stream *)base;
    size_t n;

    pthread_mutex_lock(&s->node->lock);
    s->dead = s->dead || s->node->faults.dead;
    n = s->out.len < room ? s->out.len : room;
    if (!s->dead && n > 0) {
        memcpy(bytes, s->out.data, n);
        buffer_drop(&s->out, n);
    }
    pthread_mutex_unlock(&s->node->lock);
    return s->dead ? -1 : (long)n;
}

static const struct stream_peer *stream_peer(struct stream *base)
{
    return &((struct local_stream *)base)->node->peer;
}

static bool stream_wait(struct stream *base, bool to_write, unsigned timeout_ms)
{
    (void)base, (void)to_write, (void)timeout_ms; /* what is not there yet never comes */
    return true;
}

static void stream_close(struct stream *base, bool inherited)
{
    struct local_stream *s = (struct local_stream *)base;
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__ChannelClose close = HSM__CHANNEL_CLOSE__INIT;

    if (!inherited) {
        pthread_mutex_lock(&s->node->lock);
        close.connection = s->connection;
        call.of_case = HSM__VAULT_CALL__OF_CHANNEL_CLOSE;
        call.channel_close = &close;
        hsm__vault_answer__free_unpacked(converse(s->node, &call), NULL);
        pthread_mutex_unlock(&s->node->lock);
    }
    buffer_clear(&s->in);
    buffer_clear(&s->out);
    free(s);
}

static const struct stream_ops ops = {
    .write = stream_write, .read = stream_read, .peer = stream_peer, .wait = stream_wait, .close = stream_close};

struct local_dialer {
    struct dialer base;
    struct local_node *node;
};

static enum err dial(struct dialer *base, const char *address, unsigned timeout_ms, struct stream **out, struct diag *why)
{
    struct local_node *n = ((struct local_dialer *)base)->node;
    struct local_stream *s;

    (void)address, (void)timeout_ms;
    if (n->faults.dead) {
        diag_set(why, "the node is dead on purpose");
        return ERR_LOST;
    }
    s = calloc(1, sizeof *s);
    ck_assert_ptr_nonnull(s);
    s->base.ops = &ops;
    s->node = n;
    pthread_mutex_lock(&n->lock);
    s->connection = ++n->connections;
    pthread_mutex_unlock(&n->lock);
    *out = &s->base;
    return ERR_OK;
}

static void dialer_free(struct dialer *base)
{
    free(base);
}

struct dialer *local_node_dialer(struct local_node *n)
{
    struct local_dialer *d = calloc(1, sizeof *d);

    ck_assert_ptr_nonnull(d);
    d->base = (struct dialer){.dial = dial, .free = dialer_free};
    d->node = n;
    return &d->base;
}

/* ---- its life */

static ProtobufCBinaryData der_of(const X509 *cert)
{
    uint8_t *der = NULL;
    int n = i2d_X509(cert, &der);
    ProtobufCBinaryData d = {.data = malloc((size_t)n), .len = (size_t)n};

    ck_assert_int_gt(n, 0);
    memcpy(d.data, der, (size_t)n);
    OPENSSL_free(der);
    return d;
}

/* A command that puts this version of the cluster record. */
static void put_cluster(struct local_node *n, const Hsm__ClusterBody *body, uint64_t version)
{
    const struct cluster_view *view = keyring_view(n->vault.keyring);
    Hsm__RecordHeader header = HSM__RECORD_HEADER__INIT;
    Hsm__CommandBody command = HSM__COMMAND_BODY__INIT;
    Hsm__Change change, *changes[] = {&change};
    uint8_t request_id[16] = "cluster", digest[32] = {0};
    size_t bytes = hsm__cluster_body__get_packed_size(body);
    uint8_t *packed = malloc(bytes + 1);
    struct buffer record = {0}, sealed = {0}, outcome = {0};
    Hsm__Outcome *out;

    hsm__cluster_body__pack(body, packed);
    hsm__change__init(&change);
    request_id[15] = (uint8_t)version;
    header.cluster_id = command.cluster_id = (ProtobufCBinaryData){.data = n->cluster_id, .len = sizeof n->cluster_id};
    header.request_id = command.request_id = (ProtobufCBinaryData){.data = request_id, .len = sizeof request_id};
    header.id = 1;
    header.kind = HSM__RECORD_KIND__RECORD_CLUSTER;
    header.version = version;
    ck_assert_int_eq(record_seal(view->master, &header, packed, bytes, &record), ERR_OK);
    change.of_case = HSM__CHANGE__OF_PUT;
    change.put = (ProtobufCBinaryData){.data = record.data, .len = record.len};
    command.changes = changes;
    command.n_changes = 1;
    command.born_index = n->store.index;
    command.digest = (ProtobufCBinaryData){.data = digest, .len = sizeof digest};
    ck_assert_int_eq(command_seal(view->master, &command, &sealed), ERR_OK);
    keyring_view_done(n->vault.keyring, view);
    local_store_apply(&n->store, sealed.data, sealed.len, true, now_ms(), &outcome);
    out = hsm__outcome__unpack(NULL, outcome.len, outcome.data);
    ck_assert_int_eq(out->status, HSM__OUTCOME_STATUS__OUTCOME_DONE);
    hsm__outcome__free_unpacked(out, NULL);
    buffer_clear(&record);
    buffer_clear(&sealed);
    buffer_clear(&outcome);
    free(packed);
    tell_cluster(n);
}

void local_node_change_cluster(struct local_node *n, void (*change)(Hsm__ClusterBody *body))
{
    const struct cluster_view *view = keyring_view(n->vault.keyring);
    size_t bytes = hsm__cluster_body__get_packed_size(view->body);
    uint8_t *packed = malloc(bytes + 1);
    uint64_t version = view->version;
    Hsm__ClusterBody *body;

    hsm__cluster_body__pack(view->body, packed);
    keyring_view_done(n->vault.keyring, view);
    body = hsm__cluster_body__unpack(NULL, bytes, packed);
    change(body);
    put_cluster(n, body, version + 1);
    hsm__cluster_body__free_unpacked(body, NULL);
    free(packed);
}

static void make_cluster(struct local_node *n)
{
    Hsm__ClusterBody body;
    ProtobufCBinaryData anchor;
    EVP_PKEY *login = EVP_PKEY_Q_keygen(n->libctx, NULL, "X25519");
    struct secret login_private = {0};
    struct master *master;
    size_t len = CHANNEL_KEY_BYTES;

    hsm__cluster_body__init(&body);
    memcpy(n->cluster_id, "a local cluster!", sizeof n->cluster_id);
    ck_assert_int_eq(master_new(n->libctx, &master), ERR_OK);
    ck_assert_int_eq(master_add(master, 1, NULL), ERR_OK);
    ck_assert(secret_new(&login_private, CHANNEL_KEY_BYTES));
    ck_assert_int_eq(EVP_PKEY_get_raw_private_key(login, login_private.bytes, &len), 1);
    ck_assert_int_eq(EVP_PKEY_get_raw_public_key(login, n->login_public, &len), 1);
    EVP_PKEY_free(login);
    ck_assert_int_eq(keyring_set_cluster(n->vault.keyring, n->cluster_id, master, &login_private), ERR_OK);
    secret_clear(&login_private);
    body.cluster_certificate = der_of(n->certificate);
    anchor = body.customer_anchor = der_of(n->authority);
    body.client_anchors = &anchor;
    body.n_client_anchors = 1;
    body.trust_epoch = body.login_key_epoch = 1;
    body.next_node_id = 2;
    put_cluster(n, &body, 1);
    free(body.cluster_certificate.data);
    free(body.customer_anchor.data);
}

struct local_node *local_node_new(OSSL_LIB_CTX *libctx, const struct engine_parts *parts)
{
    struct local_node *n = calloc(1, sizeof *n);
    struct engine_setup setup = {.parts = parts, .answer = on_answer};
    unsigned hash_bytes = sizeof n->peer.certificate_hash;
    int der;

    ck_assert_ptr_nonnull(n);
    passed_ms = 0;
    n->libctx = libctx;
    pthread_mutex_init(&n->lock, NULL);
    STAILQ_INIT(&n->letters);
    n->authority_key = test_key_new();
    n->authority = test_certificate_new("local authority", n->authority_key, NULL, NULL);
    n->cluster_key = test_key_new();
    n->certificate = test_certificate_new("local cluster", n->cluster_key, n->authority, n->authority_key);
    ck_assert_int_eq(X509_digest(n->certificate, EVP_sha256(), n->peer.certificate_hash, &hash_bytes), 1);
    der = i2d_PUBKEY(n->cluster_key, &n->public_key);
    ck_assert_int_gt(der, 0);
    n->peer.key = n->public_key;
    n->peer.key_bytes = (size_t)der;
    local_store_open(&n->store);
    n->vault = (struct vault){.libctx = libctx, .keyring = keyring_new(libctx), .ids = ids_new(), .seen = seen_new(),
                              .records = record_cache_new(), .guesses = guesses_new(), .now_ms = now_ms};
    ck_assert_int_eq(key_cache_new(64, &n->vault.key_cache), ERR_OK);
    make_cluster(n);
    setup.vault = &n->vault;
    setup.arg = n;
    ck_assert_int_eq(engine_new(&setup, &n->engine), ERR_OK);
    return n;
}

void local_node_free(struct local_node *n)
{
    engine_free(n->engine);
    keyring_free(n->vault.keyring);
    ids_free(n->vault.ids);
    seen_free(n->vault.seen);
    record_cache_free(n->vault.records);
    guesses_free(n->vault.guesses);
    key_cache_free(n->vault.key_cache);
    local_store_close(&n->store);
    EVP_PKEY_free(n->cluster_key);
    EVP_PKEY_free(n->authority_key);
    X509_free(n->certificate);
    X509_free(n->authority);
    OPENSSL_free(n->public_key);
    free(n);
}

struct local_faults *local_node_faults(struct local_node *n)
{
    return &n->faults;
}

struct vault *local_node_vault(struct local_node *n)
{
    return &n->vault;
}

unsigned local_node_proposals(const struct local_node *n)
{
    return n->proposals;
}

unsigned local_node_needs(const struct local_node *n)
{
    return n->needs;
}

void local_node_client(struct local_node *n, const char *name, struct client_identity *out)
{
    *out = (struct client_identity){.libctx = n->libctx, .key = test_key_new()};
    out->certificate = test_certificate_new(name, out->key, n->authority, n->authority_key);
    out->chain = sk_X509_new_null();
    out->roots = sk_X509_new_null();
    X509_up_ref(n->authority);
    sk_X509_push(out->roots, n->authority);
}
