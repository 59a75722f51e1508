/*
 * The life of a connection:
 *
 *   accept, adopt -> HANDSHAKE -> OPEN -> CLOSING -> (freed)
 *   dial -> DIALLING -> HANDSHAKE
 *
 * Bytes that arrive go through memory BIOs into `in`, where whole frames are cut off. Frames to be sent gather in `out`
 * in the clear; once a turn, before the loop waits, flush() puts them through TLS into `wire` and gives that to
 * libuv. One write is under way at a time. Reading stops, down to the socket, while throttled().
 *
 * Every end comes through connection_end: it closes the three libuv handles, and the last callback frees.
 */
#include "daemon/net/connection.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "common/buffer.h"
#include "common/tls.h"

enum { LENGTH_BYTES = 4, READ_BYTES = 65536, TLS_RECORD_BYTES = 16384, KEEPALIVE_S = 60 };

enum state { DIALLING, HANDSHAKE, OPEN, CLOSING };

struct connection {
    union {
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } u;
    uv_timer_t timer;
    uv_prepare_t turn; /* runs before the loop waits, while there is something to do */
    uv_connect_t dial;
    uv_write_t write;
    struct connection_setup setup;
    enum state state;
    SSL *ssl;
    struct buffer in, out, wire;
    uint32_t pending;
    unsigned handles; /* not closed yet */
    bool reading, writing, greeted;
    bool held; /* bytes were left lying while throttled */
    uint64_t write_since_ms, deadline_ms;
    const char *reason;
    char reason_text[160];
};

static bool throttled(const struct connection *c)
{
    if (c->state != OPEN) /* a handshake is read to its end, whatever waits for it */
        return false;
    return c->pending >= c->setup.limits.pending_max || c->out.len + c->wire.len > c->setup.limits.out_bytes_max;
}

/* ---- the end ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct connection *c = handle->data;
    if (--c->handles > 0)
        return;
    c->setup.events->closed(c->setup.owner, c, c->reason);
    SSL_free(c->ssl);
    SSL_CTX_free(c->setup.tls);
    buffer_clear(&c->in);
    buffer_clear(&c->out);
    buffer_clear(&c->wire);
    free(c);
}

/* TLS bytes that wait in the memory BIO, to the end of `wire`. */
static bool take_wire(struct connection *c)
{
    char *bytes = NULL;
    long n = BIO_get_mem_data(SSL_get_wbio(c->ssl), &bytes);
    bool ok = n <= 0 || buffer_put(&c->wire, bytes, (size_t)n);
    (void)BIO_reset(SSL_get_wbio(c->ssl));
    return ok;
}

/* What is queued in the clear goes to `wire`. */
static bool seal(struct connection *c)
{
    size_t at = 0, n = 0;
    if (c->ssl == NULL) {
        bool ok = buffer_put(&c->wire, c->out.data, c->out.len);
        buffer_reset(&c->out);
        return ok;
    }
    ERR_clear_error();
    while (c->state != HANDSHAKE && at < c->out.len) {
        if (SSL_write_ex(c->ssl, c->out.data + at, c->out.len - at, &n) != 1)
            return false;
        at += n;
    }
    buffer_drop(&c->out, at);
    return take_wire(c);
}

/* An alert or the last frames, as far as the kernel takes them now. */
static void say_goodbye(struct connection *c)
{
    uv_buf_t b;
    if (c->state == DIALLING || c->writing)
        return;
    (void)seal(c);
    if (c->ssl != NULL && c->state == OPEN)
        (void)SSL_shutdown(c->ssl);
    if (c->ssl != NULL)
        (void)take_wire(c);
    b = uv_buf_init((char *)c->wire.data, (unsigned)c->wire.len);
    if (c->wire.len > 0)
        (void)uv_try_write(&c->u.stream, &b, 1);
}

void connection_end(struct connection *c, const char *reason)
{
    if (c->state == CLOSING)
        return;
    say_goodbye(c);
    ERR_clear_error();
    c->state = CLOSING;
    c->reason = reason;
    uv_close((uv_handle_t *)&c->u.stream, on_handle_closed);
    uv_close((uv_handle_t *)&c->timer, on_handle_closed);
    uv_close((uv_handle_t *)&c->turn, on_handle_closed);
}

