#include "daemon/replica/lease.h"

#include <string.h>

enum { BAR_FIRST = 8, BAR_MAX = 128 }; /* rounds */

void lease_init(struct lease *l, uint64_t id, uint64_t boot, const struct lease_settings *set,
                const struct lease_host *host, void *data)
{
    memset(l, 0, sizeof *l);
    l->id = id;
    l->boot = boot;
    l->set = *set;
    l->host = host;
    l->data = data;
    l->deadline_us = LEASE_NEVER;
}

/* How long `span` of somebody's clock can last on ours. */
static uint64_t stretch(const struct lease *l, uint64_t span_us)
{
    return span_us + span_us * l->set.drift_ppm / 1000000 + l->set.margin_us;
}

static void send(struct lease *l, uint64_t to, const struct lease_message *m)
{
    l->sent++;
    l->host->send(l->data, to, m);
}

static struct lease_row *find_row(struct lease *l, uint64_t id)
{
    unsigned i;
    for (i = 0; i < l->n_rows; i++)
        if (l->rows[i].id == id)
            return &l->rows[i];
    return NULL;
}

/* ---- holder ------------------------------------------------------------------------------------------------------ */

bool lease_may_serve(const struct lease *l, uint64_t now_us)
{
    return now_us < l->until_us && l->applied >= l->floor;
}

uint64_t lease_serve_until_us(const struct lease *l)
{
    return l->applied >= l->floor ? l->until_us : 0;
}

static void settle(struct lease *l, uint64_t index)
{
    if (index > l->settled)
        l->settled = index;
}

static void take(struct lease *l, uint64_t until_us, uint64_t floor)
{
    if (until_us <= l->until_us)
        return;
    l->until_us = until_us;
    l->floor = floor;
}

/* Answering tells two things: here is what we have applied, and at this moment nobody has our vote in a later term. */
static void on_probe(struct lease *l, uint64_t from, const struct lease_message *m, uint64_t now_us)
{
    struct lease_message ask = {.kind = LEASE_ASK, .term = m->term, .stamp_us = m->stamp_us, .boot = l->boot,
                                .asked_us = now_us, .index = l->applied};
    settle(l, m->index);
    if (m->term != l->term)
        return;
    l->leader = from;
    send(l, from, &ask);
}

/* A grant for an earlier start of this node counts for nothing: what that start had applied we may have lost. */
static void on_grant(struct lease *l, const struct lease_message *m, uint64_t now_us)
{
    if (m->boot != l->boot || m->asked_us > now_us || m->lasts_us > l->set.length_us)
        return;
    take(l, m->asked_us + m->lasts_us, m->index);
}

/* ---- leader ------------------------------------------------------------------------------------------------------ */

static bool open_for_leases(const struct lease *l)
{
    return l->leads && l->applied >= l->opens;
}

static bool round_has_majority(const struct lease *l)
{
    unsigned voters = l->self_votes, here = l->self_votes, i;
    for (i = 0; i < l->n_rows; i++) {
        voters += l->rows[i].voter;
        here += l->rows[i].voter && l->rows[i].answered == l->round;
    }
    return here > voters / 2;
}

static bool live(const struct lease_row *r, uint64_t now_us)
{
    return now_us < r->until_us;
}

/* One who held changes up must keep pace for a while before it gets the next lease; twice as long each time. */
static void punish(struct lease *l, struct lease_row *r)
{
    r->bar = r->bar == 0 ? BAR_FIRST : r->bar < BAR_MAX ? r->bar * 2 : BAR_MAX;
    r->paced = 0;
    l->barred++;
}

/* Who holds no lease answers nothing, and hears it with the next round. */
static void tell_settled(struct lease *l, uint64_t now_us)
{
    struct lease_message m = {.kind = LEASE_SETTLED, .term = l->term, .index = l->released};
    unsigned i;

    for (i = 0; i < l->n_rows; i++)
        if (live(&l->rows[i], now_us))
            send(l, l->rows[i].id, &m);
}

