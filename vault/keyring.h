/* What this node and its cluster hold in secret: the node root key opens it at start, join and create add the cluster's keys.
 *
 *   locked -> unprovisioned -> provisioned -> uninitialized -> initialized -> active     the first node: create
 *                              provisioned ------------------> initialized -> active     the others: join
 * Readers take a view and give it back; a view never changes. Any thread; what changes the ring is in vault/node/. */
#ifndef CLUSTERHSM_VAULT_KEYRING_H
#define CLUSTERHSM_VAULT_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "common/secret.h"
#include "proto/record.pb-c.h"
#include "vault/index.h"
#include "vault/master.h"

struct keyring;

/* The cluster as of one version of its record. */
struct cluster_view {
    uint8_t cluster_id[16];
    const struct master *master;        /* lives as long as the process */
    const struct index *index;          /* the same */
    const struct secret *login_private; /* X25519, 32 bytes: the channel's static key; the same */
    const Hsm__ClusterBody *body;       /* of record 1; NULL until the cluster is initialized */
    uint64_t version;                   /* of record 1; 0 until then */
};

/* NULL: this node has no cluster's keys (yet). */
const struct cluster_view *keyring_view(struct keyring *k);
void keyring_view_done(struct keyring *k, const struct cluster_view *view); /* NULL is legal */

#endif
