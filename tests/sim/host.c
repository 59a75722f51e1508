/*
 * What the core wants done, and most of the checks: votes, one command an index, one leader a term, nothing lost.
 */
#include "tests/sim/world.h"

#include <stdlib.h>
#include <string.h>

static void on_save_vote(void *data, uint64_t term, uint64_t vote)
{
    struct node *n = data;
    if (term < n->term || (term == n->term && n->vote != 0 && vote != n->vote))
        fail_run(RUN_TWO_LEADERS, "n%lu changes its vote: term %lu vote %lu to term %lu vote %lu", n->id, n->term, n->vote,
                 term, vote);
    n->old_term = n->term;
    n->old_vote = n->vote;
    n->term = term;
    n->vote = vote;
}

static void on_append(void *data, struct core_write *w)
{
    disk_queue(data, w, NULL);
}

static void on_install(void *data, struct snap *s)
{
    disk_queue(data, NULL, s);
}

static void on_compact(void *data, struct snap *s, uint64_t drop_upto)
{
    struct node *n = data;
    struct event *ev = post(W.now + 1 + chance_below(200), EVENT_COMPACT);
    s->mark = n->hash;
    ev->to = n->id;
    ev->life = n->life;
    ev->snap = s;
    ev->drop_upto = drop_upto;
    W.stats->snapshots++;
}

static void on_send(void *data, uint64_t to, struct parcel *p)
{
    const struct node *n = data;
    net_send(n->id, to, p);
}

static bool on_sending_snapshot(void *data, uint64_t to)
{
    const struct node *n = data;
    return W.links[n->id][to].bulk != 0;
}

static uint64_t chain(uint64_t h, uint64_t index, const struct truth *t)
{
    h ^= index + 0x9e3779b97f4a7c15UL + (h << 6) + (h >> 2);
    h ^= t->payload * 0xff51afd7ed558ccdUL + t->term * 31 + t->kind;
    return h * 0xc4ceb9fe1a85ec53UL;
}

/* Whoever applies an index first says what it is; all others must agree, down to the whole history before it. */
static bool agree(struct node *n, uint64_t index, const struct truth *t)
{
    if (index >= W.truth_room) {
        W.truth_room = W.truth_room > 0 ? W.truth_room * 2 : 1024;
        W.truth = realloc(W.truth, W.truth_room * sizeof *W.truth);
        if (W.truth == NULL)
            abort();
    }
    if (index == W.n_truth + 1) {
        W.truth[index] = *t;
        W.n_truth = index;
        W.stats->commits++;
        return true;
    }
    if (index > W.n_truth + 1)
        fail_run(RUN_DIVERGED, "n%lu applies %lu, only %lu known", n->id, index, W.n_truth);
    if (W.truth[index].term != t->term || W.truth[index].payload != t->payload || W.truth[index].hash != t->hash)
        fail_run(RUN_DIVERGED, "n%lu applies %lu^%lu payload %lx hash %lx, others had ^%lu %lx %lx", n->id, index, t->term,
                 t->payload, t->hash, W.truth[index].term, W.truth[index].payload, W.truth[index].hash);
    return false;
}

static void acknowledge(struct waiting *w)
{
    W.stats->acked++;
    if (w->index > W.max_acked)
        W.max_acked = w->index;
}

/* Everything up to here may be acknowledged: who lost the leader asks again with the same request id and is told "done". */
void host_released(struct node *n, uint64_t upto)
{
    unsigned i, j;

    for (; W.told < upto; W.told++)
        if (W.truth[W.told + 1].kind == RECORD_COMMAND)
            reader_acked(W.told + 1, W.truth[W.told + 1].payload);
    for (i = j = 0; i < n->n_waiting; i++) {
        struct waiting *w = &n->waiting[i];
        if (w->applied_ms == 0 || w->index > upto) {
            n->waiting[j++] = *w;
            continue;
        }
        if (W.now - w->applied_ms > lease_stall_ms() && n->thawed <= w->applied_ms)
            fail_run(RUN_STALLED, "n%lu: change %lu waited %lu ms for leases", n->id, w->index, W.now - w->applied_ms);
        acknowledge(w);
    }
    n->n_waiting = j;
}

