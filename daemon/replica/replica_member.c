/*
 * One change of members at a time, looked at after every event until it is done or its time is over.
 *
 *   add:      not there -> spare (committed) -> caught up -> voter (committed) -> done
 *   remove:   lease drained -> left out (committed) -> done
 *   transfer: target has everything -> handed over -> no longer leading -> done
 */
#include "daemon/replica/replica_state.h"

#include "common/clock.h"

#include <string.h>

static void finish(struct replica *r, enum replica_outcome outcome)
{
    struct item *i = r->member;
    r->member = NULL;
    item_end(i, outcome);
}

void replica_member_start(struct replica *r, struct item *i)
{
    struct members m;

    core_members(r->core, &m);
    if (!core_is_leader(r->core)) {
        item_end(i, REPLICA_NOT_LEADER);
    } else if (r->member != NULL || (i->kind == ITEM_REMOVE && i->id == r->set.id) ||
               (i->kind != ITEM_ADD && members_find(&m, i->id) == NULL)) {
        item_end(i, REPLICA_BUSY);
    } else {
        r->member = i;
        r->member_until_ms = clock_boot_ms() + REPLICA_MEMBER_MS_MAX;
        r->member_proposed = r->member_caught_up = false;
        replica_poll(r);
    }
}

bool replica_is_transferring(const struct replica *r)
{
    return r->member != NULL && r->member->kind == ITEM_TRANSFER;
}

static void propose(struct replica *r, const struct members *m)
{
    if (core_may_change(r->core) && core_change(r->core, m, clock_boot_ms()) == CORE_OK)
        r->member_proposed = true;
}

static void poll_add(struct replica *r)
{
    struct members newest, applied;
    const struct member *now, *before;

    core_members(r->core, &newest);
    core_members_applied(r->core, &applied);
    now = members_find(&newest, r->member->id);
    before = members_find(&applied, r->member->id);
    if (before != NULL && before->role == MEMBER_VOTER && core_members_pending(r->core) == 0) {
        finish(r, REPLICA_DONE);
    } else if (now == NULL) {
        if (!members_add(&newest, r->member->id, r->member->text, MEMBER_SPARE))
            finish(r, REPLICA_BUSY);
        else
            propose(r, &newest);
    } else if (before != NULL && before->role != MEMBER_VOTER && core_may_change(r->core)) {
        enum core_catch_up state = core_catch_up_state(r->core, r->member->id);
        if (state == CORE_CATCH_UP_FINISHED || core_match(r->core, r->member->id) == core_last(r->core)) {
            members_set_role(&newest, r->member->id, MEMBER_VOTER);
            propose(r, &newest);
        } else if (state != CORE_CATCH_UP_RUNNING) {
            core_catch_up(r->core, r->member->id, clock_boot_ms());
        }
    }
}

static void poll_remove(struct replica *r)
{
    struct members newest, applied;

    core_members(r->core, &newest);
    core_members_applied(r->core, &applied);
    if (members_find(&newest, r->member->id) == NULL) {
        if (members_find(&applied, r->member->id) == NULL)
            finish(r, REPLICA_DONE);
        return;
    }
    /* Who still holds a lease stays a member: drained and proposed in the same turn. */
    if (core_may_change(r->core) && lease_drain(&r->lease, r->member->id, clock_boot_ns() / 1000)) {
        members_remove(&newest, r->member->id);
        propose(r, &newest);
    }
}

void replica_member_poll(struct replica *r)
{
    struct item *i = r->member;

    if (i == NULL)
        return;
    if (!core_is_leader(r->core)) {
        finish(r, i->kind == ITEM_TRANSFER && r->member_proposed ? REPLICA_DONE : REPLICA_UNKNOWN);
    } else if (clock_boot_ms() > r->member_until_ms) {
        finish(r, REPLICA_UNKNOWN);
    } else if (i->kind == ITEM_ADD) {
        poll_add(r);
    } else if (i->kind == ITEM_REMOVE) {
        poll_remove(r);
    } else if (!r->member_proposed && r->pending == NULL &&
               core_transfer(r->core, i->id, clock_boot_ms()) == CORE_OK) {
        r->member_proposed = true;
        r->member_until_ms = clock_boot_ms() + 2 * (uint64_t)r->set.election_timeout_ms;
    }
}
