/*
 * Serving leases: a drifting clock beside each node, and clients that use keys on every node.
 */
#include "tests/sim/world.h"

#include <stdlib.h>
#include <string.h>

enum { DRIFT_MAX_PPM = 20000 }; /* each clock runs 2 % fast at most, or slow */

static const struct lease_settings settings = {
    .length_us = LEASE_MS * 1000, .renew_us = LEASE_MS * 250, .margin_us = 2000, .drift_ppm = 41000 /* 1.02 / 0.98 */};

/* One request for the use of a key on its way through a node. */
struct use {
    struct use *next; /* parked */
    uint64_t node, boot, acked_before, shown_before, read_at;
    unsigned key, stage;
};

uint64_t lease_clock(const struct node *n)
{
    return (uint64_t)((int64_t)(W.now * (uint64_t)(1000000 + n->clock_ppm) / 1000) + n->clock_offset_us);
}

static void on_send(void *data, uint64_t to, const struct lease_message *m)
{
    const struct node *n = data;
    struct parcel *p = parcel_new();
    p->msg.kind = MESSAGE_LEASE;
    p->lease = *m;
    net_send(n->id, to, p);
}

static void on_released(void *data, uint64_t index)
{
    host_released(data, index);
}

static const struct lease_host host = {on_send, on_released};

void lease_start(struct node *n)
{
    if (!mixed(MIX_LEASE))
        return;
    n->boot++;
    n->timer_at = 0;
    if (n->boot == 1) {
        n->clock_ppm = chance(50) ? (chance(50) ? DRIFT_MAX_PPM : -DRIFT_MAX_PPM)
                                  : (int64_t)chance_below(2 * DRIFT_MAX_PPM) - DRIFT_MAX_PPM;
        post(W.now + chance_below(40), EVENT_READER)->to = n->id;
    }
    if (n->boot == 1 || chance(50)) /* the machine was started too */
        n->clock_offset_us = chance_below(1000000000);
    memset(&n->serving, 0, sizeof n->serving);
    lease_init(&n->lease, n->id, n->boot, &settings, &host, n);
}

/* An answer that waits for its state to settle is asked again when more is settled, not every millisecond. */
static void wake(struct node *n)
{
    struct use *u = n->parked, *next;

    n->settled_seen = n->lease.settled;
    n->parked = NULL;
    for (; u != NULL; u = next) {
        struct event *ev = post(W.now, EVENT_USE);
        next = u->next;
        ev->to = n->id;
        ev->use = u;
    }
}

void lease_stop(struct node *n)
{
    while (n->parked != NULL) {
        struct use *u = n->parked;
        n->parked = u->next;
        free(u);
    }
    W.stats->barred += n->lease.barred;
}

static void arm(struct node *n)
{
    uint64_t at;
    if (n->lease.deadline_us == LEASE_NEVER || (n->timer_at > W.now && n->lease.deadline_us == n->timer_for_us))
        return;
    n->timer_for_us = n->lease.deadline_us;
    at = (uint64_t)(((int64_t)n->lease.deadline_us - n->clock_offset_us) * 1000 / (1000000 + n->clock_ppm)) + 1;
    if (at <= W.now)
        at = W.now + 1;
    if (n->timer_at > W.now && n->timer_at <= at)
        return;
    n->timer_at = at;
    post(at, EVENT_LEASE)->to = n->id;
}

void lease_poll(struct node *n)
{
    if (!mixed(MIX_LEASE) || !n->up || W.now < n->frozen_until)
        return;
    serving_poll(&n->serving, n->core, &n->lease, W.now, lease_clock(n));
    if (n->parked != NULL && n->lease.settled != n->settled_seen)
        wake(n);
    arm(n);
}

void lease_fire(struct node *n)
{
    n->timer_at = 0;
    if (n->up)
        lease_timeout(&n->lease, lease_clock(n));
}

bool lease_holds(const struct node *n)
{
    return n->up && lease_may_serve(&n->lease, lease_clock(n));
}

uint64_t lease_stall_ms(void)
{
    uint64_t us = settings.renew_us + settings.length_us + settings.length_us * settings.drift_ppm / 1000000 +
                  settings.margin_us;
    return us / 1000 * 102 / 100 + 50;
}

