#include "daemon/replica/guard.h"

#include <string.h>

static const struct {
    const char *word, *what;
} rows[GUARD_N] = {
#define GUARD(name, word, what) [GUARD_##name] = {word, what},
#include "daemon/replica/guard.def"
#undef GUARD
};

bool guard_is_on(const struct guards *g, enum guard which)
{
    return (g->off >> which & 1) == 0;
}

bool guard_acts(struct guards *g, enum guard which)
{
    if (!guard_is_on(g, which))
        return false;
    g->hits[which]++;
    return true;
}

const char *guard_word(enum guard which)
{
    return rows[which].word;
}

const char *guard_what(enum guard which)
{
    return rows[which].what;
}

static bool heard_of_leader(const struct facts *f)
{
    return f->now_ms < f->contact_ms + f->election_timeout_ms;
}

static enum verdict judge_request(struct guards *g, const struct facts *f, const struct message *m)
{
    return m->term < f->term && guard_acts(g, GUARD_STALE) ? GUARD_REFUSE : GUARD_DELIVER;
}

/* The library would move the next index to or below the match index. */
static enum verdict judge_result(struct guards *g, const struct facts *f, const struct message *m)
{
    bool contradicts = m->rejected > 0 && m->term == f->term && (m->rejected <= f->peer_match || m->index < f->peer_match);
    return contradicts && guard_acts(g, GUARD_REJECT) ? GUARD_DROP : GUARD_DELIVER;
}

/* The library forgets its leader on becoming candidate only. */
static enum verdict judge_vote_request(struct guards *g, const struct facts *f, struct message *m)
{
    if (f->follower && !m->disrupt_leader && !heard_of_leader(f) && guard_acts(g, GUARD_STICKY))
        m->disrupt_leader = true;
    return GUARD_DELIVER;
}

enum verdict guard_receive(struct guards *g, const struct facts *f, struct message *m)
{
    switch (m->kind) {
    case MESSAGE_APPEND:
    case MESSAGE_INSTALL:
        return judge_request(g, f, m);
    case MESSAGE_APPEND_RESULT:
        return judge_result(g, f, m);
    case MESSAGE_VOTE:
        return judge_vote_request(g, f, m);
    case MESSAGE_VOTE_RESULT:
        return !f->candidate && guard_acts(g, GUARD_LATE_VOTE) ? GUARD_DROP : GUARD_DELIVER;
    case MESSAGE_TIMEOUT_NOW:
        return f->sole_voter && guard_acts(g, GUARD_SOLE) ? GUARD_DROP : GUARD_DELIVER;
    case MESSAGE_LEASE:
    case MESSAGE_KINDS:
        break;
    }
    return GUARD_DROP;
}

void guard_refusal(const struct facts *f, struct message *m)
{
    memset(m, 0, sizeof *m);
    m->kind = MESSAGE_APPEND_RESULT;
    m->version = 1;
    m->term = f->term;
    m->rejected = 1;
}

bool guard_may_lend_vote(const struct facts *f, const struct message *request, uint64_t voted)
{
    if (f->installing || (heard_of_leader(f) && !request->disrupt_leader))
        return false;
    if (request->index_term < f->last_term ||
        (request->index_term == f->last_term && request->index < f->last_index))
        return false;
    if (request->pre_vote)
        return request->term >= f->term;
    return request->term == f->term && (voted == 0 || voted == request->candidate);
}
