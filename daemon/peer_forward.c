/*
 * A command on its way to the leader, from the side that has it and from the side that leads.
 *
 *   waiting --a leader is known and connected--> sent --outcome--> ended
 *           --it is this node-----------------> in our replica --> ended
 *           --no leader within FORWARD_WAIT_MS-> ended, busy
 *   sent    --"I do not lead"------------------> waiting
 *           --link lost, or no answer in time--> ended, unknown: it may have happened
 *
 * The one who serves answers when its replica says that the change is acknowledged, not before.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/peers_state.h"

enum { FORWARD_BYTES_MAX = 64 << 20, SERVED_MAX = 4096 };

struct forward {
    struct forward *next;
    struct peers *p;
    peers_outcome_fn *fn;
    void *arg;
    uint64_t tag, to; /* to 0: waiting */
    uint64_t until_ms;
    size_t n;
    uint8_t command[];
};

static void finish(struct forward *f, enum err e, uint64_t index, const uint8_t *outcome, size_t n)
{
    struct peers *p = f->p;

    f->fn(f->arg, e, index, outcome, n);
    atomic_fetch_sub(&p->n_forwards, 1);
    atomic_fetch_sub(&p->forward_bytes, f->n);
    free(f);
}

static struct forward *take_off(struct peers *p, struct forward *f)
{
    struct forward **at = &p->forwards;

    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    f->next = NULL;
    return f;
}

/* ---- our own replica turned out to lead ---- */

static void on_own_refused(void *arg)
{
    struct forward *f = arg;

    if (f->p->freed) {
        finish(f, ERR_BUSY, 0, NULL, 0);
        return;
    }
    f->next = f->p->forwards; /* with its old time to wait: until_ms */
    f->p->forwards = f;
}

/* The replica's thread. */
static void on_own(void *arg, enum replica_outcome outcome, uint64_t index, const uint8_t *answer, size_t n)
{
    struct forward *f = arg;

    if (outcome == REPLICA_DONE)
        finish(f, ERR_OK, index, answer, n);
    else if (outcome == REPLICA_UNKNOWN)
        finish(f, ERR_UNKNOWN_OUTCOME, 0, NULL, 0);
    else if (outcome == REPLICA_BUSY || !mailbox_post(f->p->mailbox, on_own_refused, f))
        finish(f, ERR_BUSY, 0, NULL, 0);
}

/* ---- to the leader ---- */

static void ask_leader(struct peers *p, struct forward *f, uint64_t to)
{
    Hsm__PeerMessage m = HSM__PEER_MESSAGE__INIT;
    Hsm__PeerPropose ask = HSM__PEER_PROPOSE__INIT;

    m.of_case = HSM__PEER_MESSAGE__OF_PROPOSE;
    m.propose = &ask;
    ask.tag = f->tag;
    ask.command.data = f->command;
    ask.command.len = f->n;
    if (!peer_send(peer_find(p, to), &m))
        return;
    f->to = to;
    f->until_ms = peers_now(p) + FORWARD_MS_MAX;
}

static void try_one(struct peers *p, struct forward *f)
{
    uint64_t leader = p->replica != NULL ? replica_leader(p->replica) : 0;

    if (leader == 0)
        return;
    if (leader == p->id)
        replica_propose(p->replica, f->command, f->n, on_own, take_off(p, f));
    else
        ask_leader(p, f, leader);
}

static void on_propose(void *arg)
{
    struct forward *f = arg;
    struct peers *p = f->p;

    f->tag = ++p->tags;
    f->until_ms = peers_now(p) + FORWARD_WAIT_MS;
    f->next = p->forwards;
    p->forwards = f;
    try_one(p, f);
}

void peers_propose(struct peers *p, const uint8_t *command, size_t n, peers_outcome_fn *fn, void *arg)
{
    struct forward *f = NULL;
    bool few = atomic_fetch_add(&p->n_forwards, 1) < FORWARDS_MAX;
    bool small = atomic_fetch_add(&p->forward_bytes, n) + n <= FORWARD_BYTES_MAX;

    if (few && small && n <= REPLICA_COMMAND_BYTES_MAX)
        f = malloc(sizeof *f + n);
    if (f != NULL) {
        *f = (struct forward){.p = p, .fn = fn, .arg = arg, .n = n};
        memcpy(f->command, command, n);
        if (mailbox_post(p->mailbox, on_propose, f))
            return;
        free(f);
    }
    atomic_fetch_sub(&p->n_forwards, 1);
    atomic_fetch_sub(&p->forward_bytes, n);
    fn(arg, ERR_BUSY, 0, NULL, 0);
}

