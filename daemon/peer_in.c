/*
 * A connection that another node dialled:
 *
 *   new --hello of a member--> member --raft, proposals, pings...
 *       --hello, bulk--------> bulk   --one snapshot
 *       --hello without id---> joiner --PeerJoin
 *
 * A member's newer connection takes the place of its older one: what arrives must stay in order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/peers_state.h"

struct incoming *incoming_find(struct peers *p, uint64_t serial)
{
    for (struct incoming *i = p->incoming; i != NULL; i = i->next)
        if (i->serial == serial)
            return i;
    return NULL;
}

static struct incoming *find_connection(struct peers *p, const struct connection *c)
{
    for (struct incoming *i = p->incoming; i != NULL; i = i->next)
        if (i->c == c)
            return i;
    return NULL;
}

void ping_fill(struct peers *p, Hsm__PeerPing *ping)
{
    ping->time_ms = clock_real_ms();
    ping->boot = p->status.boot;
    ping->term = p->status.term;
    ping->applied = p->status.applied;
}

static void refuse(struct incoming *i, enum err e, const struct diag *why, uint64_t id)
{
    char text[TROUBLE_BYTES];

    diag_text(why, text, sizeof text);
    log_warning("peer_refused", "node=%llu error=%s why=\"%s\"", (unsigned long long)id, err_name(e), text);
    peer_message_refuse(i->c, e, text, NULL, "refused");
}

static void replace_older(struct incoming *newer)
{
    for (struct incoming *i = newer->p->incoming; i != NULL; i = i->next)
        if (i != newer && i->kind == newer->kind && i->id == newer->id)
            connection_end(i->c, "the node has connected anew");
}

static bool take_hello(struct incoming *i, const Hsm__PeerHello *h)
{
    struct diag why = {0};
    enum err e = hello_check(i->p, i->c, h, &why);

    if (e == ERR_MALFORMED)
        return false;
    if (e == ERR_OK && (!peers_copy_address(i->peer_address, h->peer_address) ||
                        !peers_copy_address(i->client_address, h->client_address)))
        return false;
    if (e != ERR_OK) {
        refuse(i, e, &why, h->node_id);
        return true;
    }
    i->id = h->node_id;
    i->kind = h->node_id == 0 ? INCOMING_JOINER : h->bulk ? INCOMING_BULK : INCOMING_MEMBER;
    (void)hello_send(i->p, i->c, h->bulk);
    if (i->kind == INCOMING_MEMBER) {
        replace_older(i);
        peer_book_know(i->p->book, i->id, NULL, i->peer_address, i->client_address);
        peer_book_heard(i->p->book, i->id, h->boot, h->term, 0);
    }
    return true;
}

static void take_ping(struct incoming *i, const Hsm__PeerPing *ping)
{
    Hsm__PeerMessage m = HSM__PEER_MESSAGE__INIT;
    Hsm__PeerPing echo = HSM__PEER_PING__INIT;

    peer_book_heard(i->p->book, i->id, ping->boot, ping->term, ping->applied);
    m.of_case = HSM__PEER_MESSAGE__OF_PING;
    m.ping = &echo;
    ping_fill(i->p, &echo);
    echo.time_ms = ping->time_ms;
    (void)peer_message_send(i->c, &m);
}

static bool take_from_member(struct incoming *i, const Hsm__PeerMessage *m)
{
    if (m->of_case == HSM__PEER_MESSAGE__OF_RAFT) {
        if (i->p->replica != NULL)
            replica_receive(i->p->replica, i->id, m->raft.data, m->raft.len);
    } else if (m->of_case == HSM__PEER_MESSAGE__OF_PROPOSE) {
        forward_serve(i, m->propose);
    } else if (m->of_case == HSM__PEER_MESSAGE__OF_PING) {
        take_ping(i, m->ping);
    } else {
        return false;
    }
    return true;
}

static bool take_of_snapshot(struct incoming *i, Hsm__PeerMessage *m)
{
    if (m->of_case == HSM__PEER_MESSAGE__OF_SNAPSHOT_BEGIN)
        return inbound_begin(i, m->snapshot_begin);
    if (m->of_case == HSM__PEER_MESSAGE__OF_SNAPSHOT_CHUNK)
        return inbound_chunk(i, m->snapshot_chunk);
    return m->of_case == HSM__PEER_MESSAGE__OF_SNAPSHOT_END && inbound_finish(i, m->snapshot_end);
}

static bool take(struct incoming *i, Hsm__PeerMessage *m)
{
    switch (i->kind) {
    case INCOMING_NEW:
        return m->of_case == HSM__PEER_MESSAGE__OF_HELLO && take_hello(i, m->hello);
    case INCOMING_MEMBER:
        return take_from_member(i, m);
    case INCOMING_BULK:
        return take_of_snapshot(i, m);
    case INCOMING_JOINER:
        return m->of_case == HSM__PEER_MESSAGE__OF_JOIN && admit_ask(i, m->join);
    }
    return false;
}

/* Refused by who dialled us: it knows why, and so should our log. */
static bool take_refused(struct incoming *i, const Hsm__PeerRefused *r)
{
    log_warning("peer_refuses_this_node", "node=%llu error=%s why=\"%s\"", (unsigned long long)i->id,
        err_name(err_from_wire(r->error)), r->detail);
    connection_end(i->c, "refused by the other node");
    return true;
}

static void on_open(void *owner, struct connection *c)
{
    struct peers *p = owner;
    struct incoming *i = calloc(1, sizeof *i);

    if (i == NULL) {
        connection_end(c, "no memory");
        return;
    }
    *i = (struct incoming){.next = p->incoming, .p = p, .c = c, .serial = ++p->serials, .heard_ms = peers_now(p)};
    p->incoming = i;
}

static bool on_frame(void *owner, struct connection *c, const uint8_t *bytes, size_t n)
{
    struct incoming *i = find_connection(owner, c);
    Hsm__PeerMessage *m = i != NULL ? peer_message_read(bytes, n) : NULL;
    bool ok = m != NULL;

    if (ok) {
        i->heard_ms = peers_now(i->p);
        ok = m->of_case == HSM__PEER_MESSAGE__OF_REFUSED ? take_refused(i, m->refused) : take(i, m);
        hsm__peer_message__free_unpacked(m, NULL);
    }
    return ok;
}

static void on_closed(void *owner, struct connection *c, const char *reason)
{
    struct peers *p = owner;
    struct incoming *i = find_connection(p, c), **at = &p->incoming;

    if (i == NULL) /* it never came to a handshake */
        return;
    log_debug("peer_closed", "node=%llu why=\"%s\"", (unsigned long long)i->id, reason);
    inbound_lost(i);
    while (*at != i)
        at = &(*at)->next;
    *at = i->next;
    free(i);
}

const struct connection_events incoming_events = {.open = on_open, .frame = on_frame, .closed = on_closed};

void incoming_tick(struct incoming *i)
{
    uint64_t silent_ms = peers_now(i->p) - i->heard_ms;

    if (i->kind == INCOMING_MEMBER && silent_ms > SILENCE_MS_MAX)
        connection_end(i->c, "no word from the other node");
    else if (i->kind == INCOMING_JOINER && silent_ms > JOIN_MS_MAX)
        connection_end(i->c, "the joiner says nothing");
    else if (i->kind == INCOMING_BULK && silent_ms > JOIN_MS_MAX && !inbound_is(i))
        connection_end(i->c, "no snapshot comes");
}
