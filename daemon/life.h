/*
 * The life of a node, as far as its vault has to be asked: what it is at each start, its hardware key, its certificates, its cluster.
 *
 *   locked --> unprovisioned -- provision --> provisioned -- create, or join --> in a cluster: the replica is opened
 *
 * One node call at a time is with the vault. Whatever an answer brings is taken in this order: the new node state is on disk, the public
 * facts are told, who asked learns of it, the next step of this life is taken. A node state that cannot be written ends the process.
 * Thread 0 only.
 */
#ifndef CLUSTERHSM_DAEMON_LIFE_H
#define CLUSTERHSM_DAEMON_LIFE_H

#include "common/diag.h"
#include "daemon/errand.h"
#include "daemon/node.h"
#include "proto/error.h"
#include "proto/node.pb-c.h"

struct life;

enum { LIFE_CALLS_MAX = 64 };

struct life_setup {
    struct node *node;
    uv_loop_t *loop;
    struct errands *errands; /* outlives the life */
    /* The public facts have been told anew. */
    void (*facts)(void *arg);
    /* This node has a cluster's keys and node->replica is NULL: open it (a cluster that was just created has its log). */
    void (*open)(void *arg, uint64_t node_id);
    /* Nothing can go on: the node must end. The reason is for people. */
    void (*failed)(void *arg, const struct diag *why);
    void *arg;
};

/* NULL and a reason on failure. */
struct life *life_new(const struct life_setup *setup, struct diag *why);

/* Calls that are open are forgotten. Memory goes when the loop has run. NULL is legal. */
void life_free(struct life *l);

/* Reads the node's state and asks the vault what we are. */
void life_start(struct life *l);

/* The answer to a node call, borrowed; NULL with an error where the vault gave none. Its own `error` may be set. */
typedef void life_fn(void *arg, enum err e, const Hsm__NodeAnswer *answer);

/* A node call, copied. Behind LIFE_CALLS_MAX others: ERR_BUSY. fn is called once, never from inside. */
void life_call(struct life *l, const Hsm__NodeCall *call, life_fn *fn, void *arg);

/* Asks for the facts anew. At most one such call waits. */
void life_refresh(struct life *l);

#endif
