#include "tests/unit/fake_node.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/buffer.h"
#include "common/clock.h"
#include "crypto/channel.h"
#include "proto/frame.h"

struct fake_node {
    OSSL_LIB_CTX *libctx;
    fake_answer *answer;
    void *arg;
    struct fake_faults faults;
    EVP_PKEY *cluster_key;
    uint8_t *cluster_public;
    struct stream_peer peer;
    struct secret login_private;
    uint8_t login_public[CHANNEL_KEY_BYTES];
    uint64_t epoch;
    uint8_t cluster;
    _Atomic unsigned dials; /* streams may be of several threads */
    _Atomic unsigned requests;
};

struct fake_stream {
    struct stream base;
    struct fake_node *node;
    struct stream_peer peer;
    struct channel *channel;
    struct buffer in;
    struct buffer out;
    struct buffer first_reply;
    bool dead;
};

struct fake_dialer {
    struct dialer base;
    struct fake_node *node;
};

static void put(struct fake_stream *s, Hsm__FrameKind kind, const Hsm__FrameHeader *asked, const void *payload, size_t n, uint32_t error)
{
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
    header.kind = kind;
    header.exchange = asked->exchange;
    header.counter = asked->counter;
    header.error = error;
    ck_assert(frame_put(&s->out, &header, payload, n));
}

static size_t sign(EVP_PKEY *key, const uint8_t *bytes, size_t n, uint8_t *out, size_t room)
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

static void welcome(struct fake_stream *s, const Hsm__FrameHeader *asked)
{
    struct fake_node *n = s->node;
    Hsm__LoginKeyStatement statement = HSM__LOGIN_KEY_STATEMENT__INIT;
    Hsm__Welcome w = HSM__WELCOME__INIT;
    uint8_t cluster_id[16] = {n->cluster}, hash[32], packed[256], signature[128], message[1024];
    int64_t now = (int64_t)clock_real_s();

    memcpy(hash, n->peer.certificate_hash, sizeof hash);
    hash[0] ^= n->faults.other_certificate;
    statement.cluster_id = (ProtobufCBinaryData){.data = cluster_id, .len = sizeof cluster_id};
    statement.certificate_hash = (ProtobufCBinaryData){.data = hash, .len = sizeof hash};
    statement.epoch = n->epoch;
    statement.not_before_s = now - 3600;
    statement.not_after_s = n->faults.expired_statement ? now - 1 : now + 3600;
    statement.login_key = (ProtobufCBinaryData){.data = n->login_public, .len = sizeof n->login_public};
    w.statement.data = packed;
    w.statement.len = hsm__login_key_statement__pack(&statement, packed);
    w.statement_signature.data = signature;
    w.statement_signature.len = sign(n->cluster_key, packed, w.statement.len, signature, sizeof signature);
    signature[w.statement_signature.len - 1] ^= n->faults.forge_statement || n->faults.forge_once;
    n->faults.forge_once = false;
    w.version = 1;
    put(s, HSM__FRAME_KIND__FRAME_WELCOME, asked, message, hsm__welcome__pack(&w, message), 0);
}

static void accept_channel(struct fake_stream *s, const struct frame *f)
{
    struct channel_setup setup = {.libctx = s->node->libctx,
        .server_private = &s->node->login_private,
        .prologue = CHANNEL_PROLOGUE,
        .prologue_bytes = sizeof CHANNEL_PROLOGUE - 1};
    struct buffer answer = {0};
    ck_assert_int_eq(channel_new(&setup, &s->channel), ERR_OK);
    if (channel_accept(s->channel, f->payload, f->payload_len, NULL, NULL, 0, &answer) == ERR_OK)
        put(s, HSM__FRAME_KIND__FRAME_OPENED, f->header, answer.data, answer.len, 0);
    else
        put(s, HSM__FRAME_KIND__FRAME_REFUSED, f->header, NULL, 0, ERR_FORGED);
    buffer_clear(&answer);
}

static void answer_request(struct fake_stream *s, const struct frame *f)
{
    struct fake_node *n = s->node;
    struct secret body = {0};
    struct buffer sealed = {0};
    Hsm__Reply reply = HSM__REPLY__INIT;
    Hsm__Request *request;
    uint8_t packed[8192];

    n->requests++;
    if (n->faults.silent)
        return;
    if (n->faults.refuse != 0 && n->faults.refuse_times > 0) {
        n->faults.refuse_times--;
        put(s, HSM__FRAME_KIND__FRAME_REFUSED, f->header, NULL, 0, n->faults.refuse);
        return;
    }
    ck_assert_int_eq(
        channel_open(s->channel, f->header->counter, f->header_bytes, f->header_len, f->payload, f->payload_len, &body), ERR_OK);
    request = hsm__request__unpack(NULL, body.len, body.bytes);
    ck_assert_ptr_nonnull(request);
    n->answer(n->arg, f->header, request, channel_hash(s->channel), &reply);
    ck_assert_uint_le(hsm__reply__get_packed_size(&reply), sizeof packed);
    ck_assert_int_eq(
        channel_seal_reply(s->channel, f->header->counter, packed, hsm__reply__pack(&reply, packed), &sealed), ERR_OK);
    hsm__request__free_unpacked(request, NULL);
    secret_clear(&body);
    if (n->faults.drop_after != 0 && n->requests >= n->faults.drop_after) {
        n->faults.drop_after = 0;
        s->dead = true;
    }
    sealed.data[sealed.len - 1] ^= n->faults.alter_reply;
    if (n->faults.swap_replies && s->first_reply.len == 0)
        buffer_put(&s->first_reply, sealed.data, sealed.len);
    if (n->faults.swap_replies)
        put(s, HSM__FRAME_KIND__FRAME_REPLY, f->header, s->first_reply.data, s->first_reply.len, 0);
    else
        put(s, HSM__FRAME_KIND__FRAME_REPLY, f->header, sealed.data, sealed.len, 0);
    buffer_clear(&sealed);
}

