/*
 * One event in, one update out.
 *
 *   event -> raft_step -> 1. term and vote: durable before anything else
 *                         2. entries: into the cache, to the writer     3. a snapshot to install
 *                         4. messages: none of them claims more than is durable, so they need not wait for 2
 *   then core_after(): role, held messages, committed members, apply, snapshot, deadline; until nothing changes any more
 */
#include "daemon/replica/core_state.h"

#include <string.h>

void core_facts(const struct core *c, uint64_t from, struct facts *f)
{
    raft_index match = 0;
    struct members m;

    memset(f, 0, sizeof *f);
    if (core_is_leader(c) && from != 0)
        raft_match_index(c->raft, from, &match);
    core_members(c, &m);
    f->now_ms = c->now_ms;
    f->term = core_term(c);
    f->last_index = core_last(c);
    f->last_term = f->last_index > 0 ? core_term_at(c, f->last_index) : 0;
    f->contact_ms = c->contact_ms;
    f->election_timeout_ms = c->raft->election_timeout;
    f->peer_match = match;
    f->follower = c->raft->state == RAFT_FOLLOWER;
    f->candidate = c->raft->state == RAFT_CANDIDATE;
    f->sole_voter = members_is_sole_voter(&m, c->id);
    f->installing = c->installing;
}

/* The entries replace whatever we have from `index` on, in memory and on disk. */
static void take_entries(struct core *c, uint64_t index, struct raft_entry *batch, unsigned n)
{
    struct core_write *w;
    unsigned i;

    if (index < c->log.first || index > run_last(&c->log) + 1)
        c->host->fatal(c->data, "entries would leave a hole in the log");
    if (index <= c->applied)
        c->host->fatal(c->data, "an applied entry would be replaced");
    run_truncate(&c->log, index);
    if (c->durable >= index)
        c->durable = index - 1;

    w = replica_alloc(1, sizeof *w);
    run_init(&w->run, index);
    for (i = 0; i < n; i++) {
        struct record *rec =
            record_new(batch[i].term, (enum record_kind)batch[i].type, batch[i].buf.base, batch[i].buf.len);
        run_push(&c->log, rec);
        run_push(&w->run, record_ref(rec));
        if (rec->kind == RECORD_MEMBERS && core_is_leader(c))
            c->hold = index + i;
    }
    raft_free(batch[0].batch); /* all entries of an update share one */
    c->host->append(c->data, w);
}

void core_start_install(struct core *c, struct snap *s)
{
    run_reset(&c->log, s->index + 1);
    c->durable = 0;
    c->host->install(c->data, s);
}

/* The members in the metadata are ours until they go back with RAFT_PERSISTED_SNAPSHOT; we keep only their encoding. */
static void take_snapshot(struct core *c, struct raft_update *u)
{
    struct snap *s;

    memcpy(&s, u->snapshot.chunk.base, sizeof s);
    raft_configuration_close(&u->snapshot.metadata.configuration);
    raft_free(u->snapshot.chunk.base);
    if (c->installing)
        c->host->fatal(c->data, "a snapshot came while another is being installed");
    c->installing = true;
    if (c->taking)
        c->waiting = s;
    else
        core_start_install(c, s);
}

/* The library refuses every vote while its own configuration does not call us a voter. But who counts votes is the
 * candidate's configuration: a server that misses its promotion must vote, or one crash can block the cluster. */
static bool lend_vote(struct core *c, const struct message *result)
{
    const struct message *asked = c->asked;
    struct facts f;
    uint64_t voted = core_vote(c);

    if (asked == NULL || result->granted || raft_role(c->raft) == RAFT_VOTER)
        return false;
    core_facts(c, 0, &f);
    if (c->lent_term == asked->term)
        voted = c->lent_vote;
    if (!guard_may_lend_vote(&f, asked, voted) || !guard_acts(&c->guards, GUARD_VOTE))
        return false;
    if (asked->pre_vote)
        return true;
    c->lent_term = asked->term;
    c->lent_vote = asked->candidate;
    c->host->save_vote(c->data, c->lent_term, c->lent_vote);
    return true;
}

