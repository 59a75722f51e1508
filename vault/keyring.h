/* What this node and its cluster hold in secret: the node root key opens it at start, join and create add the cluster's keys.
 *
 *   locked -> unprovisioned -> provisioned -> uninitialized -> initialized -> active     the first node: create
 *                              provisioned ------------------> initialized -> active     the others: join
 * Readers take a view and give it back; a view never changes. Any thread. Only vault/node/ and tests change the ring. */
#ifndef CLUSTERHSM_VAULT_KEYRING_H
#define CLUSTERHSM_VAULT_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "common/secret.h"
#include "proto/error.h"
#include "proto/record.pb-c.h"
#include "vault/index.h"
#include "vault/master.h"
#include "vault/node/seal.h"

struct identity;
struct keyring;

/* The cluster as of one version of its record. */
struct cluster_view {
    uint8_t cluster_id[16];
    const struct master *master;        /* lives as long as the ring */
    const struct index *index;          /* the same */
    const struct secret *login_private; /* X25519, 32 bytes: the channel's static key; the same */
    const Hsm__ClusterBody *body;       /* of record 1; NULL until the cluster is initialized */
    uint64_t version;                   /* of record 1; 0 until then */
};

/* NULL: this node has no cluster's keys (yet). */
const struct cluster_view *keyring_view(struct keyring *k);
void keyring_view_done(struct keyring *k, const struct cluster_view *view); /* NULL is legal */

/* ---- for vault/node/ and tests */

/* libctx is borrowed. NULL: no memory. */
struct keyring *keyring_new(OSSL_LIB_CTX *libctx);

/* No view may be held. */
void keyring_free(struct keyring *k);

/* The cluster's keys, once in the ring's life. `master` is taken over, also on failure; the login key is copied. ERR_WRONG_STATE: it has
 * a cluster already; ERR_NO_MEMORY, ERR_FORGED (no epoch in `master`). */
enum err keyring_set_cluster(struct keyring *k, const uint8_t cluster_id[16], struct master *master, const struct secret *login_private);

/* What record 1 says in this version: taken over, also on failure. The next views show it. ERR_STALE: an older one than there was, which
 * stays, whoever else puts one at the same time; ERR_WRONG_STATE: no cluster. */
enum err keyring_set_body(struct keyring *k, uint64_t version, Hsm__ClusterBody *body);

/* The node's own keys and certificates (vault/node/identity.h). Held until keyring_identity_done; NULL: the vault is locked. */
struct identity *keyring_identity(struct keyring *k);
void keyring_identity_done(struct identity *identity); /* NULL is legal */

/* Puts another in its place; taken over. */
void keyring_set_identity(struct keyring *k, struct identity *identity);

/* Steps of the node's life, one at a time: who reads what is, and puts what follows from it, does so between these two. Views and
 * identities are read by others all the while. */
void keyring_change_begin(struct keyring *k);
void keyring_change_end(struct keyring *k);

/* What opens the node root key. keyring_set_seal: at start, before there are threads; `given` moves here. keyring_seal: borrowed, for use
 * within a change. */
void keyring_set_seal(struct keyring *k, enum seal_kind kind, struct secret *given);
struct seal *keyring_seal(struct keyring *k);

#endif
