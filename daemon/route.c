#include "daemon/route_state.h"

#include <stdlib.h>

enum { TICK_MS = 10, PROGRESS_MS = 1000 };

void ring_init(struct link *head)
{
    head->next = head->previous = head;
}

void ring_add(struct link *head, struct link *l)
{
    l->previous = head->previous;
    l->next = head;
    l->previous->next = head->previous = l;
}

void ring_remove(struct link *l)
{
    l->previous->next = l->next;
    l->next->previous = l->previous;
    ring_init(l);
}

bool ring_is_empty(const struct link *head)
{
    return head->next == head;
}

/* ---- time ---- */

/* Exchanges stand in the order of their last word, so the first that is not due ends the walk. */
static void send_progress(struct route *r)
{
    uint64_t now_ms = uv_now(r->setup.loop);

    while (!ring_is_empty(&r->open)) {
        struct exchange *x = EXCHANGE_OF(r->open.next, in_open);
        if (now_ms - x->word_ms < PROGRESS_MS)
            break;
        x->word_ms = now_ms;
        ring_remove(&x->in_open);
        ring_add(&r->open, &x->in_open);
        exchange_progress(x);
    }
}

static void try_leaving(struct route *r)
{
    for (struct link *l = r->clients.next, *next; l != &r->clients; l = next) {
        struct client *c = CLIENT_OF(l);
        next = l->next;
        if (c->state == CLIENT_LEAVING && c->errand == NULL && !client_leave(c))
            break;
    }
}

static bool anyone_leaves(const struct route *r)
{
    for (const struct link *l = r->clients.next; l != &r->clients; l = l->next)
        if (CLIENT_OF(l)->state == CLIENT_LEAVING)
            return true;
    return false;
}

void route_pump(struct route *r)
{
    if (r->pumping) /* what is tried may end at once, and call us */
        return;
    r->pumping = true;
    for (struct link *l = r->waiting.next, *next; l != &r->waiting; l = next) {
        next = l->next;
        if (!exchange_try(EXCHANGE_OF(l, in_waiting)))
            break;
    }
    r->pumping = false;
}

static void on_tick(uv_timer_t *tick)
{
    struct route *r = tick->data;

    route_pump(r);
    send_progress(r);
    try_leaving(r);
    if (ring_is_empty(&r->open) && ring_is_empty(&r->waiting) && !anyone_leaves(r))
        uv_timer_stop(tick);
}

void route_wake(struct route *r)
{
    if (!uv_is_active((uv_handle_t *)&r->tick))
        uv_timer_start(&r->tick, on_tick, TICK_MS, TICK_MS);
}

/* ---- life ---- */

struct route *route_new(const struct route_setup *setup, struct diag *why)
{
    struct route *r = calloc(1, sizeof *r);

    if (r == NULL) {
        diag_set(why, "out of memory");
        return NULL;
    }
    r->setup = *setup;
    ring_init(&r->clients);
    ring_init(&r->open);
    ring_init(&r->waiting);
    ring_init(&r->settling);
    uv_timer_init(setup->loop, &r->tick);
    uv_timer_init(setup->loop, &r->settle);
    r->tick.data = r->settle.data = r;
    r->timers = 2;
    return r;
}

static void on_closed(uv_handle_t *timer)
{
    struct route *r = timer->data;
    if (--r->timers == 0)
        free(r);
}

void route_free(struct route *r)
{
    if (r == NULL)
        return;
    while (!ring_is_empty(&r->clients)) { /* whose channel the vault was not told to close */
        struct client *c = CLIENT_OF(r->clients.next);
        if (c->errand != NULL)
            errand_drop(c->errand);
        client_free(c);
    }
    uv_close((uv_handle_t *)&r->tick, on_closed);
    uv_close((uv_handle_t *)&r->settle, on_closed);
}

unsigned route_clients(const struct route *r)
{
    return r->client_count;
}

void route_end_all(struct route *r, const char *reason)
{
    for (struct link *l = r->clients.next; l != &r->clients; l = l->next)
        if (CLIENT_OF(l)->connection != NULL)
            connection_end(CLIENT_OF(l)->connection, reason);
}
