/*
 * A listening socket, TCP or Unix, that makes connections.
 *
 * A Unix socket has mode 0600, and only root and our own user are served: the peer's credentials decide, not the path.
 * Refused and failed connections are counted; the log gets at most one line a second about them.
 */
#ifndef CLUSTERHSM_DAEMON_NET_LISTENER_H
#define CLUSTERHSM_DAEMON_NET_LISTENER_H

#include "daemon/net/connection.h"

struct listener;

struct listener_counts {
    uint64_t accepted; /* TCP or Unix connections taken */
    uint64_t refused;  /* over the limit, wrong user, no memory */
    uint32_t open;
};

/* Listens on a numeric address (port 0: any) or a path, where a socket left by an earlier process is replaced. The
 * setup is copied; its TLS context is needed for as long as the listener lives. NULL and a reason on failure. */
struct listener *listener_open(const struct connection_setup *setup, const char *ip, uint16_t port,
    uint32_t connections_max, struct diag *why);
struct listener *listener_open_local(const struct connection_setup *setup, const char *path, uint32_t connections_max,
    struct diag *why);

uint16_t listener_port(const struct listener *l);
struct listener_counts listener_counts(const struct listener *l);

/* Takes no more connections and closes those that are open. `gone` (may be NULL) is called, from the loop, when all are
 * closed and the listener is freed. */
void listener_close(struct listener *l, void (*gone)(void *arg), void *arg);

#endif
