/* Opening, the happy path:
 *
 *   we: HELLO                      node: WELCOME {the login key's statement, signed by the cluster key}
 *   the statement is checked against the certificate that TLS has just verified
 *   we: OPEN (Noise message 1)     node: OPENED (Noise message 2)
 *
 * After that any thread may call. A caller seals and writes under the lock, then waits: the first who finds nobody reading becomes the
 * reader and reads frames for everybody; when its own reply is there it wakes the others, of whom one reads on.
 *
 * Failures: the stream ends, a frame is malformed, a reply does not open, or nothing is heard for silence_ms: the connection is dead,
 * and every waiter learns ERR_LOST. A frame for nobody is an answer to a caller that gave up: it is dropped.
 */
#include "module/rpc/connection.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/buffer.h"
#include "common/clock.h"
#include "common/secret.h"
#include "crypto/channel.h"
#include "module/rpc/gate.h"
#include "module/rpc/statement.h"
#include "proto/frame.h"
#include "proto/limits.h"
#include "proto/memory.h"

enum {
    PROTOCOL_VERSION = 1,
    READ_BYTES = 16 * 1024,
    OUT_BYTES_MAX = 4 * FRAME_BYTES_MAX, /* frames that the node does not take: it is as good as dead */
    WAIT_MS = 200                        /* a reader looks at its clock so often */
};

/* One caller that waits for its reply. It stands on the caller's stack and is listed while it waits. */
struct waiter {
    uint64_t exchange;
    uint64_t counter;
    uint64_t word_ms; /* when the node last said something about it */
    bool done;
    enum err error;
    Hsm__Reply *reply;
    struct waiter *next;
};

struct connection {
    struct stream *stream;
    struct channel *channel;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a waiter is done, the reader has left, or the connection has died */
    bool reading;
    bool dead;
    uint64_t exchanges;
    struct waiter *waiters;
    struct buffer out; /* frames that the stream has not taken yet */
    struct buffer in;  /* bytes that are no whole frame yet */
};

/* ---- bytes, with the lock held ---------------------------------------------------------------------------- */

static void die(struct connection *c)
{
    c->dead = true;
    for (struct waiter *w = c->waiters; w != NULL; w = w->next) {
        if (w->done)
            continue;
        w->done = true;
        w->error = ERR_LOST;
    }
    pthread_cond_broadcast(&c->changed);
}

/* As much as the stream takes now. */
static void flush(struct connection *c)
{
    while (!c->dead && c->out.len > 0) {
        long n;
        gate_enter();
        n = c->stream->ops->write(c->stream, c->out.data, c->out.len);
        gate_leave();
        if (n < 0)
            die(c);
        if (n <= 0)
            break;
        buffer_drop(&c->out, (size_t)n);
    }
    if (c->out.failed || c->out.len > OUT_BYTES_MAX)
        die(c);
}

/* True if there was something. */
static bool fill(struct connection *c)
{
    size_t before = c->in.len;
    uint8_t *to = buffer_extend(&c->in, READ_BYTES);
    long n = -1;

    if (to != NULL) {
        gate_enter();
        n = c->stream->ops->read(c->stream, to, READ_BYTES);
        gate_leave();
        c->in.len = before + (n > 0 ? (size_t)n : 0);
    }
    if (n < 0)
        die(c);
    return n > 0;
}

/* The next whole frame of what was read. *taken bytes are to be dropped when it has been looked at; 0: there is none. */
static void next_frame(struct connection *c, struct frame *f, size_t *taken)
{
    *taken = 0;
    if (!c->dead && frame_decode(c->in.data, c->in.len, f, taken) != ERR_OK)
        die(c);
}

/* ---- replies ------------------------------------------------------------------------------------------------ */

static enum err open_reply(struct connection *c, const struct waiter *w, const struct frame *f, Hsm__Reply **out)
{
    struct secret body = {0};
    enum err e;

    gate_enter();
    e = channel_open_reply(c->channel, w->counter, f->payload, f->payload_len, &body);
    gate_leave();
    if (e != ERR_OK)
        return e;
    *out = hsm__reply__unpack(memory_wiping(), body.len, body.bytes); /* login secrets, extractable values */
    secret_clear(&body);
    return *out != NULL ? err_from_wire((*out)->error) : ERR_MALFORMED;
}

static void on_reply(struct connection *c, struct waiter *w, const struct frame *f)
{
    w->error = open_reply(c, w, f, &w->reply);
    w->done = true;
    if (w->reply == NULL) { /* forged on the way: who does that once is not asked again */
        w->error = ERR_LOST;
        die(c);
    }
}

/* In the open, so only a hint, and only of a kind that sends the caller elsewhere: a front must not be able to invent a verdict. */
static void on_refused(struct connection *c, struct waiter *w, const struct frame *f)
{
    enum err e = err_from_wire(f->header->error);
    w->error = err_kind(e) == ERR_KIND_BUSY || err_kind(e) == ERR_KIND_LOST ? e : ERR_TRY_ANOTHER;
    w->done = true;
    if (e == ERR_CHANNEL_UNKNOWN)
        die(c);
}

