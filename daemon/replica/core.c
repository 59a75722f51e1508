#include "daemon/replica/core_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- events ------------------------------------------------------------------------------------------------------ */

/* A sole voter elects itself without taking a new term. So it votes for itself in a new term first, by a request that
 * looks like its own, and stands for election one timeout later. */
static bool vote_for_self(struct core *c)
{
    struct raft_message r;
    struct raft_event event = {0};
    struct message m = {.kind = MESSAGE_VOTE, .version = 2, .disrupt_leader = true};
    struct facts f;

    core_facts(c, 0, &f);
    if (!f.follower || !f.sole_voter || c->sole_term == f.term)
        return false;
    if (c->installing || c->durable < run_last(&c->log) || c->now_ms < raft_timeout(c->raft))
        return false;
    if (!guard_acts(&c->guards, GUARD_SOLE))
        return false;
    m.term = f.term + 1;
    m.candidate = c->id;
    m.index = f.last_index;
    m.index_term = f.last_term;
    core_to_raft(&m, &r);
    r.server_id = c->id;
    r.server_address = c->address;
    event.type = RAFT_RECEIVE;
    event.receive.message = &r;
    core_step_or_die(c, &event, "the library failed on our own vote");
    if (core_vote(c) != c->id)
        c->host->fatal(c->data, "the library refuses our own vote");
    c->sole_term = core_term(c);
    return true;
}

/* A leader speaks at once, or who has not heard of it asks for votes in a newer term and unseats it. The library's sole voter says
 * nothing for an election timeout after it has elected itself: a member with an old configuration, whose terms run ahead meanwhile,
 * could unseat it each time, for ever. A barrier is something to say. */
static void greet(struct core *c)
{
    struct members m;

    core_members(c, &m);
    if (m.n > 1 && members_is_sole_voter(&m, c->id) && guard_acts(&c->guards, GUARD_GREET))
        core_barrier(c, c->now_ms);
}

void core_timeout(struct core *c, uint64_t now_ms)
{
    struct raft_event event = {0};
    bool led = core_is_leader(c);

    c->now_ms = now_ms;
    if (!vote_for_self(c)) {
        event.type = RAFT_TIMEOUT;
        core_step_or_die(c, &event, "the library failed on a timeout");
    }
    core_after(c);
    if (!led && core_is_leader(c))
        greet(c);
}

/* Hands entries [from, from + n) of an AppendEntries over as one event. */
static void deliver_entries(struct core *c, struct parcel *p, size_t from, size_t n)
{
    struct raft_message r;
    struct raft_event event = {0};
    struct raft_entry *entries = NULL;

    core_to_raft(&p->msg, &r);
    r.server_id = c->from;
    r.server_address = c->peer;
    if (n > 0 && (entries = core_entries_new(p->rec + from, n)) == NULL)
        c->host->fatal(c->data, "out of memory");
    r.append_entries.entries = entries;
    r.append_entries.n_entries = (unsigned)n;
    event.type = RAFT_RECEIVE;
    event.receive.message = &r;
    core_step_or_die(c, &event, "the library failed on entries");
    raft_free(entries); /* the array is ours, the batch is not any more */
    core_after(c);
}

/* A leader appends a change of members only when the one before is committed. The library knows that when it loads a
 * log, but not here: it would keep older members to fall back to. So tell it, if our log agrees up to there. */
static void confirm_previous(struct core *c, const struct record *first, uint64_t prev, uint64_t prev_term)
{
    uint64_t pending = core_members_pending(c);
    struct record *have = run_get(&c->log, prev + 1);

    if (first->kind != RECORD_MEMBERS || pending == 0 || pending > prev || c->installing)
        return;
    if (core_term_at(c, prev) != prev_term || (have != NULL && have->term == first->term))
        return;
    if (!guard_acts(&c->guards, GUARD_CONF_NEXT))
        return;
    while (core_tell_members(c, pending))
        ;
}

/* How many entries from `from` on go over together: up to the next change of members. */
static size_t piece(struct core *c, const struct parcel *p, size_t from)
{
    size_t n;
    if (!guard_is_on(&c->guards, GUARD_SPLIT))
        return p->n - from;
    for (n = 1; from + n < p->n; n++)
        if (p->rec[from + n]->kind == RECORD_MEMBERS && guard_acts(&c->guards, GUARD_SPLIT))
            return n;
    return p->n - from;
}

static void receive_entries(struct core *c, struct parcel *p)
{
    struct message *m = &p->msg;
    size_t from = 0;

    if (c->snap != NULL && !c->installing && m->index < c->snap->index &&
        (m->index == 0 || run_get(&c->log, m->index) == NULL) && guard_acts(&c->guards, GUARD_TRIM)) {
        uint64_t skip = c->snap->index - m->index;
        from = skip > p->n ? p->n : (size_t)skip;
        m->index = c->snap->index;
        m->index_term = c->snap->term;
    }
    for (;;) {
        size_t n = piece(c, p, from);
        if (n > 0)
            confirm_previous(c, p->rec[from], m->index, m->index_term);
        deliver_entries(c, p, from, n);
        from += n;
        if (from >= p->n)
            return;
        m->index += n;
        m->index_term = p->rec[from - 1]->term;
    }
}

