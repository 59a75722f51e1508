#include "daemon/replica/serving.h"

static unsigned collect(const struct core *c, struct lease_member *out)
{
    struct members newest, applied;
    unsigned i, n = 0;

    core_members(c, &newest);
    core_members_applied(c, &applied);
    for (i = 0; i < newest.n; i++) {
        const struct member *now = &newest.member[i], *before = members_find(&applied, now->id);
        if (now->role == MEMBER_SPARE)
            continue;
        out[n].id = now->id;
        out[n].voter = now->role == MEMBER_VOTER;
        out[n++].confirmed = before != NULL && before->role != MEMBER_SPARE;
    }
    return n;
}

/* The library starts a term with a barrier only if its log holds uncommitted entries; leases need one always. */
static bool has_own_entry(const struct lease *l, struct core *c, uint64_t now_ms)
{
    if (core_term_at(c, core_last(c)) != l->term)
        core_barrier(c, now_ms);
    return core_is_leader(c) && core_term_at(c, core_last(c)) == l->term;
}

static bool members_moved(struct serving *s, const struct core *c)
{
    struct serving now = {core_members_applied_index(c), core_members_pending(c), core_members_committed(c)};
    bool moved = now.seen_applied != s->seen_applied || now.seen_pending != s->seen_pending ||
                 now.seen_committed != s->seen_committed;
    *s = now;
    return moved;
}

void serving_poll(struct serving *s, struct core *c, struct lease *l, uint64_t now_ms, uint64_t now_us)
{
    struct lease_member m[MEMBERS_MAX];

    lease_term(l, core_term(c));
    if (core_is_leader(c)) {
        bool moved = members_moved(s, c);
        if (!l->leads && has_own_entry(l, c, now_ms))
            lease_lead(l, core_last(c), m, collect(c, m), now_us);
        else if (l->leads && moved)
            lease_members(l, m, collect(c, m), now_us);
        core_push_commit(c);
    } else if (l->leads) {
        lease_follow(l);
    }
    if (l->applied != core_applied(c))
        lease_applied(l, core_applied(c), now_us);
}
