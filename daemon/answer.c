/*
 *   replied --> settled? --no--> waits (a millisecond at a time, at most a lease) --> settled? ...
 *                 | yes
 *               last look --> sent, or refused
 *
 * Settled: what the answer shows is applied on every node that may serve. Before that another node could answer the same client by the
 * state before it, and changes would seem to come and go (daemon/replica/lease.h).
 *
 * The last look (lease.md rule 4.8): an answer from our own state leaves only while we may serve, and only if all that decided it is
 * still the same. An answer to a change that was made needs no lease and is settled, as the leader has acknowledged it: unless it rests on
 * objects that are not of that change, as the use of a key does that came with its password. Asked again, the change is not made anew.
 */
#include <stdlib.h>

#include "daemon/reading.h"
#include "daemon/replica/replica.h"
#include "daemon/route_state.h"

enum { SETTLE_TICK_MS = 1, USED_MAX = 1024 };

static struct node *node_of(const struct exchange *x)
{
    return x->client->route->setup.node;
}

void answer_clear(struct answer *a)
{
    if (a->reply != NULL)
        hsm__sealed__free_unpacked(a->reply, NULL);
    a->reply = NULL;
}

static bool is_of_a_change(const struct answer *a)
{
    return a->end.changed && a->reply->n_used == 0;
}

static bool is_settled(const struct exchange *x)
{
    const struct answer *a = &x->answer;
    const struct replica *r = node_of(x)->replica;
    uint64_t ids[USED_MAX];
    struct state_basis basis = {.ids = ids, .searched = a->end.searched || a->reply->n_used > USED_MAX};

    if (x->row->effect == EFFECT_LOCAL || is_of_a_change(a) || r == NULL || a->end.read_upto <= replica_settled(r))
        return true;
    for (; basis.n < a->reply->n_used && basis.n < USED_MAX; basis.n++)
        ids[basis.n] = a->reply->used[basis.n]->id;
    return !state_is_unsettled(node_of(x)->state, replica_settled(r), a->end.read_upto, &basis);
}

static enum err last_look(const struct exchange *x)
{
    const struct answer *a = &x->answer;
    const struct replica *r = node_of(x)->replica;
    enum err e;

    if (x->row->effect == EFFECT_LOCAL)
        return ERR_OK;
    e = reading_check_used(node_of(x)->state, a->end.read_at, a->reply->used, a->reply->n_used);
    if (e == ERR_OK && !is_of_a_change(a) && (r == NULL || !replica_may_serve(r)))
        e = ERR_TRY_ANOTHER;
    return e == ERR_OK || e == ERR_CONFLICT ? e : ERR_TRY_ANOTHER;
}

static void leave(struct exchange *x)
{
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
    enum err e = last_look(x);

    if (e == ERR_OK) {
        header.kind = HSM__FRAME_KIND__FRAME_REPLY;
        header.exchange = x->number;
        header.counter = x->counter;
        header.applied = node_of(x)->replica != NULL ? replica_applied(node_of(x)->replica) : 0;
        (void)client_send(x->client, &header, x->answer.reply->body.data, x->answer.reply->body.len);
    }
    exchange_end(x, e);
}

/* A copy, as the vault's answer is borrowed. */
static Hsm__Sealed *keep(const Hsm__Sealed *reply)
{
    size_t n = hsm__sealed__get_packed_size(reply);
    uint8_t *packed = malloc(n > 0 ? n : 1);
    Hsm__Sealed *copy = NULL;

    if (packed != NULL) {
        hsm__sealed__pack(reply, packed);
        copy = hsm__sealed__unpack(NULL, n, packed);
    }
    free(packed);
    return copy;
}

static void on_settle_tick(uv_timer_t *timer)
{
    struct route *r = timer->data;

    answers_go_on(r);
    if (ring_is_empty(&r->settling))
        uv_timer_stop(timer);
}

static void wait_for_it(struct exchange *x)
{
    struct route *r = x->client->route;

    x->answer.since_ms = uv_now(r->setup.loop);
    ring_add(&r->settling, &x->in_settling);
    if (!uv_is_active((uv_handle_t *)&r->settle))
        uv_timer_start(&r->settle, on_settle_tick, SETTLE_TICK_MS, SETTLE_TICK_MS);
}

void answer_begin(struct exchange *x, const struct errand_end *end)
{
    x->answer.reply = keep(end->answer->reply);
    x->answer.end = *end;
    x->answer.end.answer = NULL;
    if (x->answer.reply == NULL)
        exchange_end(x, ERR_BUSY);
    else if (is_settled(x))
        leave(x);
    else
        wait_for_it(x);
}

void answers_go_on(struct route *r)
{
    for (struct link *l = r->settling.next, *next; l != &r->settling; l = next) {
        struct exchange *x = EXCHANGE_OF(l, in_settling);
        next = l->next;
        if (is_settled(x))
            leave(x);
        else if (uv_now(r->setup.loop) - x->answer.since_ms > 2 * node_of(x)->settings->lease_ms)
            exchange_end(x, ERR_TRY_ANOTHER); /* no leader tells us: who asks elsewhere may be luckier */
    }
}