/* An acknowledged command stands where it was acknowledged, and behind everything acknowledged before it was proposed. */
static void settle_waiting(struct node *n, uint64_t index, const struct truth *t)
{
    unsigned i, j;

    for (i = j = 0; i < n->n_waiting; i++) {
        struct waiting *w = &n->waiting[i];
        if (w->index != index || w->applied_ms != 0) {
            n->waiting[j++] = *w;
        } else if (w->term != t->term) {
            W.stats->unknown++;
        } else if (w->command != t->payload || index <= w->floor) {
            fail_run(RUN_LOST_WRITE, "n%lu: command %lx acknowledged at %lu, floor %lu, found %lx", n->id, w->command, index,
                     w->floor, t->payload);
        } else if (mixed(MIX_LEASE) && !(W.opt->broken & BREAK_ACK)) {
            w->applied_ms = W.now;
            n->waiting[j++] = *w;
        } else {
            acknowledge(w);
            if (mixed(MIX_LEASE))
                reader_acked(index, t->payload);
        }
    }
    n->n_waiting = j;
}

/* Nodes that the newest members leave out are switched off some time later. */
static void follow_members(const struct record *rec)
{
    struct members m;
    uint64_t id;

    if (!members_decode(rec->data, rec->len, &m))
        fail_run(RUN_DIVERGED, "malformed members were applied");
    for (id = 1; id <= SLOTS; id++) {
        if (members_find(&m, id) != NULL) {
            W.nodes[id].member = true;
        } else if (W.nodes[id].member && !W.nodes[id].removed) {
            W.nodes[id].removed = true;
            post(W.now + 500 + chance_below(8000), EVENT_RETIRE)->to = id;
        }
    }
}

static void on_apply(void *data, uint64_t index, const struct record *rec)
{
    struct node *n = data;
    struct truth t = {.term = rec->term, .kind = rec->kind};
    size_t i;

    memcpy(&t.payload, rec->data, rec->len < 8 ? rec->len : 8);
    for (i = 8; rec->kind == RECORD_MEMBERS && i < rec->len; i++)
        t.payload = t.payload * 131 + rec->data[i];
    n->hash = t.hash = chain(n->hash, index, &t);
    if (agree(n, index, &t) && rec->kind == RECORD_MEMBERS)
        follow_members(rec);
    settle_waiting(n, index, &t);
}

void host_leads(struct node *n)
{
    uint64_t term = core_term(n->core), i;
    bool newest = true;
    unsigned k;

    note("n%lu leads term %lu, last %lu commit %lu", n->id, term, core_last(n->core), core_commit(n->core));
    W.stats->elections++;
    if (W.transferee == n->id && W.now < W.transfer_at + ELECTION_MS) {
        W.stats->transferred++;
        W.transferee = 0;
    }
    if (mixed(MIX_MEMBER) && chance(30)) /* a new leader is the one who must not change members at once */
        post(W.now + chance_below(30), EVENT_ADMIN);
    for (k = 0; k < W.n_leaders; k++) {
        newest = newest && W.leaders[k].term <= term; /* a late leader of an older term need not have everything */
        if (W.leaders[k].term == term && W.leaders[k].id != n->id)
            fail_run(RUN_TWO_LEADERS, "term %lu led by n%lu and n%lu", term, W.leaders[k].id, n->id);
    }
    if (W.n_leaders < LEADERS_MAX) {
        W.leaders[W.n_leaders].term = term;
        W.leaders[W.n_leaders++].id = n->id;
    }
    for (i = W.n_truth; newest && i > 0 && i >= core_first(n->core); i--)
        if (core_term_at(n->core, i) != W.truth[i].term)
            fail_run(RUN_INCOMPLETE_LEADER, "n%lu leads term %lu without committed entry %lu^%lu (has term %lu)", n->id, term,
                     i, W.truth[i].term, core_term_at(n->core, i));
}

static void on_became_leader(void *data)
{
    struct node *n = data;
    if (n->core == NULL)
        n->leads_at_start = true; /* from inside core_open() */
    else
        host_leads(n);
}

static void on_lost_leadership(void *data)
{
    struct node *n = data;
    note("n%lu no longer leads", n->id);
    W.stats->unknown += n->n_waiting;
    n->n_waiting = 0;
}

static void on_fatal(void *data, const char *why) __attribute__((noreturn));
static void on_fatal(void *data, const char *why)
{
    const struct node *n = data;
    fail_run(RUN_FATAL, "n%lu: %s", n->id, why);
}

const struct core_host sim_host = {
    .save_vote = on_save_vote,
    .append = on_append,
    .install = on_install,
    .compact = on_compact,
    .send = on_send,
    .sending_snapshot = on_sending_snapshot,
    .apply = on_apply,
    .became_leader = on_became_leader,
    .lost_leadership = on_lost_leadership,
    .fatal = on_fatal,
};