/* A change may be acknowledged when all who may answer have applied it. Sets the deadline on the way. */
static void release(struct lease *l, uint64_t now_us)
{
    uint64_t upto = l->applied;
    unsigned i;

    l->deadline_us = LEASE_NEVER;
    if (!l->leads)
        return;
    l->deadline_us = l->next_round_us;
    for (i = 0; i < l->n_rows; i++) {
        struct lease_row *r = &l->rows[i];
        if (r->until_us != 0 && !live(r, now_us)) {
            if (r->applied < l->applied && r->boot != 0 && l->applied > l->released && r->granted != 0)
                punish(l, r);
            r->until_us = 0;
        }
        if (!live(r, now_us))
            continue;
        if (r->applied < l->applied && r->until_us < l->deadline_us)
            l->deadline_us = r->until_us;
        if (r->applied < upto)
            upto = r->applied;
    }
    if (upto > l->released) {
        l->released = upto;
        settle(l, upto);
        l->host->released(l->data, upto);
        tell_settled(l, now_us);
    }
}

/* In pace: it has applied what we had as the last round started. Slower ones would only delay changes. */
static bool in_pace(const struct lease *l, const struct lease_row *r)
{
    return r->applied >= l->pace && (r->bar == 0 || r->paced >= r->bar);
}

static void count_pace(struct lease *l, struct lease_row *r)
{
    if (r->applied < l->pace) {
        r->paced = 0;
        return;
    }
    r->paced++;
    if (r->bar != 0 && r->paced > 4 * r->bar) /* long enough a good member */
        r->bar = r->paced = 0;
}

static void grant(struct lease *l, struct lease_row *r, uint64_t now_us)
{
    uint64_t age_us, until_us;
    struct lease_message m = {.kind = LEASE_GRANT, .term = l->term, .boot = r->boot, .asked_us = r->asked_us};

    if (!open_for_leases(l) || !l->round_won || r->answered != l->round || r->granted == l->round)
        return;
    if (now_us < r->drain_us || !r->confirmed || !in_pace(l, r))
        return;
    /* It asked not before the round's start, but perhaps only now: what has passed since comes off. */
    age_us = stretch(l, now_us - l->round);
    if (age_us >= l->set.length_us / 2)
        return;
    m.lasts_us = l->set.length_us - age_us;
    /* Everything acknowledged so far, by us or by any leader before. */
    m.index = l->released > l->opens ? l->released : l->opens;
    r->granted = l->round;
    until_us = l->round + stretch(l, l->set.length_us);
    if (until_us > r->until_us)
        r->until_us = until_us;
    send(l, r->id, &m);
}

static void settle_round(struct lease *l, uint64_t now_us)
{
    unsigned i;
    if (!l->round_won)
        l->round_won = round_has_majority(l);
    if (l->round_won && open_for_leases(l)) /* our own lease: we asked ourselves as the round started */
        take(l, l->round + l->set.length_us, 0);
    for (i = 0; i < l->n_rows; i++)
        grant(l, &l->rows[i], now_us);
}

static void start_round(struct lease *l, uint64_t now_us)
{
    struct lease_message m = {.kind = LEASE_PROBE, .term = l->term, .stamp_us = now_us, .index = l->released};
    unsigned i;

    l->round = now_us; /* the clock has moved since the last: rounds are told apart by their stamp */
    l->round_won = false;
    l->next_round_us = now_us + l->set.renew_us;
    l->pace = l->pace_next;
    l->pace_next = l->applied;
    for (i = 0; i < l->n_rows; i++)
        send(l, l->rows[i].id, &m);
    settle_round(l, now_us);
}

static void on_report(struct lease_row *r, const struct lease_message *m)
{
    if (m->boot > r->boot) {
        /* A new start: the leases of the one before died with it, and so did what it had applied. */
        if (r->boot != 0)
            r->until_us = 0;
        r->boot = m->boot;
        r->applied = m->index;
        r->answered = 0;
        r->bar = r->paced = 0;
    } else if (m->index > r->applied) {
        r->applied = m->index;
    }
}

