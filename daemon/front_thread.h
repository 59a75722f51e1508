/*
 * One front thread: a loop with its own two pairs to the vault, its clients and their requests. Thread 0 is the program's first and runs
 * its loop itself; the others are made here.
 *
 * End: front_thread_quiet on all; when each has called `quieted` and had a moment for goodbyes, replica_close; then front_thread_close on
 * all, then front_thread_join.
 */
#ifndef CLUSTERHSM_DAEMON_FRONT_THREAD_H
#define CLUSTERHSM_DAEMON_FRONT_THREAD_H

#include <stdatomic.h>

#include "daemon/clients.h"
#include "daemon/errand.h"
#include "daemon/mailbox.h"
#include "daemon/node.h"
#include "daemon/route.h"
#include "daemon/vault_link.h"
#include "daemon/vault_signer.h"

struct front_thread {
    struct node *node;
    unsigned number;
    uv_loop_t loop;
    struct mailbox *mailbox;
    struct vault_link *link;
    struct errands *errands;
    struct route *route;
    struct clients *clients;
    struct vault_signer cluster_signer, node_signer; /* both on the thread's second pair */
    bool signer_broken;
    bool quiet;                 /* takes no client any more */
    _Atomic unsigned n_clients; /* a moment old; for whoever spreads connections */
    void (*dead)(void *arg, const char *reason); /* any thread: the vault is gone */
    void (*quieted)(void *arg);                  /* any thread: this one proposes nothing any more */
    void *arg;
    uv_thread_t thread;
    bool runs; /* in a thread of its own */
};

/* Takes over both descriptors, also on failure. On success ends with front_thread_close and front_thread_join. */
bool front_thread_open(struct front_thread *t, int request_fd, int signer_fd, struct diag *why);

/* In a thread of its own. */
bool front_thread_run(struct front_thread *t, struct diag *why);

/* ---- any thread, while the loop runs */

void front_thread_take(struct front_thread *t, int fd); /* a client's connection, owned */
void front_thread_refresh(struct front_thread *t);      /* the public facts have changed */
void front_thread_quiet(struct front_thread *t);        /* ends all clients, proposes nothing */
void front_thread_close(struct front_thread *t);        /* frees all on the loop, which then ends */

/* When the thread has ended, or thread 0's loop has run out: frees the rest. */
void front_thread_join(struct front_thread *t);

#endif