static void close_for_tls(struct connection *c)
{
    tls_error_text(c->ssl, c->reason_text, sizeof c->reason_text);
    connection_end(c, c->reason_text);
}

/* ---- time ---- */

static void on_timer(uv_timer_t *timer)
{
    struct connection *c = timer->data;
    uint64_t now = uv_now(c->setup.loop);
    uint64_t due = c->writing ? c->write_since_ms + c->setup.limits.stall_ms_max : UINT64_MAX;
    if (!c->greeted && c->deadline_ms < due)
        due = c->deadline_ms;
    if (due <= now)
        connection_end(c, c->greeted ? "the other end takes no bytes" : "no handshake and first frame in time");
    else if (due != UINT64_MAX)
        uv_timer_start(timer, on_timer, due - now, 0);
}

/* ---- in ---- */

static void on_turn(uv_prepare_t *turn);

static void wake(struct connection *c)
{
    if (c->state != CLOSING)
        uv_prepare_start(&c->turn, on_turn);
}

/* Hands up the whole frames in `in`. False: throttled or closing, stop reading. */
static bool deliver(struct connection *c)
{
    size_t at = 0;
    while (c->state == OPEN && !throttled(c) && c->in.len - at >= LENGTH_BYTES) {
        struct cursor length;
        size_t n;
        cursor_init(&length, c->in.data + at, LENGTH_BYTES);
        n = cursor_u32(&length);
        if (n > c->setup.limits.frame_bytes_max) {
            connection_end(c, "a frame is longer than the limit");
            break;
        }
        if (c->in.len - at - LENGTH_BYTES < n)
            break;
        c->greeted = true;
        if (!c->setup.events->frame(c->setup.owner, c, c->in.data + at, LENGTH_BYTES + n))
            connection_end(c, "a frame is not of the protocol");
        at += LENGTH_BYTES + n;
    }
    buffer_drop(&c->in, at);
    return c->state == OPEN && !throttled(c);
}

static void handshake(struct connection *c)
{
    int rc = 1;
    ERR_clear_error();
    if (c->ssl != NULL)
        rc = SSL_do_handshake(c->ssl);
    if (rc != 1) {
        if (SSL_get_error(c->ssl, rc) != SSL_ERROR_WANT_READ)
            close_for_tls(c);
        return;
    }
    c->state = OPEN;
    if (c->setup.events->open != NULL)
        c->setup.events->open(c->setup.owner, c);
}

/* Drains the memory BIO into frames. */
static void pump(struct connection *c)
{
    if (c->state == HANDSHAKE)
        handshake(c);
    while (deliver(c) && c->ssl != NULL) {
        size_t had = c->in.len, n = 0;
        uint8_t *into = buffer_extend(&c->in, TLS_RECORD_BYTES);
        int rc, error;
        if (into == NULL) {
            connection_end(c, "no memory");
            break;
        }
        ERR_clear_error();
        rc = SSL_read_ex(c->ssl, into, TLS_RECORD_BYTES, &n);
        c->in.len = had + (rc == 1 ? n : 0);
        if (rc == 1)
            continue;
        error = SSL_get_error(c->ssl, rc);
        if (error == SSL_ERROR_ZERO_RETURN)
            connection_end(c, "the other end said goodbye");
        else if (error != SSL_ERROR_WANT_READ)
            close_for_tls(c);
        break;
    }
    c->held = throttled(c);
    wake(c);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *into)
{
    static _Thread_local char bytes[READ_BYTES]; /* libuv reads into it and calls on_read before anything else */
    (void)handle;
    (void)suggested;
    *into = uv_buf_init(bytes, sizeof bytes);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    struct connection *c = stream->data;
    if (c->state == CLOSING || n == 0)
        return;
    if (n < 0)
        connection_end(c, n == UV_EOF ? "the other end closed" : uv_strerror((int)n));
    else if (c->ssl == NULL ? !buffer_put(&c->in, bytes->base, (size_t)n)
                            : BIO_write(SSL_get_rbio(c->ssl), bytes->base, (int)n) != (int)n)
        connection_end(c, "no memory");
    else
        pump(c);
}

