/* What this node may say of itself and its cluster: the vault's NodeFacts as they were last told. Nothing in them is secret. Any thread. */
#ifndef CLUSTERHSM_DAEMON_PUBLIC_FACTS_H
#define CLUSTERHSM_DAEMON_PUBLIC_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/node.pb-c.h"

struct public_facts;

/* One telling; it never changes. */
struct facts_view {
    const Hsm__NodeFacts *facts; /* never NULL; all empty before the vault has told anything */
    uint64_t number;             /* grows with each telling */
};

/* NULL: no memory. Freed when every view has been given back. */
struct public_facts *public_facts_new(void);
void public_facts_free(struct public_facts *p);

/* Copies. False: no memory; what was there stays. */
bool public_facts_tell(struct public_facts *p, const Hsm__NodeFacts *facts);

/* Never NULL; given back by the same thread or another. */
const struct facts_view *public_facts_view(struct public_facts *p);
void public_facts_view_end(struct public_facts *p, const struct facts_view *view);

#endif
