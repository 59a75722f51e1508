/*
 * The inside of the route, for route.c, client.c, exchange.c and answer.c only.
 */
#ifndef CLUSTERHSM_DAEMON_ROUTE_STATE_H
#define CLUSTERHSM_DAEMON_ROUTE_STATE_H

#include "daemon/errand.h"
#include "daemon/route.h"
#include "proto/frame.h"
#include "proto/request.h"

/* A place in a ring; a head that points to itself is an empty ring. */
struct link {
    struct link *next, *previous;
};

void ring_init(struct link *head);
void ring_add(struct link *head, struct link *l); /* at the end */
void ring_remove(struct link *l);                 /* is a ring of its own then; again: nothing */
bool ring_is_empty(const struct link *head);

/* The vault's reply on its way out: answer.c. All zero: there is none yet. */
struct answer {
    Hsm__Sealed *reply;   /* owned */
    struct errand_end end; /* what it was decided by; its own answer is gone */
    uint64_t since_ms;
};

/* One request: exchange.c. */
struct exchange {
    struct link in_client, in_open;
    struct link in_waiting; /* while it has no call in the vault yet */
    struct link in_settling; /* while its answer waits */
    struct answer answer;
    struct client *client;
    uint64_t number, counter;
    const struct request *row;
    uint64_t begun_ms, word_ms;
    struct errand *errand; /* NULL while it waits in line */
    uint8_t *bytes;        /* the whole frame, while it waits in line */
    size_t n;
};

enum client_state { CLIENT_NEW, CLIENT_WELCOME, CLIENT_LEAVING };

/* One connection: client.c. */
struct client {
    struct link in_route;
    struct route *route;
    struct connection *connection; /* NULL: closed; the channel's end is still to be told */
    enum client_state state;
    uint64_t number;               /* the vault's name for the connection */
    bool has_channel;              /* opened, or on its way */
    bool is_open;
    uint64_t opening;              /* exchange of the OPEN under way */
    struct errand *errand;         /* of the OPEN, then of the close; NULL: none */
    struct link exchanges;
};

struct route {
    struct route_setup setup;
    struct link clients; /* by in_route */
    struct link open;    /* exchanges, the one first that was last heard of longest ago */
    struct link waiting; /* exchanges in line */
    struct link settling; /* exchanges whose answers wait */
    size_t waiting_bytes;
    bool pumping;
    unsigned client_count;
    uint64_t clients_made;
    uv_timer_t tick, settle;
    unsigned timers;     /* that are not closed yet */
};

#define CLIENT_OF(l) ((struct client *)((char *)(l) - offsetof(struct client, in_route)))
#define EXCHANGE_OF(l, field) ((struct exchange *)((char *)(l) - offsetof(struct exchange, field)))

/* route.c: while something is open or waits, the clock runs. pump: a call in the vault has become free. */
void route_wake(struct route *r);
void route_pump(struct route *r);

/* client.c */
bool client_send(struct client *c, const Hsm__FrameHeader *header, const void *payload, size_t n);
void client_refuse(struct client *c, uint64_t exchange, enum err e);
bool client_leave(struct client *c); /* false: the vault has no free call for its channel's end; else the client may be gone */

/* exchange.c. begin: false where the frame is not of the protocol. The frame is borrowed; its bytes are the whole frame. */
bool exchange_begin(struct client *c, const struct frame *f, const uint8_t *bytes, size_t n);
bool exchange_try(struct exchange *x);  /* one that waits in line; false: it still does, and those behind it need not try */
void exchange_progress(struct exchange *x);
void exchange_drop(struct exchange *x); /* nobody waits for it */
void exchange_end(struct exchange *x, enum err e); /* ERR_OK: it has been answered; else it is refused */

/* answer.c: the vault has replied; the reply leaves at once, or as soon as it may, or the exchange is refused. */
void answer_begin(struct exchange *x, const struct errand_end *end);
void answers_go_on(struct route *r); /* those that wait */
void answer_clear(struct answer *a);

#endif
