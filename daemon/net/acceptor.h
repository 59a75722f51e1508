/*
 * A listening TCP socket that hands out descriptors: for who spreads connections over several loops. See connection_take.
 */
#ifndef CLUSTERHSM_DAEMON_NET_ACCEPTOR_H
#define CLUSTERHSM_DAEMON_NET_ACCEPTOR_H

#include <stdint.h>

#include <uv.h>

#include "common/diag.h"

struct acceptor;

/* Listens on a numeric address (port 0: any). `taken` gets each connected descriptor, on the loop's thread, and owns it. Without free
 * descriptors it pauses a little. NULL and a reason on failure. */
struct acceptor *acceptor_open(uv_loop_t *loop, const char *ip, uint16_t port, void (*taken)(void *arg, int fd), void *arg,
    struct diag *why);

/* Memory goes when the loop has run. NULL is legal. */
void acceptor_close(struct acceptor *a);

#endif