static void receive_snapshot(struct core *c, struct parcel *p)
{
    struct raft_message r;
    struct raft_event event = {0};
    struct snap **box;

    if (c->installing || p->snap == NULL) /* a second one the library would only leak */
        return;
    if ((box = raft_malloc(sizeof *box)) == NULL)
        c->host->fatal(c->data, "out of memory");
    *box = snap_ref(p->snap);
    core_to_raft(&p->msg, &r);
    r.server_id = c->from;
    r.server_address = c->peer;
    core_decode_members(c, p->snap->members, &r.install_snapshot.conf);
    r.install_snapshot.conf_index = p->snap->members_index;
    r.install_snapshot.data.base = box;
    r.install_snapshot.data.len = sizeof *box;
    event.type = RAFT_RECEIVE;
    event.receive.message = &r;
    core_step_or_die(c, &event, "the library failed on a snapshot");
    if (!c->installing) /* not wanted: the library has freed the box, not what was in it */
        snap_unref(p->snap);
    core_after(c);
}

static void receive_other(struct core *c, uint64_t from, struct message *m)
{
    struct raft_message r;
    struct raft_event event = {0};

    if (m->kind == MESSAGE_VOTE) {
        if (m->candidate != from)
            return;
        if (c->lent_term == m->term && c->lent_vote != m->candidate && !m->pre_vote)
            return; /* our vote of this term is given away */
        c->asked = m;
    }
    core_to_raft(m, &r);
    r.server_id = from;
    r.server_address = c->peer;
    event.type = RAFT_RECEIVE;
    event.receive.message = &r;
    core_step_or_die(c, &event, "the library failed on a message");
    c->asked = NULL;
    core_after(c);
}

void core_receive(struct core *c, uint64_t from, struct parcel *p, uint64_t now_ms)
{
    struct facts f;
    struct parcel *answer;

    c->now_ms = now_ms;
    c->from = from;
    snprintf(c->peer, sizeof c->peer, "%llu", (unsigned long long)from);
    core_facts(c, from, &f);
    switch (guard_receive(&c->guards, &f, &p->msg)) {
    case GUARD_DROP:
        return;
    case GUARD_REFUSE:
        answer = parcel_new();
        guard_refusal(&f, &answer->msg);
        c->host->send(c->data, from, answer);
        return;
    case GUARD_DELIVER:
        break;
    }
    if (p->msg.kind == MESSAGE_APPEND || p->msg.kind == MESSAGE_INSTALL)
        c->contact_ms = now_ms;
    if (p->msg.kind == MESSAGE_APPEND)
        receive_entries(c, p);
    else if (p->msg.kind == MESSAGE_INSTALL)
        receive_snapshot(c, p);
    else
        receive_other(c, from, &p->msg);
}

void core_write_free(struct core_write *w)
{
    run_clear(&w->run);
    free(w);
}

void core_appended(struct core *c, struct core_write *w, uint64_t now_ms)
{
    struct raft_event event = {0};
    uint64_t last = 0;
    size_t i;

    c->now_ms = now_ms;
    /* Only what is still in our log counts: a later update may have truncated it, or a snapshot replaced it. */
    for (i = 0; i < w->run.n; i++)
        if (run_get(&c->log, w->run.first + i) == w->run.rec[i])
            last = w->run.first + i;
    core_write_free(w);
    if (c->installing || last <= c->durable)
        return;
    c->durable = last;
    event.type = RAFT_PERSISTED_ENTRIES;
    event.persisted_entries.index = last;
    core_step_or_die(c, &event, "the library failed on entries that are on disk");
    core_after(c);
}

static void describe(struct core *c, const struct snap *s, struct raft_snapshot_metadata *m)
{
    m->index = s->index;
    m->term = s->term;
    m->configuration_index = s->members_index;
    core_decode_members(c, s->members, &m->configuration);
}

static void adopt(struct core *c, const struct snap *s)
{
    c->applied = c->members_told = s->index;
    c->members_index = s->members_index;
    record_unref(c->members);
    c->members = record_ref(s->members);
}

void core_installed(struct core *c, struct snap *s, uint64_t now_ms)
{
    struct raft_event event = {0};

    c->now_ms = now_ms;
    c->installing = false;
    snap_unref(c->snap);
    c->snap = s;
    c->durable = s->index;
    adopt(c, s);
    event.type = RAFT_PERSISTED_SNAPSHOT;
    describe(c, s, &event.persisted_snapshot.metadata);
    event.persisted_snapshot.last = true;
    core_step_or_die(c, &event, "the library failed on an installed snapshot");
    core_after(c);
}

