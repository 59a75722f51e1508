/*
 * Joins engine and lease: what raft did since the last time becomes what the lease must know. Shared by daemon and
 * simulator, since a slip here breaks the lease's promise as surely as one inside it.
 */
#ifndef CLUSTERHSM_DAEMON_REPLICA_SERVING_H
#define CLUSTERHSM_DAEMON_REPLICA_SERVING_H

#include "daemon/replica/core.h"
#include "daemon/replica/lease.h"

/* All zero at the start of a node. */
struct serving {
    uint64_t seen_applied, seen_pending, seen_committed; /* indexes of members */
};

/* Call after every event of the core, before anything else is told to others. Sends pushed commits, lease messages and
 * perhaps a barrier; may release. */
void serving_poll(struct serving *s, struct core *c, struct lease *l, uint64_t now_ms, uint64_t now_us);

#endif
