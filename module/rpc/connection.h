/* One connection to one node, with its channel into the node's vault, shared by the threads of this process.
 *
 * Threads write under the connection's lock; of those that wait for replies one reads for all, and hands the reading on when its own
 * reply is there. Nothing waits for the network under the lock.
 *
 *   opened ──► in use ──► dead        dead is for ever: its stream failed, the node went silent, or a seal did not open.
 *                                     The owner closes it when the last caller has left.
 */
#ifndef CLUSTERHSM_MODULE_RPC_CONNECTION_H
#define CLUSTERHSM_MODULE_RPC_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "common/diag.h"
#include "module/rpc/stream.h"
#include "proto/error.h"
#include "proto/frame.pb-c.h"
#include "proto/request.pb-c.h"

struct connection;

/* What all connections of a process must agree on, so that a node cannot pass for another cluster or offer an old login key. The
 * caller keeps it; opening a connection fills it the first time and checks it ever after. All zero before the first connection. */
struct cluster_view {
    bool known;
    uint8_t cluster_id[16];
    uint64_t login_epoch;
};

/* HELLO, WELCOME, the login key's statement, OPEN, OPENED, within the time. The stream is the connection's from here on, also after
 * failure. `welcome` (may be NULL) gets what the node said of itself and its like; the caller frees it with
 * hsm__welcome__free_unpacked(_, NULL).
 * ERR_LOST (try another node), ERR_VERSION, ERR_FORGED (the statement is not the cluster key's, or another cluster's). */
enum err connection_open(struct stream *s, OSSL_LIB_CTX *libctx, unsigned timeout_ms, struct cluster_view *view,
                         struct connection **out, Hsm__Welcome **welcome, struct diag *why);

/* The channel's handshake hash: 32 bytes, as long as the connection. Logins and resumptions are bound to it. */
const uint8_t *connection_hash(const struct connection *c);

struct connection_call {
    uint32_t request;              /* number in proto/request.def */
    const uint8_t *request_id;     /* 16 bytes, or NULL */
    uint64_t born_index;
    const uint64_t *ids;
    size_t n_ids;
    const uint8_t *body;           /* packed Request */
    size_t body_bytes;
    unsigned silence_ms;           /* without a word from the node for so long, it is taken for dead */
};

/* One request and its reply. *out is set whenever the vault has answered, also with an error, which is then the result too.
 * ERR_LOST: the connection is dead and the outcome unknown. Errors of kind LOST or BUSY may also come from the node's front. */
enum err connection_call(struct connection *c, const struct connection_call *call, Hsm__Reply **out);

bool connection_is_dead(struct connection *c);

/* Frees. No caller may be in it. `inherited`: see struct stream_ops. */
void connection_close(struct connection *c, bool inherited);

#endif