/* ---- out ---- */

static void on_written(uv_write_t *write, int status)
{
    struct connection *c = write->data;
    c->writing = false;
    buffer_reset(&c->wire);
    if (c->state == CLOSING)
        return;
    if (status < 0) {
        connection_end(c, uv_strerror(status));
        return;
    }
    if (c->out.len == 0 && c->state == OPEN && c->setup.events->writable != NULL)
        c->setup.events->writable(c->setup.owner, c);
    wake(c);
}

static void flush(struct connection *c)
{
    uv_buf_t b;
    int rc;
    if (c->writing || c->state == DIALLING || c->state == CLOSING)
        return;
    if (!seal(c)) {
        connection_end(c, "no memory, or TLS failed to write");
        return;
    }
    if (c->wire.len == 0)
        return;
    b = uv_buf_init((char *)c->wire.data, (unsigned)c->wire.len);
    rc = uv_write(&c->write, &c->u.stream, &b, 1, on_written);
    if (rc != 0) {
        connection_end(c, uv_strerror(rc));
        return;
    }
    c->writing = true;
    c->write_since_ms = uv_now(c->setup.loop);
    if (!uv_is_active((uv_handle_t *)&c->timer))
        uv_timer_start(&c->timer, on_timer, c->setup.limits.stall_ms_max, 0);
}

/* Once a turn of the loop: frames held back, then the socket's reading, then what is to be sent. */
static void on_turn(uv_prepare_t *turn)
{
    struct connection *c = turn->data;
    uv_prepare_stop(turn);
    if (c->state != DIALLING && c->state != CLOSING && !throttled(c) && (!c->reading || c->held))
        pump(c);
    if (c->state == CLOSING)
        return;
    if (c->state != DIALLING && throttled(c) == c->reading) {
        c->reading = !c->reading;
        if (c->reading)
            uv_read_start(&c->u.stream, on_alloc, on_read);
        else
            uv_read_stop(&c->u.stream);
    }
    uv_prepare_stop(turn);
    flush(c);
}

bool connection_send(struct connection *c, const void *bytes, size_t n)
{
    if (c->state == CLOSING)
        return false;
    if (c->out.len + c->wire.len + n > 4 * c->setup.limits.out_bytes_max || !buffer_put(&c->out, bytes, n)) {
        connection_end(c, "too much waits to be sent");
        return false;
    }
    wake(c);
    return true;
}

size_t connection_waiting(const struct connection *c)
{
    return c->out.len + c->wire.len;
}

void connection_hold(struct connection *c)
{
    c->pending++;
}

void connection_release(struct connection *c)
{
    if (c->pending > 0)
        c->pending--;
    wake(c);
}

/* ---- the beginning ---- */

static bool start_tls(struct connection *c)
{
    BIO *in, *out;
    if (c->setup.tls == NULL)
        return true;
    c->ssl = SSL_new(c->setup.tls);
    in = BIO_new(BIO_s_mem());
    out = BIO_new(BIO_s_mem());
    if (c->ssl == NULL || in == NULL || out == NULL) {
        BIO_free(in);
        BIO_free(out);
        return false;
    }
    BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(c->ssl, in, out);
    if (c->setup.dialled)
        SSL_set_connect_state(c->ssl);
    else
        SSL_set_accept_state(c->ssl);
    return true;
}

static void on_stillborn(uv_handle_t *handle)
{
    struct connection *c = handle->data;
    if (--c->handles == 0)
        free(c);
}

/* Handles that exist are closed through the loop, also where the connection never came to be. */
static struct connection *stillborn(struct connection *c, const char *what, struct diag *why)
{
    diag_set(why, "no connection: %s", what);
    SSL_free(c->ssl);
    SSL_CTX_free(c->setup.tls);
    uv_close((uv_handle_t *)&c->u.stream, on_stillborn);
    uv_close((uv_handle_t *)&c->timer, on_stillborn);
    uv_close((uv_handle_t *)&c->turn, on_stillborn);
    return NULL;
}

