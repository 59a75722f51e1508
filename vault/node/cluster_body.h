/* The cluster record's body, as handlers read and change it. */
#ifndef CLUSTERHSM_VAULT_NODE_CLUSTER_BODY_H
#define CLUSTERHSM_VAULT_NODE_CLUSTER_BODY_H

#include "proto/record.pb-c.h"
#include "vault/work.h"

/* In the work's memory. work_record's errors; ERR_CORRUPT. */
enum err cluster_body_read(struct work *w, Hsm__ClusterBody **body, uint64_t *version);

/* Puts the version after the one that was read; 0: the first. work_put's errors. */
enum err cluster_body_put(struct work *w, const Hsm__ClusterBody *body, uint64_t version);

/* NULL: no such member. */
const Hsm__ClusterMember *cluster_body_member(const Hsm__ClusterBody *body, const uint8_t fingerprint[32]);

#endif
