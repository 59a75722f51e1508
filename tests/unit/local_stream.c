/* The front's part of a local node's connections: frames in, frames out. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "common/clock.h"
#include "proto/frame.h"
#include "proto/request.h"
#include "proto/request.pb-c.h"
#include "tests/unit/local_node_state.h"

struct local_stream {
    struct stream base;
    struct local_node *node;
    uint64_t connection;
    struct buffer in, out;
    bool dead;
};

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
    a = local_node_converse(s->node, &call);
    if (a->of_case == HSM__VAULT_ANSWER__OF_OPENED)
        put(s, HSM__FRAME_KIND__FRAME_OPENED, f->header, a->opened->message.data, a->opened->message.len, 0);
    else
        put(s, HSM__FRAME_KIND__FRAME_REFUSED, f->header, NULL, 0, a->refused->error);
    hsm__vault_answer__free_unpacked(a, NULL);
}

/* What decided the reply is no more as it was. */
static bool is_overtaken(struct local_node *n, const Hsm__Sealed *reply)
{
    for (size_t i = 0; i < reply->n_used; i++)
        if (local_store_version(&n->store, reply->used[i]->id) != reply->used[i]->version)
            return true;
    return false;
}

/* What a front says of its node: here next to nothing. */
static ProtobufCBinaryData status_of(struct buffer *packed)
{
    Hsm__StatusReply status = HSM__STATUS_REPLY__INIT;

    status.node_id = 1;
    hsm__status_reply__pack(&status, buffer_extend(packed, hsm__status_reply__get_packed_size(&status)));
    return (ProtobufCBinaryData){.data = packed->data, .len = packed->len};
}

static void pass_request(struct local_stream *s, const struct frame *f)
{
    struct local_node *n = s->node;
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__RequestCall request = HSM__REQUEST_CALL__INIT;
    Hsm__Facts *facts, bent;
    struct buffer status = {0};
    Hsm__VaultAnswer *a;

    request.connection = s->connection;
    request.header = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)f->header_bytes, .len = f->header_len};
    request.body = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)f->payload, .len = f->payload_len};
    facts = local_store_facts(&n->store, f->header->ids, f->header->n_ids, NULL, 0);
    bent = *facts;
    request.facts = &bent;
    bent.repeated_id = f->header->request_id.len == STORE_ID_BYTES && local_store_knows(&n->store, f->header->request_id.data);
    if (f->header->request == REQUEST_status)
        bent.status = status_of(&status);
    call.of_case = HSM__VAULT_CALL__OF_REQUEST;
    call.request = &request;
    a = local_node_converse(n, &call);
    local_facts_free(facts);
    buffer_clear(&status);
    if (n->faults.lose_replies > 0) {
        n->faults.lose_replies--;
        s->dead = true;
    } else if (a->of_case == HSM__VAULT_ANSWER__OF_REPLY && is_overtaken(n, a->reply)) {
        put(s, HSM__FRAME_KIND__FRAME_REFUSED, f->header, NULL, 0, ERR_CONFLICT);
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
        hsm__vault_answer__free_unpacked(local_node_converse(s->node, &call), NULL);
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
