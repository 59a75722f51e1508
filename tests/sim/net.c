#include "tests/sim/world.h"

#include <stdlib.h>
#include <string.h>

void net_cut(uint64_t from, uint64_t to)
{
    W.links[from][to].conn++;
    W.links[from][to].last = 0;
    W.links[from][to].bulk = 0;
}

/* Messages travel as bytes, by the product's own encoding. */
static void post_bytes(uint64_t from, uint64_t to, const struct buffer *bytes, uint64_t at_ms)
{
    struct event *ev = post(at_ms, EVENT_DELIVER);
    ev->from = from;
    ev->to = to;
    ev->conn = W.links[from][to].conn;
    ev->n = bytes->len;
    ev->bytes = replica_alloc(1, bytes->len);
    memcpy(ev->bytes, bytes->data, bytes->len);
}

static void send_small(uint64_t from, uint64_t to, const struct buffer *bytes, bool faults)
{
    struct link *l = &W.links[from][to];
    uint64_t at = W.now + chance_below(W.delay_ms + 1);

    if (mixed(MIX_CHAOS) && faults) {
        if (chance(2))
            at += chance_below(1500);
        if (chance(2))
            post_bytes(from, to, bytes, at + chance_below(2000));
        post_bytes(from, to, bytes, at);
        return;
    }
    if (faults && chance_below(1000) < 4)
        at += chance_below(400);
    if (W.now < l->slow_until)
        at += chance_below(l->slow_ms);
    if (at < l->last)
        at = l->last;
    l->last = at;
    post_bytes(from, to, bytes, at);
}

void net_send(uint64_t from, uint64_t to, struct parcel *p)
{
    struct buffer bytes = {0};
    bool faults = !W.healed && !mixed(MIX_CALM);

    if (to == 0 || to > SLOTS || !W.nodes[to].exists || W.nodes[to].retired)
        goto out;
    if (W.now < W.links[from][to].blocked_until || (faults && chance_below(1000) < 3)) {
        if (!mixed(MIX_CHAOS))
            net_cut(from, to);
        goto out;
    }
    if (!parcel_encode(p, &bytes))
        fail_run(RUN_WIRE, "n%lu: a message cannot be encoded", from);
    if (p->snap != NULL) { /* a connection of its own, no order with the small messages */
        W.links[from][to].bulk = p->snap->index;
        post_bytes(from, to, &bytes, W.now + 20 + chance_below(faults ? 400 : 50));
    } else {
        send_small(from, to, &bytes, faults);
    }
out:
    buffer_clear(&bytes);
    parcel_free(p);
}

void net_deliver(struct event *ev)
{
    struct node *n = &W.nodes[ev->to];
    struct link *l = &W.links[ev->from][ev->to];
    struct parcel *p = parcel_decode(ev->bytes, ev->n);

    if (p == NULL)
        fail_run(RUN_WIRE, "n%lu: a message from n%lu cannot be decoded", ev->to, ev->from);
    if (p->snap != NULL && l->bulk == p->snap->index)
        l->bulk = 0;
    if (n->up && (mixed(MIX_CHAOS) || ev->conn == l->conn)) {
        if (p->msg.kind == MESSAGE_LEASE) {
            lease_receive(&n->lease, ev->from, &p->lease, lease_clock(n));
        } else {
            bool was = core_is_installing(n->core);
            core_receive(n->core, ev->from, p, W.now);
            W.stats->installs += !was && core_is_installing(n->core);
        }
    }
    parcel_free(p);
}
