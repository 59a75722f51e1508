/*
 * A connection that carries frames: TCP with mutual TLS 1.3, or a Unix socket without, on a libuv loop.
 *
 * A frame is a 32-bit big-endian length and that many bytes; what is in them is the business of the layer above. All
 * frames that are sent in one turn of the loop leave in one TLS write. A connection belongs to its loop's thread.
 *
 * Bounds, all in struct connection_limits: the reader stops while too much waits to be sent or too many frames are in
 * work, so that an end that does not read is throttled by TCP; a handshake with its first frame, and a write that makes
 * no progress, have their time.
 */
#ifndef CLUSTERHSM_DAEMON_NET_CONNECTION_H
#define CLUSTERHSM_DAEMON_NET_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>
#include <uv.h>

#include "common/diag.h"

struct connection;

/* Upwards. `owner` is what the connection was made with. Each may be NULL but frame and closed. None is called after
 * connection_end, but `closed`, once, from the loop, when nothing of the connection is left but its memory. */
struct connection_events {
    void (*open)(void *owner, struct connection *c); /* handshake done: the peer's certificate can be asked for */
    /* One whole frame with its length word, borrowed until return. False: not of the protocol, the connection ends. */
    bool (*frame)(void *owner, struct connection *c, const uint8_t *bytes, size_t n);
    void (*writable)(void *owner, struct connection *c); /* all that was sent has left to the kernel */
    void (*closed)(void *owner, struct connection *c, const char *reason); /* c is freed on return */
};

struct connection_limits {
    uint32_t frame_bytes_max;  /* after the length word */
    size_t out_bytes_max;      /* waiting to leave: above it reading stops; four times it ends the connection */
    uint32_t pending_max;      /* frames held (connection_hold): reading stops */
    uint32_t handshake_ms_max; /* handshake and first frame */
    uint32_t stall_ms_max;     /* a write without progress */
};

struct connection_setup {
    uv_loop_t *loop;
    SSL_CTX *tls;   /* referenced; NULL: none */
    bool dialled;   /* our side is the TLS client */
    struct connection_limits limits;
    const struct connection_events *events; /* outlive the connection */
    void *owner;
};

/* Takes one waiting connection of a listening stream (TCP or pipe, as `type` says), or a connected descriptor, which is
 * taken over also on failure. NULL and a reason: nothing is left. */
struct connection *connection_accept(const struct connection_setup *setup, uv_stream_t *listening, struct diag *why);
struct connection *connection_adopt(const struct connection_setup *setup, int fd, struct diag *why);

/* The same for a TCP connection that was accepted elsewhere (acceptor.h): its time for a handshake and a first frame runs. */
struct connection *connection_take(const struct connection_setup *setup, int fd, struct diag *why);

/* Dials a numeric address. A failure to connect comes as `closed`. */
struct connection *connection_dial(const struct connection_setup *setup, const char *ip, uint16_t port,
    struct diag *why);

/* Queues a whole frame with its length word; copied. False: no memory or the bound is passed, the connection ends. */
bool connection_send(struct connection *c, const void *bytes, size_t n);

/* Bytes that wait to leave: what a sender looks at before it adds more. */
size_t connection_waiting(const struct connection *c);

/* A frame is in work; at limits.pending_max no more is read until some are released. */
void connection_hold(struct connection *c);
void connection_release(struct connection *c);

/* The other end's certificate, borrowed for the connection's life; NULL without TLS or before `open`. */
X509 *connection_peer(const struct connection *c);

/* The socket's descriptor, for its peer credentials; not to be read, written or closed. */
int connection_descriptor(const struct connection *c);

/* Ends it: sends what can be sent at once with a TLS goodbye, then closes. The reason (a literal) goes to `closed`.
 * Again: nothing. */
void connection_end(struct connection *c, const char *reason);

#endif