void forward_tick(struct peers *p)
{
    struct forward *f, *next;

    for (f = p->forwards; f != NULL; f = next) {
        next = f->next;
        if (peers_now(p) >= f->until_ms)
            finish(take_off(p, f), f->to == 0 ? ERR_BUSY : ERR_UNKNOWN_OUTCOME, 0, NULL, 0);
        else if (f->to == 0)
            try_one(p, f);
    }
}

void forward_outcome(struct peers *p, uint64_t from, const Hsm__PeerOutcome *o)
{
    struct forward *f = p->forwards;
    enum err e = err_from_wire(o->error);

    while (f != NULL && (f->tag != o->tag || f->to != from))
        f = f->next;
    if (f == NULL) /* its time was over */
        return;
    if (e == ERR_TRY_ANOTHER) {
        f->to = 0;
        f->until_ms = peers_now(p) + FORWARD_WAIT_MS;
    } else {
        finish(take_off(p, f), e == ERR_OK || e == ERR_BUSY ? e : ERR_UNKNOWN_OUTCOME, o->index, o->outcome.data,
            o->outcome.len);
    }
}

void forward_lost(struct peers *p, uint64_t to)
{
    struct forward *f, *next;

    for (f = p->forwards; f != NULL; f = next) {
        next = f->next;
        if (f->to == to)
            finish(take_off(p, f), ERR_UNKNOWN_OUTCOME, 0, NULL, 0);
    }
}

void forward_end(struct peers *p)
{
    while (p->forwards != NULL) {
        struct forward *f = take_off(p, p->forwards);
        finish(f, f->to == 0 ? ERR_BUSY : ERR_UNKNOWN_OUTCOME, 0, NULL, 0);
    }
}

/* ---- the side that leads ---- */

struct served {
    struct peers *p;
    uint64_t serial, tag, index;
    enum err error;
    size_t n;
    uint8_t *outcome;
};

static void answer(struct connection *c, const struct served *s)
{
    Hsm__PeerMessage m = HSM__PEER_MESSAGE__INIT;
    Hsm__PeerOutcome o = HSM__PEER_OUTCOME__INIT;

    m.of_case = HSM__PEER_MESSAGE__OF_OUTCOME;
    m.outcome = &o;
    o.tag = s->tag;
    o.error = s->error;
    o.index = s->index;
    o.outcome.data = s->outcome;
    o.outcome.len = s->n;
    (void)peer_message_send(c, &m);
}

static void served_free(struct served *s)
{
    free(s->outcome);
    free(s);
}

static void on_served(void *arg)
{
    struct served *s = arg;
    struct incoming *i = incoming_find(s->p, s->serial);

    if (i != NULL) {
        i->serving--;
        answer(i->c, s);
    }
    served_free(s);
}

static enum err err_of(enum replica_outcome outcome)
{
    switch (outcome) {
    case REPLICA_DONE:
        return ERR_OK;
    case REPLICA_NOT_LEADER:
        return ERR_TRY_ANOTHER;
    case REPLICA_BUSY:
        return ERR_BUSY;
    case REPLICA_UNKNOWN:
        break;
    }
    return ERR_UNKNOWN_OUTCOME;
}

/* The replica's thread. */
static void on_proposed(void *arg, enum replica_outcome outcome, uint64_t index, const uint8_t *bytes, size_t n)
{
    struct served *s = arg;

    s->error = err_of(outcome);
    if (outcome == REPLICA_DONE) {
        s->index = index;
        s->outcome = n > 0 ? malloc(n) : NULL;
        s->n = s->outcome != NULL ? n : 0;
        if (s->n > 0)
            memcpy(s->outcome, bytes, n);
        else if (n > 0) /* it has happened, but we cannot say what: they ask again with the same id */
            s->error = ERR_UNKNOWN_OUTCOME;
    }
    if (!mailbox_post(s->p->mailbox, on_served, s))
        served_free(s); /* they find out by time */
}

void forward_serve(struct incoming *i, const Hsm__PeerPropose *ask)
{
    struct served now = {.tag = ask->tag, .error = ERR_BUSY}, *s = NULL;

    if (i->serving < SERVED_MAX && i->p->replica != NULL && ask->command.len <= REPLICA_COMMAND_BYTES_MAX)
        s = malloc(sizeof *s);
    if (s == NULL) {
        answer(i->c, &now);
        return;
    }
    *s = (struct served){.p = i->p, .serial = i->serial, .tag = ask->tag};
    i->serving++;
    replica_propose(i->p->replica, ask->command.data, ask->command.len, on_proposed, s);
}