void core_compacted(struct core *c, struct snap *s, uint64_t now_ms)
{
    struct raft_event event = {0};

    c->now_ms = now_ms;
    c->taking = false;
    snap_unref(c->snap);
    c->snap = s;
    if (c->waiting != NULL) { /* an install overtook us: the library has forgotten these entries */
        struct snap *next = c->waiting;
        c->waiting = NULL;
        core_start_install(c, next);
        return;
    }
    event.type = RAFT_SNAPSHOT;
    describe(c, s, &event.snapshot.metadata);
    event.snapshot.trailing = c->trailing;
    core_step_or_die(c, &event, "the library failed on our snapshot");
    if (s->index > c->trailing && run_get(&c->log, s->index - c->trailing) != NULL)
        run_drop_prefix(&c->log, s->index - c->trailing);
    core_after(c);
}

/* ---- start and stop ---------------------------------------------------------------------------------------------- */

static const struct record *last_members_on_disk(const struct core_disk *disk)
{
    size_t i;
    for (i = disk->log->n; i > 0; i--)
        if (disk->log->rec[i - 1]->kind == RECORD_MEMBERS)
            return disk->log->rec[i - 1];
    return disk->snap != NULL ? disk->snap->members : NULL;
}

static void prepare(struct core *c, const struct core_settings *set)
{
    struct raft *r = c->raft;

    r->tracer = NULL; /* it would format every line, also those that nobody sees */
    raft_seed(r, set->seed);
    raft_set_election_timeout(r, set->election_timeout_ms);
    raft_set_heartbeat_timeout(r, set->heartbeat_ms);
    raft_set_install_snapshot_timeout(r, set->install_timeout_ms);
    raft_set_max_catch_up_round_duration(r, set->catch_up_round_ms);
    raft_set_pre_vote(r, set->pre_vote);
    if (set->inflight_max > 0)
        raft_set_max_inflight_entries(r, set->inflight_max);
    c->guards.off = set->guards_off;
    c->message_bytes = set->message_bytes > 0 ? set->message_bytes : CORE_MESSAGE_BYTES;
    c->snapshot_entries = set->snapshot_entries;
    c->snapshot_bytes = set->snapshot_bytes;
    c->trailing_entries = set->trailing_entries;
    c->trailing_bytes = set->trailing_bytes;
}

static void start(struct core *c, const struct core_disk *disk, uint64_t term, uint64_t vote)
{
    struct raft_event event = {0};
    struct raft_snapshot_metadata metadata;
    size_t i;

    run_init(&c->log, disk->log->first);
    for (i = 0; i < disk->log->n; i++)
        run_push(&c->log, record_ref(disk->log->rec[i]));
    c->durable = run_last(&c->log);
    c->role = RAFT_FOLLOWER;
    event.type = RAFT_START;
    event.start.term = term;
    event.start.voted_for = vote;
    event.start.start_index = disk->log->first;
    event.start.n_entries = (unsigned)disk->log->n;
    if (disk->log->n > 0 && (event.start.entries = core_entries_new(disk->log->rec, disk->log->n)) == NULL)
        c->host->fatal(c->data, "out of memory");
    if (disk->snap != NULL) {
        c->snap = snap_ref(disk->snap);
        adopt(c, disk->snap);
        describe(c, disk->snap, &metadata);
        event.start.metadata = &metadata;
    } else if (disk->log->n > 0) {
        c->members_told = 1; /* entry 1 holds the first members, committed by definition */
    }
    core_step_or_die(c, &event, "the library refuses what is on disk");
    if (event.start.entries != NULL)
        raft_free(event.start.entries[0].batch);
    raft_free(event.start.entries);
    core_after(c);
}

struct core *core_open(const struct core_settings *set, const struct core_disk *disk, const struct core_host *host,
                       void *data, uint64_t now_ms)
{
    struct core *c = replica_alloc(1, sizeof *c);
    const struct record *newest = last_members_on_disk(disk);
    uint64_t term = disk->term, vote = disk->vote;
    struct members m;

    c->host = host;
    c->data = data;
    c->id = set->id;
    c->now_ms = now_ms;
    snprintf(c->address, sizeof c->address, "%s", set->address);
    c->raft = replica_alloc(1, sizeof *c->raft);
    if (raft_init(c->raft, NULL, NULL, set->id, c->address) != 0) {
        free(c->raft);
        free(c);
        return NULL;
    }
    prepare(c, set);
    if (newest != NULL && members_decode(newest->data, newest->len, &m) && members_is_sole_voter(&m, c->id) &&
        guard_acts(&c->guards, GUARD_SOLE)) {
        c->sole_term = ++term;
        vote = c->id;
        host->save_vote(data, term, vote);
    }
    start(c, disk, term, vote);
    return c;
}

void core_close(struct core *c)
{
    unsigned i;

    raft_close(c->raft, NULL);
    for (i = 0; i < c->n_held; i++)
        parcel_free(c->held[i].p);
    run_clear(&c->log);
    snap_unref(c->snap);
    snap_unref(c->waiting);
    record_unref(c->members);
    free(c->raft);
    free(c);
}
