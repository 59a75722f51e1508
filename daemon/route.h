/*
 * A front thread's clients and their requests.
 *
 *   a connection:  HELLO -> WELCOME, OPEN -> OPENED (a channel in the vault), then REQUEST -> REPLY as often as it likes
 *   a request:     may we serve? -> what its header names, read in one transaction -> the vault -> (needs, proposals: errand.h)
 *                  -> may we still, and is all the same that decided it? -> REPLY
 *
 * What can't be is answered REFUSED, in the open; while a request waits, PROGRESS is sent every second. A connection that
 * ends takes its channel and its requests with it; what was proposed may still happen.
 *
 * Bounds (proto/limits.h): requests in work a connection, calls open in the vault; what finds no free call, or no lease yet, waits in
 * line, at most ROUTE_WAITING_BYTES_MAX of it. The loop's thread only.
 */
#ifndef CLUSTERHSM_DAEMON_ROUTE_H
#define CLUSTERHSM_DAEMON_ROUTE_H

#include "daemon/errand.h"
#include "daemon/net/connection.h"

struct route;
struct client;

enum { ROUTE_WAITING_BYTES_MAX = 64 << 20 };

struct route_setup {
    struct node *node;
    uv_loop_t *loop;
    struct errands *errands; /* outlives the route */
};

/* NULL and a reason on failure. */
struct route *route_new(const struct route_setup *setup, struct diag *why);

/* When all its clients' connections are closed. Memory goes when the loop has run. NULL is legal. */
void route_free(struct route *r);

/* A client that has no connection yet: it is the owner of one that is made with client_events, and goes with it. NULL: no memory. */
struct client *client_new(struct route *r);
void client_free(struct client *c); /* one that never got a connection */
extern const struct connection_events client_events;
extern const struct connection_limits client_limits;

/* Connections that are not closed yet, and those whose channel the vault must still be told to close. */
unsigned route_clients(const struct route *r);

/* Ends every connection. */
void route_end_all(struct route *r, const char *reason);

#endif
