/*
 * What is asked of the cluster: commands, changes of members, transfers of leadership.
 */
#include "tests/sim/world.h"

#include <stdio.h>

enum core_result load_propose(struct node *n)
{
    uint64_t command = W.next_command++ << 8 | n->id, index, term;
    uint64_t floor = W.max_acked;
    enum core_result result;
    struct waiting *w;

    if (n->n_waiting == PENDING_MAX)
        return CORE_BUSY;
    index = core_last(n->core) + 1;
    /* Waiting first: with one voter and a fast disk the answer could come at once. */
    w = &n->waiting[n->n_waiting++];
    *w = (struct waiting){.index = index, .term = core_term(n->core), .command = command, .floor = floor,
                          .proposed_ms = W.now};
    result = core_propose(n->core, &command, sizeof command, W.now, &index, &term);
    if (result != CORE_OK && n->n_waiting > 0)
        n->n_waiting--;
    return result;
}

void load_client(void)
{
    struct node *n = pick_leader();
    unsigned count = 1 + chance_below(4);

    post(W.now + 1 + chance_below(30), EVENT_CLIENT);
    while (n != NULL && count-- > 0)
        load_propose(n);
}

static void change(struct node *n, uint64_t id, int role, const char *what)
{
    struct members m;
    enum core_result result;

    if (mixed(MIX_LEASE) && (role < 0 || role == MEMBER_SPARE) && !lease_drain(&n->lease, id, lease_clock(n))) {
        if (W.drain.id == 0) { /* who still holds a lease stays a member */
            W.drain.leader = n->id;
            W.drain.id = id;
            W.drain.role = role;
            W.drain.since = W.now;
        }
        return;
    }
    core_members(n->core, &m);
    if (role < 0)
        members_remove(&m, id);
    else
        members_set_role(&m, id, (enum member_role)role);
    result = core_change(n->core, &m, W.now);
    note("n%lu: %s n%lu role %d: %d", n->id, what, id, role, (int)result);
    W.stats->changes += result == CORE_OK;
}

static void add_server(struct node *n)
{
    struct members m;
    char address[24];
    uint64_t id;

    for (id = 1; id <= SLOTS && W.nodes[id].exists; id++)
        ;
    if (id > SLOTS)
        return;
    core_members(n->core, &m);
    snprintf(address, sizeof address, "n%lu", id);
    if (!members_add(&m, id, address, chance(50) ? MEMBER_SPARE : MEMBER_STANDBY))
        return;
    if (core_change(n->core, &m, W.now) != CORE_OK)
        return;
    note("n%lu adds n%lu", n->id, id);
    W.stats->changes++;
    node_create(id);
    node_start(&W.nodes[id]);
}

static unsigned voters_min(void)
{
    return mixed(MIX_GROWN) ? 1 : 2;
}

static void drain_step(struct node *n, const struct members *m)
{
    const struct member *who = members_find(m, W.drain.id);
    bool still = who != NULL && (who->role != MEMBER_VOTER || members_count(m, MEMBER_VOTER) > voters_min());

    if (!core_may_change(n->core) || (still && !lease_drain(&n->lease, W.drain.id, lease_clock(n))))
        return;
    if (still) {
        uint64_t id = W.drain.id;
        W.drain.id = 0;
        change(n, id, W.drain.role, "drained");
    }
    W.drain.id = 0;
}

/* True while a promotion is under way. */
static bool promotion_step(struct node *n)
{
    enum core_catch_up state = core_catch_up_state(n->core, W.promoting);
    if (W.promoting_leader == n->id) {
        if (state == CORE_CATCH_UP_RUNNING)
            return true;
        if (state == CORE_CATCH_UP_FINISHED && core_may_change(n->core))
            change(n, W.promoting, MEMBER_VOTER, "promote");
    }
    W.promoting = 0;
    return true;
}

static void raise_or_shift(struct node *n, const struct members *m, const struct member *s)
{
    unsigned voters_max = mixed(MIX_GROWN) ? 3 : 5;

    if (members_count(m, MEMBER_VOTER) >= voters_max || !chance(75)) {
        change(n, s->id, chance(50) ? -1 : s->role == MEMBER_SPARE ? MEMBER_STANDBY : MEMBER_SPARE, "shift");
    } else if (s->id != n->id && core_match(n->core, s->id) == core_last(n->core)) {
        change(n, s->id, MEMBER_VOTER, "promote");
    } else if (s->id != n->id && core_catch_up(n->core, s->id, W.now) == CORE_OK) {
        W.stats->catch_ups++;
        W.promoting = s->id;
        W.promoting_leader = n->id;
    }
}

static void member_step(struct node *n)
{
    struct members m;
    const struct member *s;

    core_members(n->core, &m);
    if (W.drain.leader != n->id || W.now > W.drain.since + 4000)
        W.drain.id = 0;
    if (W.drain.id != 0) {
        drain_step(n, &m);
        return;
    }
    if (W.promoting != 0 && promotion_step(n))
        return;
    if (!core_may_change(n->core)) {
        if (core_is_leader(n->core) && core_term_at(n->core, core_commit(n->core)) != core_term(n->core) &&
            n->n_waiting == 0)
            core_barrier(n->core, W.now);
        return;
    }
    if ((chance(30) || (mixed(MIX_GROWN) && m.n < 3)) && m.n < 6 && chance(50)) {
        add_server(n);
        return;
    }
    s = &m.member[chance_below(m.n)];
    if (s->role != MEMBER_VOTER)
        raise_or_shift(n, &m, s);
    else if (members_count(&m, MEMBER_VOTER) > voters_min())
        change(n, s->id, chance(50) ? -1 : chance(50) ? MEMBER_STANDBY : MEMBER_SPARE, "lower");
}

void load_admin(void)
{
    struct node *n = pick_leader();
    struct members m;
    const struct member *s;

    if (W.now >= W.next_admin)
        post(W.next_admin = W.now + (W.promoting || W.drain.id ? 30 : 50 + chance_below(1200)), EVENT_ADMIN);
    if (n == NULL)
        return;
    if (!mixed(MIX_TRANSFER) || !chance(40)) {
        if (mixed(MIX_MEMBER))
            member_step(n);
        return;
    }
    core_members(n->core, &m);
    s = &m.member[chance_below(m.n)];
    if (s->id != n->id && s->role == MEMBER_VOTER && core_transfer(n->core, s->id, W.now) == CORE_OK) {
        W.stats->transfers++;
        W.transferee = s->id;
        W.transfer_at = W.now;
    }
}