/* Everything for the followers waits behind a change of members that is not on our own disk yet: if they stored it and
 * we forgot it in a crash, a server that it demotes would neither lead nor follow us. */
static bool hold_back(struct core *c, uint64_t to, struct parcel *p)
{
    if (c->hold == 0 || p->msg.index + p->n < c->hold)
        return false;
    if (!guard_acts(&c->guards, GUARD_HOLD))
        return false;
    if (c->n_held == CORE_HELD_MAX) { /* lost, as on a bad link; never let through */
        parcel_free(p);
        return true;
    }
    c->held[c->n_held].p = p;
    c->held[c->n_held++].to = to;
    return true;
}

static void release_held(struct core *c)
{
    bool leads = core_is_leader(c);
    unsigned i;

    if (c->hold == 0 || (leads && c->durable < c->hold))
        return;
    c->hold = 0;
    for (i = 0; i < c->n_held; i++) {
        if (leads)
            c->host->send(c->data, c->held[i].to, c->held[i].p);
        else
            parcel_free(c->held[i].p);
    }
    c->n_held = 0;
}

/* Messages are headers; what they announce comes from the cache, in parcels of bounded size. */
static void send_entries(struct core *c, uint64_t to, const struct message *head, unsigned n)
{
    struct message m = *head;

    do {
        struct parcel *p = parcel_new();
        size_t bytes = 0;
        p->msg = m;
        p->rec = replica_alloc(n, sizeof(struct record *));
        for (; n > 0; n--) {
            struct record *rec = run_get(&c->log, m.index + 1);
            if (rec == NULL)
                c->host->fatal(c->data, "asked to send an entry that is gone");
            if (p->n > 0 && bytes + rec->len > c->message_bytes)
                break;
            p->rec[p->n++] = record_ref(rec);
            bytes += rec->len;
            m.index++;
            m.index_term = rec->term;
        }
        if (!hold_back(c, to, p))
            c->host->send(c->data, to, p);
    } while (n > 0);
}

static void send_message(struct core *c, const struct raft_message *r)
{
    struct parcel *p;
    struct message *m, head;

    core_from_raft(r, &head);
    if (head.kind == MESSAGE_APPEND) {
        send_entries(c, r->server_id, &head, r->append_entries.n_entries);
        return;
    }
    p = parcel_new();
    p->msg = head;
    m = &p->msg;
    if (m->kind == MESSAGE_VOTE_RESULT) {
        if (lend_vote(c, m))
            m->granted = true;
        else if (m->pre_vote && !m->granted && m->term < core_term(c) && guard_acts(&c->guards, GUARD_PREVOTE))
            m->term = core_term(c);
    } else if (m->kind == MESSAGE_INSTALL) {
        if (c->snap == NULL || c->snap->index != m->index)
            c->host->fatal(c->data, "asked to send a snapshot that we do not have");
        if (c->host->sending_snapshot(c->data, r->server_id) && guard_acts(&c->guards, GUARD_RESEND)) {
            parcel_free(p);
            return;
        }
        p->snap = snap_ref(c->snap);
    }
    c->host->send(c->data, r->server_id, p);
}

int core_step(struct core *c, struct raft_event *event)
{
    struct raft_update u;
    unsigned i;
    int rv;

    event->time = c->now_ms;
    event->capacity = 0;
    c->steps++;
    rv = raft_step(c->raft, event, &u);
    if (rv != 0)
        return rv;
    if (u.flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR))
        c->host->save_vote(c->data, core_term(c), core_vote(c));
    if (u.flags & (RAFT_UPDATE_ENTRIES))
        take_entries(c, u.entries.index, u.entries.batch, u.entries.n);
    if (u.flags & (RAFT_UPDATE_SNAPSHOT))
        take_snapshot(c, &u);
    if (u.flags & (RAFT_UPDATE_MESSAGES))
        for (i = 0; i < u.messages.n; i++)
            if (u.messages.batch[i].server_id != c->id)
                send_message(c, &u.messages.batch[i]);
    return 0;
}

