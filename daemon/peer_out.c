/*
 * The connection that this node dials to a member:
 *
 *   (idle) -> name looked up -> connecting, TLS -> our hello -> its hello -> up -> (closed) -> idle, a little later
 *
 * Up: raft messages, proposals and pings go out; outcomes and the pings' echoes come back. A refusal, by either side, is
 * said in the log once and tried again slowly, since an operator may mend it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/peers_state.h"

struct peer *peer_find(struct peers *p, uint64_t id)
{
    for (struct peer *e = p->peers; e != NULL; e = e->next)
        if (e->id == id && !e->dropped)
            return e;
    return NULL;
}

/* Once for each new trouble. */
static void complain(struct peer *e, const char *event, const char *text)
{
    if (strncmp(e->trouble, text, sizeof e->trouble - 1) == 0)
        return;
    snprintf(e->trouble, sizeof e->trouble, "%s", text);
    log_warning(event, "node=%llu address=%s why=\"%s\"", (unsigned long long)e->id, e->address, e->trouble);
}

static void dial_later(struct peer *e)
{
    e->backoff_ms = e->backoff_ms == 0 ? REDIAL_MS_MIN : 2 * e->backoff_ms;
    if (e->backoff_ms > REDIAL_MS_MAX)
        e->backoff_ms = REDIAL_MS_MAX;
    e->dial_at_ms = peers_now(e->p) + (e->refused ? REFUSED_REDIAL_MS : e->backoff_ms);
}

static void unlink_and_free(struct peer *e)
{
    struct peer **at = &e->p->peers;

    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    free(e);
}

/* ---- events of the connection ---- */

static void on_open(void *owner, struct connection *c)
{
    struct peer *e = owner;
    (void)hello_send(e->p, c, false);
}

static void refuse(struct peer *e, struct connection *c, enum err error, const struct diag *why)
{
    char text[TROUBLE_BYTES];

    e->refused = true;
    complain(e, "peer_not_accepted", diag_text(why, text, sizeof text));
    peer_message_refuse(c, error, text, NULL, "the other node is not accepted");
}

static void take_hello(struct peer *e, struct connection *c, const Hsm__PeerHello *h)
{
    struct diag why = {0};
    enum err error = hello_check(e->p, c, h, &why);

    if (error == ERR_OK && h->node_id != e->id) {
        diag_set(&why, "node %llu is at the address of node %llu", (unsigned long long)h->node_id,
            (unsigned long long)e->id);
        diag_remedy(&why, "check advertise.peer of both nodes");
        error = ERR_PERMISSION;
    }
    if (error != ERR_OK) {
        refuse(e, c, error, &why);
        return;
    }
    e->up = true;
    e->refused = false;
    e->backoff_ms = 0;
    e->pinged_ms = 0;
    e->trouble[0] = '\0';
    peer_book_know(e->p->book, e->id, NULL, e->address, h->client_address);
    log_info("peer_connected", "node=%llu address=%s", (unsigned long long)e->id, e->address);
}

static void take_refused(struct peer *e, struct connection *c, const Hsm__PeerRefused *r)
{
    char text[TROUBLE_BYTES];

    e->refused = true;
    snprintf(text, sizeof text, "%s: %s", err_name(err_from_wire(r->error)), r->detail);
    complain(e, "peer_refuses_this_node", text);
    connection_end(c, "refused by the other node");
}

static bool take(struct peer *e, struct connection *c, const Hsm__PeerMessage *m)
{
    if (m->of_case == HSM__PEER_MESSAGE__OF_REFUSED)
        take_refused(e, c, m->refused);
    else if (!e->up && m->of_case == HSM__PEER_MESSAGE__OF_HELLO)
        take_hello(e, c, m->hello);
    else if (e->up && m->of_case == HSM__PEER_MESSAGE__OF_OUTCOME)
        forward_outcome(e->p, e->id, m->outcome);
    else if (e->up && m->of_case == HSM__PEER_MESSAGE__OF_PING)
        peer_book_heard(e->p->book, e->id, m->ping->boot, m->ping->term, m->ping->applied);
    else
        return false;
    return true;
}

static bool on_frame(void *owner, struct connection *c, const uint8_t *bytes, size_t n)
{
    struct peer *e = owner;
    Hsm__PeerMessage *m = peer_message_read(bytes, n);
    bool ok = m != NULL && take(e, c, m);

    e->heard_ms = peers_now(e->p);
    if (m != NULL)
        hsm__peer_message__free_unpacked(m, NULL);
    return ok;
}

