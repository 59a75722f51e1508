/*
 * What goes wrong, and when.
 */
#include "tests/sim/world.h"

#include <stdio.h>

static uint64_t pick_node(void)
{
    uint64_t id = 1 + chance_below(SLOTS), i;
    for (i = 0; i < SLOTS; i++, id = id % SLOTS + 1)
        if (W.nodes[id].exists && !W.nodes[id].retired)
            return id;
    return 1;
}

/* As SIGSTOP: nothing runs but the clock. */
static void freeze(struct node *n, uint64_t until)
{
    if (until < n->frozen_until)
        return;
    n->frozen_until = n->thawed = until;
    n->late_ms = mixed(MIX_LEASE) ? chance_below(20) : 0;
    note("freeze n%lu until %lu", n->id, until);
}

static void split(unsigned side, uint64_t until)
{
    uint64_t i, j;
    for (i = 1; i <= SLOTS; i++)
        for (j = 1; j <= SLOTS; j++)
            if ((side >> (i - 1) & 1) != (side >> (j - 1) & 1))
                W.links[i][j].blocked_until = until;
    note("split %x until %lu", side, until);
}

static void crash(struct node *n, unsigned back_ms)
{
    if (!n->up)
        return;
    node_stop(n);
    W.stats->crashes++;
    post(W.now + 10 + chance_below(back_ms), EVENT_RESTART)->to = n->id;
}

static void slow_disk(struct node *n, uint64_t until)
{
    n->slow_until = until;
    n->slow_ms = 50 + chance_below(500);
    note("slow disk n%lu until %lu", n->id, until);
}

static void slow_links(uint64_t a, uint64_t until)
{
    unsigned ms = 50 + chance_below(600);
    uint64_t i;
    for (i = 1; i <= SLOTS; i++) {
        W.links[a][i].slow_until = W.links[i][a].slow_until = until;
        W.links[a][i].slow_ms = chance(50) ? ms : 0;
        W.links[i][a].slow_ms = chance(50) ? ms : 0;
    }
    note("slow links n%lu until %lu", a, until);
}

/* Long enough for elections and leases to take their course on both sides. */
static void rift(void)
{
    uint64_t until = W.now + 800 + chance_below(3500);
    struct node *lead = pick_leader();
    uint64_t a = pick_node();

    post(W.now + 300 + chance_below(2500), EVENT_FAULT);
    if (lead != NULL && chance(60))
        a = lead->id;
    switch (chance_below(6)) {
    case 0:
    case 1: /* the leader with a small part */
        split((chance_below(1u << SLOTS) & chance_below(1u << SLOTS)) | 1u << (a - 1), until);
        break;
    case 2:
        freeze(&W.nodes[a], until);
        break;
    case 3:
        slow_links(a, until);
        break;
    case 4:
        crash(&W.nodes[a], 1500);
        break;
    default:
        slow_disk(&W.nodes[a], until);
    }
}

void fault_next(void)
{
    uint64_t a = pick_node(), b = pick_node(), i;
    struct node *lead = pick_leader();
    uint64_t until = W.now + 20 + chance_below(W.storm_ms == 0 && chance(30) ? 2500 : 500);

    if (mixed(MIX_RIFT)) {
        rift();
        return;
    }
    post(W.now + (W.storm_ms > 0 ? 5 + chance_below(W.storm_ms) : 20 + chance_below(600)), EVENT_FAULT);
    if (lead != NULL && chance(40))
        a = lead->id;
    if (mixed(MIX_PAUSE) && chance(15)) {
        freeze(&W.nodes[a], until + chance_below(800));
        return;
    }
    switch (chance_below(mixed(MIX_SLOW) ? 8 : 6)) {
    case 0:
    case 1:
        crash(&W.nodes[a], W.storm_ms > 0 ? 300 : 1500);
        break;
    case 2: /* one way */
        W.links[a][b].blocked_until = until;
        break;
    case 3: /* alone */
        for (i = 1; i <= SLOTS; i++)
            W.links[a][i].blocked_until = W.links[i][a].blocked_until = until;
        break;
    case 4:
        split(chance_below(1u << SLOTS), until);
        break;
    case 5: /* connection reset */
        net_cut(a, b);
        net_cut(b, a);
        break;
    default:
        slow_disk(&W.nodes[a], W.now + 200 + chance_below(2000));
    }
}

/* Quorum lost for good: one survivor gets members {itself} appended to its log while it is down. */
void fault_recover(void)
{
    struct node *best = NULL;
    struct members m = {0};
    char address[24];
    uint64_t i;

    for (i = 1; i <= SLOTS; i++) {
        struct node *n = &W.nodes[i];
        const struct record *last;
        if (!n->exists || n->removed || n->retired)
            continue;
        if (n->up)
            node_stop(n);
        last = run_get(&n->log, W.n_truth);
        if (last != NULL && last->term == W.truth[W.n_truth].term)
            best = n;
    }
    if (best == NULL)
        return;
    for (i = 1; i <= SLOTS; i++)
        W.nodes[i].retired = W.nodes[i].retired || &W.nodes[i] != best;
    snprintf(address, sizeof address, "n%lu", best->id);
    members_add(&m, best->id, address, MEMBER_VOTER);
    best->term += 1000; /* past every term that a lost member may have used */
    best->vote = 0;
    run_push(&best->log, members_encode(&m, best->term));
    W.stats->recoveries++;
    note("recover from n%lu", best->id);
}