void reader_acked(uint64_t index, uint64_t command)
{
    if (index > W.acked_key[key_of(command)])
        W.acked_key[key_of(command)] = index;
}

void reader_ask(uint64_t id)
{
    struct use *u = replica_alloc(1, sizeof *u);
    struct event *ev;

    u->node = id;
    u->key = chance_below(KEYS);
    u->acked_before = W.acked_key[u->key];
    u->shown_before = W.shown_key[u->key];
    ev = post(W.now + chance_below(4), EVENT_USE);
    ev->to = id;
    ev->use = u;
    post(W.now + 1 + chance_below(40), EVENT_READER)->to = id;
}

/* The key's newest change that is not above `upto`; 0: none. */
static uint64_t last_change(uint64_t upto, unsigned key)
{
    uint64_t i;
    for (i = upto; i > 0; i--)
        if (W.truth[i].kind == RECORD_COMMAND && key_of(W.truth[i].payload) == key)
            break;
    return i;
}

/* The reply must not be by a state older than what was acknowledged before the request, nor than what is acknowledged
 * as it leaves, nor than what a reply before the request has shown. */
static void reply(const struct use *u)
{
    uint64_t shown = last_change(u->read_at, u->key);

    W.stats->served++;
    if (u->read_at < u->acked_before)
        fail_run(RUN_STALE_START, "n%lu uses key %u as of %lu, but its change at %lu was acknowledged before the request",
                 u->node, u->key, u->read_at, u->acked_before);
    if (u->read_at < W.acked_key[u->key])
        fail_run(RUN_STALE_REPLY, "n%lu answers by key %u as of %lu, but its change at %lu is acknowledged", u->node,
                 u->key, u->read_at, W.acked_key[u->key]);
    if (shown < u->shown_before)
        fail_run(RUN_STALE_SHOWN, "n%lu answers by key %u as of %lu, but its change at %lu had been shown before the request",
                 u->node, u->key, u->read_at, u->shown_before);
    if (shown > W.shown_key[u->key])
        W.shown_key[u->key] = shown;
}

enum stepped { STEP_GONE, STEP_LATER, STEP_PARKED };

/* Arrive; read the record and work; look again, wait until what is shown is settled, then answer. */
static enum stepped step(struct use *u, const struct node *n, uint64_t *next)
{
    bool ok = lease_holds(n);

    switch (u->stage++) {
    case 0:
        if (!ok) {
            W.stats->refused++;
            return STEP_GONE;
        }
        *next += chance_below(3);
        return STEP_LATER;
    case 1:
        u->read_at = n->lease.applied;
        *next += chance_below(10) > 0 ? chance_below(20) : chance_below(4) > 0 ? chance_below(600) : chance_below(2500);
        return STEP_LATER;
    default:
        if (!ok && !(W.opt->broken & BREAK_POST)) {
            W.stats->refused++;
            return STEP_GONE;
        }
        if (!(W.opt->broken & BREAK_REREAD)) {
            W.stats->redone += last_change(n->lease.applied, u->key) > u->read_at; /* decided anew */
            u->read_at = n->lease.applied;
        }
        if (last_change(u->read_at, u->key) > n->lease.settled && !(W.opt->broken & BREAK_SETTLE)) {
            u->stage--;
            return STEP_PARKED;
        }
        reply(u);
        return STEP_GONE;
    }
}

void reader_step(struct use *u)
{
    struct node *n = &W.nodes[u->node];
    enum stepped stepped = STEP_GONE;
    uint64_t next = W.now;
    struct event *ev;

    if (u->stage == 0)
        u->boot = n->boot;
    if (n->up && u->boot == n->boot)
        stepped = step(u, n, &next);
    switch (stepped) {
    case STEP_GONE:
        free(u);
        break;
    case STEP_LATER:
        ev = post(next, EVENT_USE);
        ev->to = u->node;
        ev->use = u;
        break;
    case STEP_PARKED:
        if (n->parked == NULL)
            n->settled_seen = n->lease.settled;
        u->next = n->parked;
        n->parked = u;
        break;
    }
}
