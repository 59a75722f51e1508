/*
 * What others may know of the engine.
 */
#include "daemon/replica/core_state.h"

#include <string.h>

uint64_t core_deadline_ms(const struct core *c)
{
    return c->deadline_ms;
}

enum core_role core_role(const struct core *c)
{
    return c->raft->state == RAFT_LEADER ? CORE_LEADER : c->raft->state == RAFT_CANDIDATE ? CORE_CANDIDATE : CORE_FOLLOWER;
}

bool core_is_leader(const struct core *c)
{
    return c->raft->state == RAFT_LEADER;
}

uint64_t core_leader(const struct core *c)
{
    raft_id id = 0;
    const char *address = NULL;
    raft_leader(c->raft, &id, &address);
    return id;
}

uint64_t core_term(const struct core *c)
{
    return raft_current_term(c->raft);
}

uint64_t core_vote(const struct core *c)
{
    return raft_voted_for(c->raft);
}

uint64_t core_commit(const struct core *c)
{
    return c->commit;
}

uint64_t core_applied(const struct core *c)
{
    return c->applied;
}

uint64_t core_durable(const struct core *c)
{
    return c->durable;
}

uint64_t core_first(const struct core *c)
{
    return c->log.first;
}

uint64_t core_last(const struct core *c)
{
    return raft_last_index(c->raft);
}

uint64_t core_term_at(const struct core *c, uint64_t index)
{
    const struct record *rec = run_get(&c->log, index);
    if (rec != NULL)
        return rec->term;
    return c->snap != NULL && c->snap->index == index ? c->snap->term : 0;
}

uint64_t core_match(const struct core *c, uint64_t id)
{
    raft_index match = 0;
    if (core_is_leader(c))
        raft_match_index(c->raft, id, &match);
    return match;
}

bool core_is_installing(const struct core *c)
{
    return c->installing;
}

size_t core_log_bytes(const struct core *c)
{
    return c->log.bytes;
}

uint64_t core_steps(const struct core *c)
{
    return c->steps;
}

const uint64_t *core_guard_hits(const struct core *c)
{
    return c->guards.hits;
}

const struct snap *core_snap(const struct core *c)
{
    return c->snap;
}

void core_members(const struct core *c, struct members *m)
{
    core_members_of(&c->raft->configuration, m);
}

void core_members_applied(const struct core *c, struct members *m)
{
    memset(m, 0, sizeof *m);
    if (c->members != NULL && !members_decode(c->members->data, c->members->len, m))
        c->host->fatal(c->data, "applied members are malformed");
}

uint64_t core_members_applied_index(const struct core *c)
{
    return c->members_index;
}

uint64_t core_members_pending(const struct core *c)
{
    return c->raft->configuration_uncommitted_index;
}

uint64_t core_members_committed(const struct core *c)
{
    return c->raft->configuration_committed_index;
}

bool core_check_log(const struct core *c, const char **why)
{
    uint64_t last = c->log.n > 0 ? run_last(&c->log) : c->snap != NULL ? c->snap->index : 0;

    if (c->installing)
        return true;
    *why = "the library's last index is not ours";
    if (core_last(c) != last)
        return false;
    *why = "the library's durable index is not ours";
    return c->raft->last_stored == c->durable;
}

/* The library's members must be the last ones in the log, and uncommitted exactly while we have not told it. After a
 * rollback it falls back to members that must be committed, told or not. */
bool core_check_members(const struct core *c, const char **why)
{
    const struct record *newest = NULL;
    struct record *theirs;
    struct members m;
    uint64_t at = 0, i;
    bool same;

    if (c->installing)
        return true;
    for (i = run_last(&c->log); newest == NULL && i >= c->log.first && i > 0; i--)
        if (run_get(&c->log, i)->kind == RECORD_MEMBERS) {
            newest = run_get(&c->log, i);
            at = i;
        }
    if (newest == NULL && c->snap != NULL) {
        newest = c->snap->members;
        at = c->snap->members_index;
    }
    if (newest == NULL)
        return true;
    core_members(c, &m);
    theirs = members_encode(&m, 0);
    same = theirs->len == newest->len && memcmp(theirs->data, newest->data, newest->len) == 0;
    record_unref(theirs);
    *why = "the library's members are not the last ones of the log";
    if (!same)
        return false;
    *why = "the library's idea of uncommitted members is not ours";
    return core_members_pending(c) == (at > c->members_told && at > core_members_committed(c) ? at : 0);
}
