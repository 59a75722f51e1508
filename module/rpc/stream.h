/* What carries bytes between a client and a node: TLS over TCP in the product, a Unix socket for a node's own operator, a plain
 * function in tests that join module and vault in one process.
 *
 * A stream is used by one thread at a time (the connection's lock); only `descriptor` may be read by any. */
#ifndef CLUSTERHSM_MODULE_RPC_STREAM_H
#define CLUSTERHSM_MODULE_RPC_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/diag.h"
#include "proto/error.h"

/* SHA-256 of the peer's certificate, DER, the cluster that it is named after, and its public key, SubjectPublicKeyInfo DER: the login
 * key's statement is checked against all. `key` belongs to the stream and lives as long. */
struct stream_peer {
    uint8_t certificate_hash[32];
    uint8_t cluster_id[16];
    bool named;  /* cluster_id was in its certificate */
    bool pinned; /* it has the very key that this client's configuration names, so its name does not matter */
    const uint8_t *key;
    size_t key_bytes;
};

struct stream;

struct stream_ops {
    /* As much as goes at once: bytes taken, 0 if the other side is not ready, -1 if the stream is dead. */
    long (*write)(struct stream *s, const uint8_t *bytes, size_t n);
    /* What is there: bytes read, 0 if nothing is there yet, -1 if the stream is dead or was closed by the other side. */
    long (*read)(struct stream *s, uint8_t *bytes, size_t room);
    /* Who the other side is. */
    const struct stream_peer *(*peer)(struct stream *s);
    /* Waits without the lock until there is something to read (or to write), at most so long. True if it is worth a try. */
    bool (*wait)(struct stream *s, bool to_write, unsigned timeout_ms);
    /* Ends the connection and frees. `inherited`: this process is a child that got the stream by fork, so nothing may be sent and
     * the parent's connection must not notice. */
    void (*close)(struct stream *s, bool inherited);
};

/* Every kind of stream begins with this. */
struct stream {
    const struct stream_ops *ops;
};

/* Makes streams. */
struct dialer {
    /* Connects to one address ("host:port") and proves both sides, within the time. */
    enum err (*dial)(struct dialer *d, const char *address, unsigned timeout_ms, struct stream **out, struct diag *why);
    void (*free)(struct dialer *d);
};

#endif