static struct connection *connection_new(const struct connection_setup *setup, bool tcp)
{
    struct connection *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->setup = *setup;
    if (tcp)
        uv_tcp_init(setup->loop, &c->u.tcp);
    else
        uv_pipe_init(setup->loop, &c->u.pipe, 0);
    uv_timer_init(setup->loop, &c->timer);
    uv_prepare_init(setup->loop, &c->turn);
    c->handles = 3;
    c->u.stream.data = c->timer.data = c->turn.data = c->write.data = c->dial.data = c;
    if (setup->tls != NULL)
        SSL_CTX_up_ref(setup->tls);
    c->state = HANDSHAKE;
    c->deadline_ms = uv_now(setup->loop) + setup->limits.handshake_ms_max;
    uv_timer_start(&c->timer, on_timer, setup->limits.handshake_ms_max, 0);
    return c;
}

static struct connection *begin(struct connection *c, struct diag *why)
{
    if (!start_tls(c))
        return stillborn(c, "out of memory", why);
    if (c->u.stream.type == UV_TCP) {
        uv_tcp_nodelay(&c->u.tcp, 1);
        uv_tcp_keepalive(&c->u.tcp, 1, KEEPALIVE_S); /* an end that is gone without a word */
    }
    wake(c);
    return c;
}

struct connection *connection_accept(const struct connection_setup *setup, uv_stream_t *listening, struct diag *why)
{
    struct connection *c = connection_new(setup, listening->type == UV_TCP);
    int rc;
    if (c == NULL) {
        diag_set(why, "no connection: out of memory");
        return NULL;
    }
    rc = uv_accept(listening, &c->u.stream);
    return rc == 0 ? begin(c, why) : stillborn(c, uv_strerror(rc), why);
}

static struct connection *open_descriptor(const struct connection_setup *setup, int fd, bool tcp, struct diag *why)
{
    struct connection *c = connection_new(setup, tcp);
    int rc = UV_ENOMEM;
    if (c != NULL)
        rc = tcp ? uv_tcp_open(&c->u.tcp, fd) : uv_pipe_open(&c->u.pipe, fd);
    if (rc == 0) {
        c->greeted = !tcp; /* a pair that we were born with owes nobody a first frame */
        return begin(c, why);
    }
    uv_fs_t close;
    uv_fs_close(NULL, &close, fd, NULL);
    diag_set(why, "no connection: %s", uv_strerror(rc));
    return c != NULL ? stillborn(c, uv_strerror(rc), why) : NULL;
}

struct connection *connection_adopt(const struct connection_setup *setup, int fd, struct diag *why)
{
    return open_descriptor(setup, fd, false, why);
}

struct connection *connection_take(const struct connection_setup *setup, int fd, struct diag *why)
{
    return open_descriptor(setup, fd, true, why);
}

static void on_dialled(uv_connect_t *dial, int status)
{
    struct connection *c = dial->data;
    if (c->state == CLOSING)
        return;
    if (status < 0) {
        connection_end(c, uv_strerror(status));
        return;
    }
    c->state = HANDSHAKE;
    pump(c);
}

struct connection *connection_dial(const struct connection_setup *setup, const char *ip, uint16_t port,
    struct diag *why)
{
    struct sockaddr_storage to = {0};
    struct connection *c;
    int rc;
    if (uv_ip4_addr(ip, port, (struct sockaddr_in *)&to) != 0 &&
        uv_ip6_addr(ip, port, (struct sockaddr_in6 *)&to) != 0) {
        diag_set(why, "%s is not an IP address", ip);
        return NULL;
    }
    c = connection_new(setup, true);
    if (c == NULL) {
        diag_set(why, "no connection: out of memory");
        return NULL;
    }
    c->state = DIALLING;
    rc = uv_tcp_connect(&c->dial, &c->u.tcp, (struct sockaddr *)&to, on_dialled);
    return rc == 0 ? begin(c, why) : stillborn(c, uv_strerror(rc), why);
}

X509 *connection_peer(const struct connection *c)
{
    return c->ssl != NULL && c->state != HANDSHAKE ? SSL_get0_peer_certificate(c->ssl) : NULL;
}

int connection_descriptor(const struct connection *c)
{
    uv_os_fd_t fd = -1;
    return uv_fileno((const uv_handle_t *)&c->u.stream, &fd) == 0 ? fd : -1;
}