static void on_frame(struct connection *c, const struct frame *f)
{
    struct waiter *w = c->waiters;
    while (w != NULL && (w->exchange != f->header->exchange || w->done))
        w = w->next;
    if (w == NULL)
        return;
    if (f->header->kind == HSM__FRAME_KIND__FRAME_REPLY)
        on_reply(c, w, f);
    else if (f->header->kind == HSM__FRAME_KIND__FRAME_REFUSED)
        on_refused(c, w, f);
    else if (f->header->kind == HSM__FRAME_KIND__FRAME_PROGRESS)
        w->word_ms = clock_boot_ms();
    else
        die(c);
}

static void read_frames(struct connection *c)
{
    while (!c->dead) {
        struct frame f = {0};
        size_t taken;
        next_frame(c, &f, &taken);
        if (taken > 0) {
            on_frame(c, &f);
            frame_clear(&f);
            buffer_drop(&c->in, taken);
        } else if (c->dead || !fill(c)) {
            break;
        }
    }
}

/* ---- a call --------------------------------------------------------------------------------------------------- */

static enum err put_request(struct connection *c, const struct connection_call *call, struct waiter *w)
{
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
    struct frame_start start;
    uint8_t aad[FRAME_HEADER_BYTES_MAX]; /* a copy: sealing makes the buffer grow, and so move */
    enum err e;

    w->exchange = header.exchange = ++c->exchanges;
    w->counter = header.counter = channel_next(c->channel);
    header.kind = HSM__FRAME_KIND__FRAME_REQUEST;
    header.request = call->request;
    header.born_index = call->born_index;
    header.ids = (uint64_t *)(uintptr_t)call->ids; /* only read */
    header.n_ids = call->n_ids;
    if (call->request_id != NULL)
        header.request_id = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)call->request_id, .len = 16};
    if (!frame_begin(&c->out, &header, &start))
        return ERR_TOO_LARGE;
    memcpy(aad, c->out.data + start.header_at, start.header_len);
    gate_enter();
    e = channel_seal(c->channel, header.counter, aad, start.header_len, call->body, call->body_bytes, &c->out);
    gate_leave();
    if (e != ERR_OK) {
        c->out.len = start.at;
        return e;
    }
    return frame_end(&c->out, &start) ? ERR_OK : ERR_TOO_LARGE;
}

static void list(struct connection *c, struct waiter *w)
{
    w->next = c->waiters;
    c->waiters = w;
}

static void unlist(struct connection *c, const struct waiter *w)
{
    struct waiter **at = &c->waiters;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
}

/* One turn as the reader: reads what is there for all, and where that brought nothing for itself waits without the lock. */
static void read_for_all(struct connection *c, struct waiter *own)
{
    bool to_write;

    c->reading = true;
    read_frames(c);
    flush(c);
    to_write = c->out.len > 0;
    if (!own->done && !c->dead) {
        pthread_mutex_unlock(&c->lock);
        c->stream->ops->wait(c->stream, to_write, WAIT_MS);
        pthread_mutex_lock(&c->lock);
    }
    c->reading = false;
    pthread_cond_broadcast(&c->changed); /* the others look at their clocks, and one of them may read on */
}

static void await(struct connection *c, struct waiter *w, unsigned silence_ms)
{
    while (!w->done) {
        if (clock_boot_ms() - w->word_ms >= silence_ms)
            die(c);
        else if (c->reading)
            pthread_cond_wait(&c->changed, &c->lock);
        else
            read_for_all(c, w);
    }
}

enum err connection_call(struct connection *c, const struct connection_call *call, Hsm__Reply **out)
{
    struct waiter w = {.word_ms = clock_boot_ms()};
    enum err e = ERR_LOST;

