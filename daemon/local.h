/*
 * The node's Unix socket: what its operator asks (proto/node.proto, LocalRequest), answered with public facts and, where something can't
 * be done, a sentence that says what to do next. Who may connect is the socket's owner and root (daemon/net/listener.h). Thread 0 only.
 */
#ifndef CLUSTERHSM_DAEMON_LOCAL_H
#define CLUSTERHSM_DAEMON_LOCAL_H

#include "common/diag.h"
#include "daemon/life.h"
#include "daemon/node.h"

struct local;

enum { LOCAL_CONNECTIONS_MAX = 32, LOCAL_PENDING_MAX = 4 };

struct local_setup {
    struct node *node; /* its life is there */
    uv_loop_t *loop;
    /* Starts asking these members to be let in. Anything but ERR_OK: `why` says what to do. NULL: this node cannot join. */
    enum err (*join)(void *arg, const Hsm__LocalJoin *request, struct diag *why);
    void *arg;
};

/* NULL and a reason: the socket cannot be made. */
struct local *local_open(const struct local_setup *setup, struct diag *why);

/* Ends all connections; what they asked may still happen. Memory goes when the loop has run, after node->life. NULL is legal. */
void local_close(struct local *l);

#endif
