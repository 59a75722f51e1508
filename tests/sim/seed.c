/*
 * One seed: a while with faults, then everything heals and the cluster must come back by itself.
 */
#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool runs_on_node(enum kind kind)
{
    return kind <= EVENT_USE;
}

/* A frozen process handles it when it is thawed. */
static bool postponed(const struct event *ev)
{
    struct event *later;
    uint64_t at;

    if (ev->to == 0 || W.now >= W.nodes[ev->to].frozen_until || !runs_on_node(ev->kind))
        return false;
    later = post(W.nodes[ev->to].frozen_until, ev->kind);
    at = later->at_ms;
    *later = *ev;
    later->at_ms = at;
    return true;
}

static void handle(struct event *ev)
{
    struct node *n = &W.nodes[ev->to];

    switch (ev->kind) {
    case EVENT_DELIVER:
        net_deliver(ev);
        free(ev->bytes);
        break;
    case EVENT_DISK:
        disk_done(n, ev->life);
        break;
    case EVENT_COMPACT:
        disk_compacted(n, ev);
        break;
    case EVENT_LEASE:
        lease_fire(n);
        break;
    case EVENT_USE:
        reader_step(ev->use);
        break;
    case EVENT_RESTART:
        if (!n->up && !n->retired)
            node_start(n);
        break;
    case EVENT_RETIRE:
        n->retired = true;
        if (n->up)
            node_stop(n);
        break;
    case EVENT_READER:
        if (!n->retired)
            reader_ask(ev->to);
        break;
    case EVENT_CLIENT:
        if (!W.healed)
            load_client();
        break;
    case EVENT_ADMIN:
        if (!W.healed)
            load_admin();
        break;
    case EVENT_FAULT:
        if (!W.healed)
            fault_next();
        break;
    }
    if (ev->kind <= EVENT_COMPACT && n->up)
        node_check(n);
}

static void note_deadline(uint64_t id)
{
    W.deadline[id] = W.nodes[id].up ? node_deadline(&W.nodes[id]) : UINT64_MAX;
}

static void note_deadlines(void)
{
    for (uint64_t i = 1; i <= SLOTS; i++)
        note_deadline(i);
}

static void look_at(uint64_t id)
{
    lease_poll(&W.nodes[id]);
    note_deadline(id);
}

/* As a node's own loop does it after each of its events. What is no single node's (0) may have touched any. */
static void poll(uint64_t touched)
{
    uint64_t i;

    if (touched != 0) {
        look_at(touched);
        return;
    }
    for (i = 1; i <= SLOTS; i++)
        look_at(i);
}

/* One event or timeout. False when the limit is reached. */
static bool turn(uint64_t limit_ms)
{
    uint64_t next = 1, i;
    struct event ev;

    for (i = 2; i <= SLOTS; i++)
        if (W.deadline[i] < W.deadline[next])
            next = i;
    if (W.deadline[next] != UINT64_MAX && W.deadline[next] <= agenda_next_ms(&W.agenda)) {
        if (W.deadline[next] > limit_ms)
            return false;
        if (W.deadline[next] > W.now)
            W.now = W.deadline[next];
        core_timeout(W.nodes[next].core, W.now);
        node_check(&W.nodes[next]);
        poll(next);
    } else {
        if (!agenda_pop(&W.agenda, limit_ms, &ev))
            return false;
        W.now = ev.at_ms;
        if (!postponed(&ev))
            handle(&ev);
        poll(ev.to);
    }
    W.stats->events++;
    return true;
}

/* A leader exists, a fresh command is acknowledged, every member that has the log applied it and may serve. */
static bool settled(uint64_t target)
{
    struct node *n = pick_leader();
    struct members m;
    unsigned i;

    if (n == NULL || W.max_acked < target)
        return false;
    core_members(n->core, &m);
    for (i = 0; i < m.n; i++) {
        const struct node *one = &W.nodes[m.member[i].id];
        if (m.member[i].role == MEMBER_SPARE)
            continue;
        if (!one->up || core_applied(one->core) < target || (mixed(MIX_LEASE) && !lease_holds(one)))
            return false;
    }
    return true;
}