static void on_closed(void *owner, struct connection *c, const char *reason)
{
    struct peer *e = owner;
    struct peers *p = e->p;

    (void)c;
    e->out = NULL;
    if (e->up)
        log_warning("peer_lost", "node=%llu why=\"%s\"", (unsigned long long)e->id, reason);
    else if (!e->dropped && !e->refused)
        complain(e, "peer_not_reached", reason);
    e->up = false;
    forward_lost(p, e->id);
    if (e->dropped)
        unlink_and_free(e);
    else
        dial_later(e);
    peers_let_go(p);
}

static const struct connection_events events = {.open = on_open, .frame = on_frame, .closed = on_closed};

/* ---- dialling ---- */

static void on_dialled(void *arg, struct connection *c, const char *reason)
{
    struct peer *e = arg;

    e->dial = NULL;
    e->out = c;
    e->heard_ms = peers_now(e->p);
    if (c != NULL) {
        peers_hold(e->p);
        return;
    }
    complain(e, "peer_not_reached", reason);
    dial_later(e);
}

static void dial(struct peer *e)
{
    struct connection_setup setup = {.loop = e->p->loop, .tls = peer_trust_context(e->p->trust, TLS_CLIENT), .dialled = true,
        .limits = peers_limits(), .events = &events, .owner = e};
    struct diag why = {0};

    if (setup.tls == NULL)
        return;
    e->dial = peer_dial(&setup, e->address, on_dialled, e, &why);
    if (e->dial == NULL) {
        complain(e, "peer_not_reached", why.what);
        dial_later(e);
    }
}

static void ping(struct peer *e)
{
    Hsm__PeerMessage m = HSM__PEER_MESSAGE__INIT;
    Hsm__PeerPing p = HSM__PEER_PING__INIT;

    m.of_case = HSM__PEER_MESSAGE__OF_PING;
    m.ping = &p;
    ping_fill(e->p, &p);
    e->pinged_ms = peers_now(e->p);
    (void)peer_message_send(e->out, &m);
}

void peer_tick(struct peer *e)
{
    uint64_t now = peers_now(e->p);

    if (e->dropped)
        return;
    if (e->out == NULL && e->dial == NULL && now >= e->dial_at_ms)
        dial(e);
    else if (e->up && now - e->heard_ms > SILENCE_MS_MAX)
        connection_end(e->out, "no word from the other node");
    else if (e->up && now - e->pinged_ms >= PING_MS)
        ping(e);
}

void peer_drop(struct peer *e, const char *reason)
{
    e->dropped = true;
    if (e->dial != NULL)
        peer_dial_cancel(e->dial);
    e->dial = NULL;
    if (e->out != NULL)
        connection_end(e->out, reason);
    else
        unlink_and_free(e);
}

/* ---- what is said ---- */

bool peer_send(struct peer *e, const Hsm__PeerMessage *m)
{
    return e != NULL && e->up && connection_waiting(e->out) < PEER_QUEUE_BYTES_MAX && peer_message_send(e->out, m);
}

void peer_send_raft(struct peers *p, uint64_t to, uint8_t *bytes, size_t n)
{
    Hsm__PeerMessage m = HSM__PEER_MESSAGE__INIT;

    m.of_case = HSM__PEER_MESSAGE__OF_RAFT;
    m.raft.data = bytes;
    m.raft.len = n;
    (void)peer_send(peer_find(p, to), &m);
}

/* ---- who is a member ---- */

static void ensure(struct peers *p, uint64_t id, const char *address)
{
    struct peer *e = peer_find(p, id);

    if (id == p->id || *address == '\0')
        return;
    if (e == NULL && (e = calloc(1, sizeof *e)) != NULL) {
        *e = (struct peer){.p = p, .id = id, .next = p->peers};
        p->peers = e;
    }
    if (e != NULL && strcmp(e->address, address) != 0)
        snprintf(e->address, sizeof e->address, "%s", address);
}

bool peer_is_wanted(const struct peers *p, uint64_t id)
{
    return p->status.members.n == 0 || members_find(&p->status.members, id) != NULL;
}

/* A node that has just been let in has no members yet: it dials those that the one who let it in has named. */
void peer_members(struct peers *p)
{
    const struct members *m = &p->status.members;
    struct peer *e, *next;

    for (unsigned i = 0; i < m->n; i++)
        ensure(p, m->member[i].id, m->member[i].address);
    for (size_t i = 0; m->n == 0 && i < peer_book_count(p->book); i++)
        ensure(p, peer_book_at(p->book, i)->id, peer_book_at(p->book, i)->peer_address);
    for (e = p->peers; e != NULL; e = next) {
        next = e->next;
        if (!e->dropped && !peer_is_wanted(p, e->id))
            peer_drop(e, "no member any more");
    }
}
