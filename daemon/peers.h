/*
 * The links of this node to the others, on the loop of front thread 0: mutual TLS 1.3 with node certificates.
 *
 * Each node dials every other member; what it has to say goes over the connection it dialled, so that the order holds
 * per direction. A link counts once both have said PeerHello and each has found the other in the cluster's record, with
 * the fingerprint of that very key, and no older than what it acknowledged here (daemon/peer_book.h). A snapshot has a
 * connection of its own. A queue that is full loses messages; Raft repeats them.
 *
 * Life: peers_new -> peers_facts (now we have certificates) -> peers_replica (now we listen and dial)
 *       a joiner: peers_new -> peers_facts -> peers_join -> joined() -> the front opens the replica -> peers_replica
 * End: replica_close, then peers_replica(NULL), then peers_free.
 *
 * Calls belong to the loop's thread but where "any thread" is said.
 */
#ifndef CLUSTERHSM_DAEMON_PEERS_H
#define CLUSTERHSM_DAEMON_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "common/diag.h"
#include "common/settings.h"
#include "daemon/net/vkey.h"
#include "daemon/replica/replica.h"
#include "proto/error.h"
#include "proto/node.pb-c.h"

struct peers;

/* The answer to a node call, borrowed; NULL with an error where the vault gave none. Its own `error` may be set. */
typedef void peers_node_fn(void *arg, enum err e, const Hsm__NodeAnswer *answer);

struct peers_setup {
    uv_loop_t *loop;
    OSSL_LIB_CTX *libctx;        /* with the provider of daemon/net/vkey.h; outlives the peers */
    const char *data;            /* folder of peers.db */
    const struct address *listen; /* port 0: any, see peers_port */
    const char *peer_address, *client_address; /* host:port, as others reach us */
    vkey_sign_fn *sign;          /* with the node key */
    void *sign_arg;
    /* Runs a node call in the vault to its end: reads what it needs, proposes what it proposes. A new node state is on
     * disk before `done`, which is called once on the loop's thread, never from inside. The call is copied or packed
     * before this returns. */
    void (*node_call)(void *arg, const Hsm__NodeCall *call, peers_node_fn *done, void *done_arg);
    /* This node was let in: the front opens its replica under this id and calls peers_replica. */
    void (*joined)(void *arg, uint64_t node_id);
    void *arg;
};

/* The strings and addresses are copied. NULL and a reason: peers.db is damaged or cannot be read, or no memory. */
struct peers *peers_new(const struct peers_setup *setup, struct diag *why);

/* Ends all connections. Memory goes when the loop has run. NULL is legal. */
void peers_free(struct peers *p);

/* At start and whenever they have changed. False and a reason: the certificates in them cannot be used; those before stay. */
bool peers_facts(struct peers *p, const Hsm__NodeFacts *facts, struct diag *why);

/* From here on we listen and dial; messages go to the replica. NULL: no more. False: the peer port cannot be opened. */
bool peers_replica(struct peers *p, struct replica *r, struct diag *why);

/* Where peers_replica listens; 0 before. */
uint16_t peers_port(const struct peers *p);

/* Asks these members (host:port) to be let in, again and again until it is; a second call replaces the addresses. False:
 * an address is none, or this node is a member already, or not provisioned. */
bool peers_join(struct peers *p, const char *const *addresses, size_t n, struct diag *why);

/* What kept the last attempt to join from being let in, for people; "" where there is nothing. */
const char *peers_join_trouble(const struct peers *p);

/* replica_settings.links; links_data is the struct peers. On the replica's thread. */
extern const struct replica_links peers_links;

/* ---- any thread */

/* A command on its way to the leader. `fn` is called once, on any thread, perhaps before this returns. ERR_OK: index and
 * outcome (borrowed) as the leader's replica gave them. ERR_BUSY: nothing happened. ERR_UNKNOWN_OUTCOME. */
typedef void peers_outcome_fn(void *arg, enum err e, uint64_t index, const uint8_t *outcome, size_t n);
void peers_propose(struct peers *p, const uint8_t *command, size_t n, peers_outcome_fn *fn, void *arg);

enum { PEERS_ADDRESS_BYTES = 128, PEERS_FINGERPRINT_BYTES = 32 };

/* A member as this node sees it, itself included. */
struct peers_status {
    uint64_t id, applied;
    char peer_address[PEERS_ADDRESS_BYTES], client_address[PEERS_ADDRESS_BYTES]; /* "" where unknown yet */
    const char *role; /* "leader", "voter", "standby", "spare" */
    bool connected;
    bool has_fingerprint;
    uint8_t fingerprint[PEERS_FINGERPRINT_BYTES];
};

/* At most MEMBERS_MAX rows, at most a tick old; returns how many. None before peers_replica. */
size_t peers_status(struct peers *p, struct peers_status *out);

/* A voter is not connected: the cluster is "degraded". */
bool peers_degraded(struct peers *p);

#endif