static void dump(void)
{
    struct members m;
    uint64_t i;
    unsigned k;

    for (i = 1; i <= SLOTS; i++) {
        const struct core *c = W.nodes[i].core;
        if (!W.nodes[i].up)
            continue;
        core_members(c, &m);
        printf("  n%lu role %d term %lu vote %lu last %lu durable %lu commit %lu applied %lu installing %d lease %d members",
               i, (int)core_role(c), core_term(c), core_vote(c), core_last(c), core_durable(c), core_commit(c),
               core_applied(c), core_is_installing(c), lease_holds(&W.nodes[i]));
        for (k = 0; k < m.n; k++)
            printf(" %lu:%d", m.member[k].id, (int)m.member[k].role);
        printf(" pending %lu committed %lu\n", core_members_pending(c), core_members_committed(c));
    }
}

static void repair(void)
{
    uint64_t i, j;

    W.healed = true;
    note("heal");
    if (mixed(MIX_RECOVER))
        fault_recover();
    for (i = 1; i <= SLOTS; i++) {
        struct node *n = &W.nodes[i];
        n->slow_until = n->frozen_until = 0;
        for (j = 1; j <= SLOTS; j++)
            W.links[i][j].blocked_until = W.links[i][j].slow_until = 0;
        if (n->exists && n->removed && !n->retired) {
            n->retired = true;
            if (n->up)
                node_stop(n);
        }
        if (n->exists && !n->retired && !n->up)
            node_start(n);
    }
    note_deadlines();
}

static void heal(void)
{
    uint64_t start, target = 0, next_try = 0;

    repair();
    start = W.now;
    while (W.now < start + HEAL_LIMIT_MS) {
        if (target != 0 && settled(target))
            return;
        if (W.now >= next_try && (target == 0 || W.max_acked < target)) {
            struct node *n = pick_leader();
            next_try = W.now + 200;
            if (n != NULL && load_propose(n) == CORE_OK)
                target = W.max_acked + 1;
            note_deadlines();
        }
        if (!turn(W.now + 200))
            W.now += 200;
    }
    dump();
    fail_run(RUN_HUNG, "no progress after healing, target %lu acknowledged %lu", target, W.max_acked);
}

static void begin(unsigned voters)
{
    struct members m = {0};
    char address[24];
    uint64_t i;

    for (i = 1; i <= voters; i++) {
        snprintf(address, sizeof address, "n%lu", i);
        members_add(&m, i, address, MEMBER_VOTER);
    }
    for (i = 1; i <= voters; i++) {
        node_create(i);
        node_first(&W.nodes[i], &m);
        node_start(&W.nodes[i]);
    }
    note_deadlines();
}

/* So that a sanitizer sees every leak of the product. */
static void clear(void)
{
    struct event ev;
    uint64_t i;

    for (i = 1; i <= SLOTS; i++) {
        if (W.nodes[i].up)
            node_stop(&W.nodes[i]);
        run_clear(&W.nodes[i].log);
        snap_unref(W.nodes[i].snap);
    }
    while (agenda_pop(&W.agenda, UINT64_MAX, &ev)) {
        free(ev.bytes);
        free(ev.use);
        snap_unref(ev.snap);
    }
    agenda_free(&W.agenda);
    free(W.truth);
}

void run_seed(uint64_t seed, const struct options *opt, struct stats *stats)
{
    memset(&W, 0, sizeof W);
    W.opt = opt;
    W.stats = stats;
    W.seed = seed;
    W.rng = seed * 0x2545f4914f6cdd1dUL + 12345;
    W.next_command = 1;
    W.now = 1000;
    W.joined = chance(50);
    W.delay_ms = mixed(MIX_CALM) ? 1 : 1 + chance_below(15);
    W.disk_ms = mixed(MIX_CALM) ? 1 : chance_below(12);
    W.storm_ms = mixed(MIX_STORM) ? 20 + chance_below(300) : 0;
    begin(mixed(MIX_GROWN) ? 1 : chance(60) ? 3 : 5);
    post(W.now + 10, EVENT_CLIENT);
    if (mixed(MIX_MEMBER | MIX_TRANSFER))
        post(W.now + 500, EVENT_ADMIN);
    if (!mixed(MIX_CALM))
        post(W.now + 200, EVENT_FAULT);
    while (turn(1000 + opt->duration_ms))
        ;
    heal();
    clear();
}