void core_step_or_die(struct core *c, struct raft_event *event, const char *what)
{
    if (core_step(c, event) != 0)
        c->host->fatal(c->data, what);
}

/* Tells the library about committed members, in log order. True if an event was fired. */
bool core_tell_members(struct core *c, uint64_t upto)
{
    while (c->members_told < upto) {
        struct record *rec = run_get(&c->log, c->members_told + 1);
        struct raft_event event = {0};
        c->members_told++;
        if (rec == NULL || rec->kind != RECORD_MEMBERS)
            continue;
        event.type = RAFT_CONFIGURATION;
        event.configuration.index = c->members_told;
        core_decode_members(c, rec, &event.configuration.conf);
        core_step_or_die(c, &event, "the library failed on committed members");
        return true;
    }
    return false;
}

static void apply_one(struct core *c)
{
    struct record *rec = run_get(&c->log, c->applied + 1);
    if (rec == NULL)
        c->host->fatal(c->data, "a committed entry is missing");
    c->applied++;
    if (rec->kind == RECORD_MEMBERS) {
        record_unref(c->members);
        c->members = record_ref(rec);
        c->members_index = c->applied;
    }
    c->host->apply(c->data, c->applied, rec);
}

/* How many entries up to `index` may stay behind a snapshot of that index. */
static unsigned count_trailing(const struct core *c, uint64_t index)
{
    uint64_t bytes = 0;
    unsigned n;

    for (n = 0; n < c->trailing_entries; n++) {
        struct record *rec = index > n ? run_get(&c->log, index - n) : NULL;
        if (rec == NULL)
            return c->trailing_entries; /* the whole log is shorter: nothing to drop */
        bytes += rec->len;
        if (c->trailing_bytes != 0 && bytes > c->trailing_bytes)
            break;
    }
    return n;
}

static void maybe_take_snapshot(struct core *c)
{
    uint64_t base = c->snap != NULL ? c->snap->index : 0;
    uint64_t index = c->applied;
    bool many = index >= base + c->snapshot_entries;
    bool large = c->snapshot_bytes != 0 && c->log.bytes >= c->snapshot_bytes + c->trailing_bytes;
    struct snap *s;

    if (c->taking || c->installing || c->snapshot_entries == 0 || index > c->durable || index == base)
        return;
    if (!many && !large)
        return;
    s = snap_new(index, core_term_at(c, index), c->members_index, c->members);
    c->taking = true;
    c->trailing = count_trailing(c, index);
    c->host->compact(c->data, s, index > c->trailing ? index - c->trailing : 0);
}

static void follow_role(struct core *c)
{
    int was = c->role;

    c->role = raft_state(c->raft);
    if (c->role == was)
        return;
    if (was == RAFT_LEADER)
        c->host->lost_leadership(c->data);
    if (c->role == RAFT_LEADER)
        c->host->became_leader(c->data);
}

static void follow_commit(struct core *c)
{
    uint64_t commit = raft_commit_index(c->raft);
    if (commit >= c->commit)
        c->commit = commit;
    else if (!guard_acts(&c->guards, GUARD_COMMIT))
        c->commit = commit;
}

void core_after(struct core *c)
{
    follow_role(c);
    release_held(c);
    for (;;) {
        uint64_t upto;
        follow_commit(c);
        if (c->installing)
            break;
        upto = c->commit;
        if (upto > c->durable && guard_is_on(&c->guards, GUARD_EARLY))
            upto = c->durable;
        if (core_tell_members(c, guard_is_on(&c->guards, GUARD_CONF_FIRST) ? c->commit : upto)) {
            follow_role(c);
            continue;
        }
        if (c->applied >= upto || (c->host->ready != NULL && !c->host->ready(c->data)))
            break;
        apply_one(c);
    }
    maybe_take_snapshot(c);
    c->deadline_ms = raft_timeout(c->raft);
    if (c->deadline_ms <= c->now_ms)
        c->deadline_ms = c->now_ms + 1 + (guard_acts(&c->guards, GUARD_SPIN) ? c->raft->heartbeat_timeout / 4 : 0);
}