static void on_frame(struct fake_stream *s, const struct frame *f)
{
    if (f->header->kind == HSM__FRAME_KIND__FRAME_HELLO)
        welcome(s, f->header);
    else if (f->header->kind == HSM__FRAME_KIND__FRAME_OPEN)
        accept_channel(s, f);
    else if (f->header->kind == HSM__FRAME_KIND__FRAME_REQUEST)
        answer_request(s, f);
    else
        ck_abort_msg("a client sent a frame of kind %d", (int)f->header->kind);
}

static long stream_write(struct stream *base, const uint8_t *bytes, size_t n)
{
    struct fake_stream *s = (struct fake_stream *)base;
    size_t taken;
    struct frame f = {0};

    if (s->dead)
        return -1;
    n = n > 7 ? 7 : n; /* in pieces, as TCP does it */
    ck_assert(buffer_put(&s->in, bytes, n));
    ck_assert_int_eq(frame_decode(s->in.data, s->in.len, &f, &taken), ERR_OK);
    if (taken > 0) {
        on_frame(s, &f);
        frame_clear(&f);
        buffer_drop(&s->in, taken);
    }
    return (long)n;
}

static long stream_read(struct stream *base, uint8_t *bytes, size_t room)
{
    struct fake_stream *s = (struct fake_stream *)base;
    size_t n = s->out.len < room ? s->out.len : room;
    if (s->dead)
        return -1;
    n = n > 11 ? 11 : n;
    if (n > 0)
        memcpy(bytes, s->out.data, n);
    buffer_drop(&s->out, n);
    return (long)n;
}

static const struct stream_peer *stream_peer(struct stream *base)
{
    return &((struct fake_stream *)base)->peer;
}

static bool stream_wait(struct stream *base, bool to_write, unsigned timeout_ms)
{
    (void)base;
    (void)to_write;
    (void)timeout_ms; /* everything happens at once here: what is not there yet never comes */
    return true;
}

static void stream_close(struct stream *base, bool inherited)
{
    struct fake_stream *s = (struct fake_stream *)base;
    (void)inherited;
    channel_free(s->channel);
    buffer_clear(&s->in);
    buffer_clear(&s->out);
    buffer_clear(&s->first_reply);
    free(s);
}

static const struct stream_ops ops = {
    .write = stream_write, .read = stream_read, .peer = stream_peer, .wait = stream_wait, .close = stream_close};

struct stream *fake_node_stream(struct fake_node *n)
{
    struct fake_stream *s = calloc(1, sizeof *s);
    ck_assert_ptr_nonnull(s);
    s->base.ops = &ops;
    s->node = n;
    s->peer = n->peer;
    s->peer.pinned = n->faults.pinned;
    s->peer.named = !n->faults.no_name;
    s->peer.cluster_id[0] = n->cluster;
    s->peer.cluster_id[5] = n->faults.other_name;
    n->dials++;
    return &s->base;
}

static enum err dial(struct dialer *base, const char *address, unsigned timeout_ms, struct stream **out, struct diag *why)
{
    (void)timeout_ms;
    (void)why;
    if (strncmp(address, "down", 4) == 0)
        return ERR_LOST;
    *out = fake_node_stream(((struct fake_dialer *)base)->node);
    return ERR_OK;
}

static void dialer_free(struct dialer *base)
{
    free(base);
}

struct dialer *fake_node_dialer(struct fake_node *n)
{
    struct fake_dialer *d = calloc(1, sizeof *d);
    ck_assert_ptr_nonnull(d);
    d->base = (struct dialer){.dial = dial, .free = dialer_free};
    d->node = n;
    return &d->base;
}

struct fake_node *fake_node_new(OSSL_LIB_CTX *libctx, fake_answer *answer, void *arg)
{
    struct fake_node *n = calloc(1, sizeof *n);
    EVP_PKEY *login = EVP_PKEY_Q_keygen(libctx, NULL, "X25519");
    size_t len = CHANNEL_KEY_BYTES;
    int der;

    ck_assert_ptr_nonnull(n);
    n->libctx = libctx;
    n->answer = answer;
    n->arg = arg;
    n->epoch = 1;
    n->cluster_key = EVP_PKEY_Q_keygen(libctx, NULL, "EC", "P-256");
    der = i2d_PUBKEY(n->cluster_key, &n->cluster_public);
    ck_assert_int_gt(der, 0);
    n->peer.key = n->cluster_public;
    n->peer.key_bytes = (size_t)der;
    ck_assert(secret_new(&n->login_private, CHANNEL_KEY_BYTES));
    ck_assert_int_eq(EVP_PKEY_get_raw_private_key(login, n->login_private.bytes, &len), 1);
    ck_assert_int_eq(EVP_PKEY_get_raw_public_key(login, n->login_public, &len), 1);
    EVP_PKEY_free(login);
    return n;
}

void fake_node_free(struct fake_node *n)
{
    EVP_PKEY_free(n->cluster_key);
    OPENSSL_free(n->cluster_public);
    secret_clear(&n->login_private);
    free(n);
}

struct fake_faults *fake_node_faults(struct fake_node *n)
{
    return &n->faults;
}

void fake_node_set_epoch(struct fake_node *n, uint64_t epoch)
{
    n->epoch = epoch;
}

void fake_node_set_cluster(struct fake_node *n, uint8_t first_byte)
{
    n->cluster = first_byte;
}

unsigned fake_node_dials(const struct fake_node *n)
{
    return n->dials;
}