    *out = NULL;
    pthread_mutex_lock(&c->lock);
    if (!c->dead)
        e = put_request(c, call, &w);
    if (e == ERR_OK) {
        list(c, &w);
        flush(c);
        await(c, &w, call->silence_ms);
        unlist(c, &w);
        e = w.error;
        *out = w.reply;
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

bool connection_is_dead(struct connection *c)
{
    bool dead;
    pthread_mutex_lock(&c->lock);
    dead = c->dead;
    pthread_mutex_unlock(&c->lock);
    return dead;
}

/* ---- opening: one thread, nobody else knows the connection yet ---------------------------------------------- */

/* Writes what is queued and waits for one frame of a kind. The caller clears it and drops *taken bytes. */
static enum err converse(struct connection *c, Hsm__FrameKind kind, uint64_t deadline_ms, struct frame *f, size_t *taken)
{
    for (;;) {
        uint64_t now = clock_boot_ms();
        flush(c);
        next_frame(c, f, taken);
        if (*taken > 0)
            break;
        if (c->dead || now >= deadline_ms)
            return ERR_LOST;
        if (!fill(c) && !c->dead)
            c->stream->ops->wait(c->stream, c->out.len > 0, (unsigned)(deadline_ms - now));
    }
    if (f->header->kind == kind)
        return ERR_OK;
    return f->header->kind == HSM__FRAME_KIND__FRAME_REFUSED && err_from_wire(f->header->error) == ERR_VERSION ? ERR_VERSION
                                                                                                               : ERR_TRY_ANOTHER;
}

static void end_frame(struct connection *c, struct frame *f, size_t taken)
{
    frame_clear(f);
    buffer_drop(&c->in, taken);
}

static enum err greet(struct connection *c, uint64_t deadline_ms, Hsm__Welcome **out, struct diag *why)
{
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
    Hsm__Hello hello = HSM__HELLO__INIT;
    uint8_t packed[64];
    struct frame f = {0};
    size_t taken = 0;
    enum err e;

    header.kind = HSM__FRAME_KIND__FRAME_HELLO;
    hello.version_min = hello.version_max = PROTOCOL_VERSION;
    hello.software = (char *)"clusterhsm";
    if (!frame_put(&c->out, &header, packed, hsm__hello__pack(&hello, packed)))
        return ERR_NO_MEMORY;
    e = converse(c, HSM__FRAME_KIND__FRAME_WELCOME, deadline_ms, &f, &taken);
    if (e == ERR_OK) {
        *out = hsm__welcome__unpack(NULL, f.payload_len, f.payload);
        if (*out == NULL)
            e = ERR_LOST;
        else if ((*out)->version != PROTOCOL_VERSION)
            e = ERR_VERSION;
    }
    if (e == ERR_LOST) { /* TLS 1.3: a client has finished before the node has looked at its certificate */
        diag_set(why, "the connection ended before the node's first word, as it does where the client's certificate is not "
                      "accepted");
        diag_remedy(why, "see that it is of a client authority of the cluster and valid today (client.certificate); the node's "
                         "log says more");
    } else if (e != ERR_OK) {
        diag_set(why, "the node did not welcome us: %s", err_text(e));
    }
    end_frame(c, &f, taken);
    return e;
}

static enum err open_channel(struct connection *c, OSSL_LIB_CTX *libctx, const uint8_t *login_key, uint64_t deadline_ms)
{
    struct channel_setup setup = {.libctx = libctx,
                                  .server_public = login_key,
                                  .prologue = CHANNEL_PROLOGUE,
                                  .prologue_bytes = sizeof CHANNEL_PROLOGUE - 1};
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
    struct buffer message = {0};
    struct frame f = {0};
    size_t taken = 0;
    enum err e;

    header.kind = HSM__FRAME_KIND__FRAME_OPEN;
    gate_enter();
    e = channel_new(&setup, &c->channel);
    if (e == ERR_OK)
        e = channel_write_open(c->channel, NULL, 0, &message);
    gate_leave();
    if (e == ERR_OK && !frame_put(&c->out, &header, message.data, message.len))
        e = ERR_NO_MEMORY;
    if (e == ERR_OK)
        e = converse(c, HSM__FRAME_KIND__FRAME_OPENED, deadline_ms, &f, &taken);
    if (e == ERR_OK) {
        gate_enter();
        e = channel_read_opened(c->channel, f.payload, f.payload_len, NULL);
        gate_leave();
    }
    end_frame(c, &f, taken);
    buffer_clear(&message);
    return e;
}

static struct connection *connection_new(struct stream *s)
{
    struct connection *c = calloc(1, sizeof *c);
    if (c == NULL) {
        s->ops->close(s, false);
        return NULL;
    }
    c->stream = s;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
    buffer_init(&c->in, FRAME_LENGTH_BYTES + FRAME_BYTES_MAX + READ_BYTES);
    buffer_init(&c->out, 0);
    return c;
}

enum err connection_open(struct stream *s, OSSL_LIB_CTX *libctx, unsigned timeout_ms, struct cluster_view *view,
                         struct connection **out, Hsm__Welcome **welcome, struct diag *why)
{
    uint64_t deadline_ms = clock_boot_ms() + timeout_ms;
    struct connection *c = connection_new(s);
    Hsm__Welcome *w = NULL;
    uint8_t login_key[CHANNEL_KEY_BYTES];
    enum err e;

    if (c == NULL)
        return ERR_NO_MEMORY;
    e = greet(c, deadline_ms, &w, why);
    if (e == ERR_OK)
        e = statement_check(libctx, w, s->ops->peer(s), (int64_t)clock_real_s(), view, login_key, why);
    if (e == ERR_OK)
        e = open_channel(c, libctx, login_key, deadline_ms);
    if (e != ERR_OK) {
        connection_close(c, false);
        if (w != NULL)
            hsm__welcome__free_unpacked(w, NULL);
        return e;
    }
    if (welcome != NULL)
        *welcome = w;
    else
        hsm__welcome__free_unpacked(w, NULL);
    *out = c;
    return ERR_OK;
}

const uint8_t *connection_hash(const struct connection *c)
{
    return channel_hash(c->channel);
}

void connection_close(struct connection *c, bool inherited)
{
    if (c == NULL)
        return;
    gate_enter();
    c->stream->ops->close(c->stream, inherited);
    channel_free(c->channel);
    gate_leave();
    buffer_clear(&c->in);
    buffer_clear(&c->out);
    free(c);
}
