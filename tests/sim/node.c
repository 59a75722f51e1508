#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>

void node_create(uint64_t id)
{
    struct node *n = &W.nodes[id];
    n->id = id;
    n->exists = true;
    n->ops_tail = &n->ops;
    run_init(&n->log, 1);
}

void node_first(struct node *n, const struct members *m)
{
    n->term = 1;
    run_push(&n->log, members_encode(m, 1));
}

void node_start(struct node *n)
{
    char address[24];
    struct core_settings set = {.id = n->id, .address = address, .seed = chance_below(1u << 30),
        .election_timeout_ms = ELECTION_MS, .heartbeat_ms = HEARTBEAT_MS, .install_timeout_ms = 1000,
        .catch_up_round_ms = 10000, .pre_vote = mixed(MIX_PREVOTE), .guards_off = W.opt->guards_off};
    struct core_disk disk = {n->term, n->vote, n->snap, &n->log};

    snprintf(address, sizeof address, "n%lu", n->id);
    if (mixed(MIX_SNAPSHOT)) {
        set.snapshot_entries = 8 + chance_below(40);
        set.trailing_entries = chance(40) ? chance_below(4) : chance_below(60);
        set.trailing_bytes = chance(30) ? 1 + chance_below(400) : 0;
    }
    if (chance(50))
        set.message_bytes = 1 + chance_below(200);
    if (chance(50))
        set.inflight_max = 1 + chance_below(100);
    n->n_waiting = 0;
    n->life++;
    n->up = true;
    n->leads_at_start = false;
    n->hash = n->snap != NULL ? n->snap->mark : 0;
    note("n%lu starts: term %lu vote %lu snapshot %lu log %lu..%lu", n->id, n->term, n->vote,
         n->snap != NULL ? n->snap->index : 0, n->log.first, run_last(&n->log));
    n->core = core_open(&set, &disk, &sim_host, n, W.now);
    if (n->core == NULL)
        fail_run(RUN_FATAL, "n%lu does not start", n->id);
    if (n->leads_at_start)
        host_leads(n);
    lease_start(n);
}

void node_stop(struct node *n)
{
    struct core *core = n->core;
    uint64_t i;
    unsigned g;

    note("n%lu crashes", n->id);
    for (g = 0; g < GUARD_N; g++)
        W.stats->hits[g] += core_guard_hits(core)[g];
    W.stats->unknown += n->n_waiting;
    disk_crash(n);
    lease_stop(n);
    n->core = NULL;
    n->up = false;
    n->life++;
    core_close(core);
    for (i = 1; i <= SLOTS; i++) {
        W.links[n->id][i].bulk = 0;
        if (!mixed(MIX_CHAOS)) {
            net_cut(n->id, i);
            net_cut(i, n->id);
        }
    }
}

void node_check(struct node *n)
{
    const char *why = "";
    if (!core_check_log(n->core, &why))
        fail_run(RUN_LOG_MISMATCH, "n%lu: %s", n->id, why);
    if (core_steps(n->core) % 16 == 0 && !W.opt->lenient && !core_check_members(n->core, &why))
        fail_run(RUN_MEMBERS_MISMATCH, "n%lu: %s", n->id, why);
}

uint64_t node_deadline(const struct node *n)
{
    uint64_t at = core_deadline_ms(n->core);
    return at < n->frozen_until ? n->frozen_until + n->late_ms : at;
}

struct node *pick_leader(void)
{
    struct node *found[SLOTS];
    unsigned n = 0, i;
    for (i = 1; i <= SLOTS; i++)
        if (W.nodes[i].up && core_is_leader(W.nodes[i].core) && W.now >= W.nodes[i].frozen_until)
            found[n++] = &W.nodes[i];
    return n > 0 ? found[chance_below(n)] : NULL;
}
