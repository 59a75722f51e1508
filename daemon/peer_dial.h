/* Dials host:port, where the host may be a name: looked up on a thread of libuv's pool, the first address is taken. */
#ifndef CLUSTERHSM_DAEMON_PEER_DIAL_H
#define CLUSTERHSM_DAEMON_PEER_DIAL_H

#include "common/diag.h"
#include "daemon/net/connection.h"

struct peer_dial;

/* The connection on its way (its events tell the rest), or NULL and a reason. Once, from the loop. */
typedef void peer_dial_fn(void *arg, struct connection *c, const char *reason);

/* NULL and a reason: not an address, or no memory; `fn` is not called. The setup is copied, its context referenced. */
struct peer_dial *peer_dial(const struct connection_setup *setup, const char *address, peer_dial_fn *fn, void *arg,
    struct diag *why);

/* `fn` will not be called. Before it was. */
void peer_dial_cancel(struct peer_dial *d);

#endif
