/*
 * The guards around libraft: a bit to switch one off (the simulator does, to see that it is needed) and a counter of how
 * often it had something to do (a metric). The rows are in guard.def.
 */
#ifndef CLUSTERHSM_DAEMON_REPLICA_GUARD_H
#define CLUSTERHSM_DAEMON_REPLICA_GUARD_H

#include "daemon/replica/message.h"

#include <stdbool.h>
#include <stdint.h>

enum guard {
#define GUARD(name, word, what) GUARD_##name,
#include "daemon/replica/guard.def"
#undef GUARD
    GUARD_N
};

struct guards {
    uint32_t off; /* bit 1 << g: guard g does nothing */
    uint64_t hits[GUARD_N];
};

/* True, and counted, when the guard is on: ask only when it has something to do. */
bool guard_acts(struct guards *g, enum guard which);
bool guard_is_on(const struct guards *g, enum guard which);

const char *guard_word(enum guard which);
const char *guard_what(enum guard which);

/* What a guard needs to know of us to judge a message. */
struct facts {
    uint64_t now_ms;
    uint64_t term;
    uint64_t last_index;
    uint64_t last_term;
    uint64_t contact_ms; /* when a leader of the present term was last heard */
    uint64_t election_timeout_ms;
    uint64_t peer_match; /* what the sender is known to hold; 0 when we do not lead */
    bool follower;
    bool candidate;
    bool sole_voter;
    bool installing;
};

enum verdict {
    GUARD_DELIVER, /* perhaps changed */
    GUARD_DROP,
    GUARD_REFUSE /* answer guard_refusal() instead */
};

/* What becomes of a message before the library sees it. */
enum verdict guard_receive(struct guards *g, const struct facts *f, struct message *m);

/* The answer to a request of an older term: the library's own may look like a success in our term. */
void guard_refusal(const struct facts *f, struct message *m);

/* Whether somebody who may not vote in its own view can grant this request by the rules of term and log; `voted` is
 * whom it voted for in this term, 0 nobody. */
bool guard_may_lend_vote(const struct facts *f, const struct message *request, uint64_t voted);

#endif
