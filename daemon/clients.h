/*
 * The client port's TLS on one front thread: who may connect, and as whom we answer.
 *
 * We show the cluster's certificate; its key is in the vault (daemon/vault_signer.h). A client must show a certificate that holds under one
 * of the cluster's client anchors. Both are the public facts', and follow them: a connection that stands stays, as the vault looks at
 * the anchors with every request. The loop's thread only.
 */
#ifndef CLUSTERHSM_DAEMON_CLIENTS_H
#define CLUSTERHSM_DAEMON_CLIENTS_H

#include "daemon/node.h"
#include "daemon/route.h"
#include "daemon/vault_signer.h"

struct clients;

struct clients_setup {
    struct node *node;
    uv_loop_t *loop;
    struct route *route;         /* gets the connections; outlives the clients */
    struct vault_signer *signer; /* of the cluster key, on this thread's pair; outlives the clients */
};

/* NULL: no memory. */
struct clients *clients_new(const struct clients_setup *setup);

/* When their connections are closed. NULL is legal. */
void clients_free(struct clients *c);

/* The public facts may have changed. */
void clients_refresh(struct clients *c);

/* Takes over a connected descriptor, or closes it: too many connections, or no certificate yet. */
void clients_take(struct clients *c, int fd);

#endif