static void on_ask(struct lease *l, struct lease_row *r, const struct lease_message *m, uint64_t now_us)
{
    if (m->stamp_us != l->round || r->answered == l->round)
        return;
    r->answered = m->stamp_us;
    r->asked_us = m->asked_us;
    count_pace(l, r);
    settle_round(l, now_us);
}

void lease_receive(struct lease *l, uint64_t from, const struct lease_message *m, uint64_t now_us)
{
    struct lease_row *r;

    if (m->kind == LEASE_PROBE) {
        on_probe(l, from, m, now_us);
        return;
    }
    if (m->kind == LEASE_GRANT) {
        on_grant(l, m, now_us);
        return;
    }
    if (m->kind == LEASE_SETTLED) {
        settle(l, m->index);
        return;
    }
    r = find_row(l, from);
    if (!l->leads || m->term != l->term || r == NULL || m->boot < r->boot)
        return;
    on_report(r, m);
    if (m->kind == LEASE_ASK)
        on_ask(l, r, m, now_us);
    release(l, now_us);
}

void lease_timeout(struct lease *l, uint64_t now_us)
{
    if (l->leads && now_us >= l->next_round_us)
        start_round(l, now_us);
    release(l, now_us);
}

/* ---- what raft says ---------------------------------------------------------------------------------------------- */

void lease_term(struct lease *l, uint64_t term)
{
    if (term == l->term)
        return;
    lease_follow(l);
    l->term = term;
    l->leader = 0;
}

void lease_follow(struct lease *l)
{
    l->leads = false;
    l->n_rows = 0;
    l->deadline_us = LEASE_NEVER;
}

static void set_members(struct lease *l, const struct lease_member *m, unsigned n, uint64_t assumed_until_us)
{
    struct lease_row old[LEASE_ROWS_MAX];
    unsigned n_old = l->n_rows, i, j;

    memcpy(old, l->rows, sizeof old);
    l->n_rows = 0;
    l->self_votes = false;
    for (i = 0; i < n; i++) {
        struct lease_row *r;
        if (m[i].id == l->id) {
            l->self_votes = m[i].voter;
            continue;
        }
        if (l->n_rows == LEASE_ROWS_MAX)
            break;
        r = &l->rows[l->n_rows++];
        memset(r, 0, sizeof *r);
        r->id = m[i].id;
        r->until_us = assumed_until_us;
        for (j = 0; j < n_old; j++)
            if (old[j].id == r->id)
                *r = old[j];
        r->voter = m[i].voter;
        r->confirmed = m[i].confirmed;
    }
}

/* Leaders before us have made grants we do not know of, but none after a round that started before our election. */
void lease_lead(struct lease *l, uint64_t last, const struct lease_member *m, unsigned n, uint64_t now_us)
{
    l->leads = true;
    l->opens = last;
    l->released = 0;
    l->n_rows = 0;
    l->pace = l->pace_next = 0;
    set_members(l, m, n, now_us + stretch(l, l->set.length_us));
    if (now_us <= l->round)
        now_us = l->round + 1;
    start_round(l, now_us); /* collects reports, even if we may not grant yet */
    release(l, now_us);
}

void lease_members(struct lease *l, const struct lease_member *m, unsigned n, uint64_t now_us)
{
    if (!l->leads)
        return;
    set_members(l, m, n, 0);
    release(l, now_us);
}

void lease_applied(struct lease *l, uint64_t applied, uint64_t now_us)
{
    bool was_open = open_for_leases(l);
    struct lease_message m = {.kind = LEASE_REPORT, .term = l->term, .boot = l->boot, .index = applied};

    l->applied = applied;
    if (!l->leads) {
        if (l->leader != 0)
            send(l, l->leader, &m);
        return;
    }
    if (!was_open && open_for_leases(l))
        settle_round(l, now_us);
    release(l, now_us);
}

bool lease_drain(struct lease *l, uint64_t id, uint64_t now_us)
{
    struct lease_row *r = find_row(l, id);
    if (!l->leads)
        return false;
    if (r == NULL)
        return true;
    r->drain_us = now_us + 2 * l->set.length_us;
    return !live(r, now_us);
}
