/* A whole node in the test's own process, without sockets, TLS or Raft: the module, the real engine, a real LMDB store, the real apply.
 *
 * It plays the front: HELLO and WELCOME with a statement, OPEN, REQUEST with its facts, needs, proposals (applied at once, with the
 * engine's own verdict on their MAC), the last look at what a reply rests on. Each stream is a connection;
 * streams may be of several threads, one lock lets them in in turn.
 *
 * The cluster is initialized and has one client anchor; activation and users come by requests, as in life. */
#ifndef CLUSTERHSM_TESTS_UNIT_LOCAL_NODE_H
#define CLUSTERHSM_TESTS_UNIT_LOCAL_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/types.h>

#include "proto/policy.h"
#include "common/buffer.h"
#include "module/rpc/identity.h"
#include "module/rpc/stream.h"
#include "proto/record.pb-c.h"
#include "vault/engine.h"

/* The policy of clusters that are made from here on: compatible, which has all rows of the mechanism table, unless a test
 * says otherwise. */
extern enum policy local_node_policy;

struct local_node;
struct local_store;

/* What a front may do wrong, on purpose. All zero: nothing. */
struct local_faults {
    unsigned conflicts;      /* so many proposals are answered CONFLICT without being applied */
    unsigned lose_replies;   /* so many replies are lost together with their connection, after the work is done */
    bool dead;               /* every stream is closed at once, and none can be dialled */
    void (*bend)(Hsm__VaultCall *call); /* every call to the vault, before it is made; what it puts in must outlive it */
};

/* parts: &engine_product, or the test's own handlers. Ends the test on failure, as all of these do. */
struct local_node *local_node_new(OSSL_LIB_CTX *libctx, const struct engine_parts *parts);
void local_node_free(struct local_node *n);

struct local_faults *local_node_faults(struct local_node *n);

/* Every address leads to this node. Becomes the rpc's. */
struct dialer *local_node_dialer(struct local_node *n);

/* The identity of a client under the cluster's client anchor; each call makes another certificate. The caller clears it. */
void local_node_client(struct local_node *n, const char *name, struct client_identity *out);

/* The vault behind it: for tests that look inside. */
struct vault *local_node_vault(struct local_node *n);

/* The state behind it (tests/unit/local_store.h). */
struct local_store *local_node_store(struct local_node *n);

/* What a front does with a proposal: the node's verdict on it, the real apply, the outcome packed to the end of `outcome`. */
void local_node_propose(struct local_node *n, const Hsm__Propose *p, struct buffer *outcome);

/* Time as the vault and the leader see it: moved on by so much. */
void local_node_pass(uint64_t ms);

/* Puts another version of the cluster record: `change` alters the body that the test then sees. */
void local_node_change_cluster(struct local_node *n, void (*change)(Hsm__ClusterBody *body));

/* How many commands were proposed, and how many rounds of facts were asked for, since the node was made. */
unsigned local_node_proposals(const struct local_node *n);
unsigned local_node_needs(const struct local_node *n);

/* One call to the engine, for tests that play a front of their own. */
void local_node_call(struct local_node *n, const Hsm__VaultCall *call, void (*answer)(void *arg, const Hsm__VaultAnswer *a), void *arg);

#endif
