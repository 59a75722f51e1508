/*
 * Proposals, members, leadership: what a leader is asked to do.
 */
#include "daemon/replica/core_state.h"

#include <string.h>

static enum core_result submit(struct core *c, struct record *rec, uint64_t *index)
{
    struct raft_event event = {0};
    struct raft_entry *entry = core_entries_new(&rec, 1);
    uint64_t at = core_last(c) + 1;
    int rv;

    record_unref(rec);
    if (entry == NULL)
        c->host->fatal(c->data, "out of memory");
    event.type = RAFT_SUBMIT;
    event.submit.entries = entry;
    event.submit.n = 1;
    rv = core_step(c, &event);
    if (rv != 0)
        raft_free(entry->batch); /* else it came back with the update */
    raft_free(entry);
    core_after(c);
    if (rv != 0 && rv != RAFT_NOTLEADER && rv != RAFT_CANTCHANGE)
        c->host->fatal(c->data, "the library failed on a proposal");
    if (rv != 0)
        return rv == RAFT_NOTLEADER ? CORE_NOT_LEADER : CORE_BUSY;
    *index = at;
    return CORE_OK;
}

enum core_result core_propose(struct core *c, const void *bytes, size_t len, uint64_t now_ms, uint64_t *index,
                              uint64_t *term)
{
    c->now_ms = now_ms;
    if (!core_is_leader(c))
        return CORE_NOT_LEADER;
    *term = core_term(c);
    return submit(c, record_new(core_term(c), RECORD_COMMAND, bytes, len), index);
}

enum core_result core_barrier(struct core *c, uint64_t now_ms)
{
    static const uint8_t nothing[8];
    uint64_t index;

    c->now_ms = now_ms;
    if (!core_is_leader(c))
        return CORE_NOT_LEADER;
    return submit(c, record_new(core_term(c), RECORD_BARRIER, nothing, sizeof nothing), &index);
}

bool core_may_change(struct core *c)
{
    const struct raft *r = c->raft;
    uint64_t newest = core_members_pending(c) != 0 ? core_members_pending(c) : core_members_committed(c);
    unsigned i;

    if (!core_is_leader(c) || raft_transferee(r) != 0 || core_members_pending(c) != 0)
        return false;
    if (r->leader_state.promotee_id != 0)
        return false;
    if (core_term_at(c, raft_commit_index(r)) != core_term(c) && guard_acts(&c->guards, GUARD_OWN_TERM))
        return false;
    for (i = 0; i < r->configuration.n; i++) {
        const struct raft_server *s = &r->configuration.servers[i];
        if (s->role != RAFT_VOTER || s->id == c->id)
            continue;
        if (core_match(c, s->id) < newest && guard_acts(&c->guards, GUARD_CAUGHT_UP))
            return false;
    }
    return true;
}

enum core_result core_change(struct core *c, const struct members *m, uint64_t now_ms)
{
    const struct member *self = members_find(m, c->id);
    uint64_t index;

    c->now_ms = now_ms;
    if (!core_is_leader(c))
        return CORE_NOT_LEADER;
    if (!core_may_change(c))
        return CORE_BUSY;
    if ((self == NULL || self->role != MEMBER_VOTER) && guard_acts(&c->guards, GUARD_SELF))
        return CORE_BUSY;
    return submit(c, members_encode(m, core_term(c)), &index);
}

/* The library checks nothing here: a wrong state or id would corrupt its memory. */
enum core_result core_catch_up(struct core *c, uint64_t id, uint64_t now_ms)
{
    struct raft_event event = {0};
    const struct member *member;
    struct members m;

    c->now_ms = now_ms;
    if (!core_is_leader(c))
        return CORE_NOT_LEADER;
    core_members(c, &m);
    member = members_find(&m, id);
    if (!core_may_change(c) || member == NULL || member->role == MEMBER_VOTER || id == c->id)
        return CORE_BUSY;
    event.type = RAFT_CATCH_UP;
    event.catch_up.server_id = id;
    core_step_or_die(c, &event, "the library failed to start a catch-up");
    core_after(c);
    return CORE_OK;
}

enum core_catch_up core_catch_up_state(const struct core *c, uint64_t id)
{
    int status = RAFT_CATCH_UP_NONE;
    if (!core_is_leader(c) || raft_catch_up(c->raft, id, &status) != 0)
        return CORE_CATCH_UP_NONE;
    switch (status) {
    case RAFT_CATCH_UP_RUNNING:
        return CORE_CATCH_UP_RUNNING;
    case RAFT_CATCH_UP_ABORTED:
        return CORE_CATCH_UP_ABORTED;
    case RAFT_CATCH_UP_FINISHED:
        return CORE_CATCH_UP_FINISHED;
    default:
        return CORE_CATCH_UP_NONE;
    }
}

enum core_result core_transfer(struct core *c, uint64_t id, uint64_t now_ms)
{
    struct raft_event event = {0};
    int rv;

    c->now_ms = now_ms;
    if (!core_is_leader(c))
        return CORE_NOT_LEADER;
    if (core_match(c, id) != core_last(c) && guard_acts(&c->guards, GUARD_DRAIN))
        return CORE_BUSY;
    event.type = RAFT_TRANSFER;
    event.transfer.server_id = id;
    rv = core_step(c, &event);
    core_after(c);
    if (rv == 0)
        return CORE_OK;
    if (rv != RAFT_NOTLEADER && rv != RAFT_NOTFOUND && rv != RAFT_BADID)
        c->host->fatal(c->data, "the library failed to transfer leadership");
    return rv == RAFT_NOTLEADER ? CORE_NOT_LEADER : CORE_BUSY;
}

static void push_to(struct core *c, uint64_t id)
{
    struct parcel *p;
    unsigned i;

    for (i = 0; i < MEMBERS_MAX && c->pushed[i].id != id && c->pushed[i].id != 0; i++)
        ;
    if (i == MEMBERS_MAX) { /* members come and go: begin the table anew */
        memset(c->pushed, 0, sizeof c->pushed);
        i = 0;
    }
    if (c->pushed[i].id == id && c->pushed[i].term == core_term(c) && c->pushed[i].commit >= c->commit)
        return;
    if (core_match(c, id) < c->commit)
        return;
    c->pushed[i].id = id;
    c->pushed[i].term = core_term(c);
    c->pushed[i].commit = c->commit;
    p = parcel_new();
    p->msg.kind = MESSAGE_APPEND;
    p->msg.version = 1;
    p->msg.term = core_term(c);
    p->msg.index = p->msg.commit = c->commit;
    p->msg.index_term = core_term_at(c, c->commit);
    c->host->send(c->data, id, p);
}

void core_push_commit(struct core *c)
{
    unsigned i;

    if (!core_is_leader(c) || c->hold != 0 || core_term_at(c, c->commit) == 0)
        return;
    for (i = 0; i < c->raft->configuration.n; i++)
        if (c->raft->configuration.servers[i].id != c->id)
            push_to(c, c->raft->configuration.servers[i].id);
}
