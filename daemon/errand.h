/*
 * One call to the vault, from its first word to its last: what the vault needs is read from the state, what it proposes
 * goes to the leader, and the answer that ends it is handed up. Requests of clients and node calls are errands alike.
 *
 * All errands of a front thread belong to its loop. A front thread has one struct errands, over its own vault link.
 */
#ifndef CLUSTERHSM_DAEMON_ERRAND_H
#define CLUSTERHSM_DAEMON_ERRAND_H

#include "daemon/mailbox.h"
#include "daemon/node.h"
#include "daemon/vault_link.h"

struct errands;
struct errand;

struct errands_setup {
    struct node *node;       /* its state and replica are used when there are some */
    uv_loop_t *loop;
    struct vault_link *link; /* outlives the errands */
    struct mailbox *home;    /* of this loop: outcomes come in it */
};

/* NULL and a reason on failure. */
struct errands *errands_new(const struct errands_setup *setup, struct diag *why);

/* From here on nothing is proposed any more: what would be ends as ERR_BUSY. The replica may be closed then. */
void errands_quiet(struct errands *all);

/* When the replica is closed and the mailbox has delivered: what is still open is forgotten without a word. Memory goes when the loop
 * has run. NULL is legal. */
void errands_free(struct errands *all);

/* How it ended. `answer` is borrowed, and NULL unless error is ERR_OK; its own kind (reply, refused, node, ...) is the caller's to look
 * at. Else ERR_LOST: the vault is gone. ERR_BUSY: the change could not be proposed; ERR_UNKNOWN_OUTCOME: it may have been made; both after
 * some patience. Others: the state could not be read. */
struct errand_end {
    enum err error;
    const Hsm__VaultAnswer *answer;
    uint64_t read_at;   /* lowest index of the facts that were given to the vault; 0: none */
    uint64_t read_upto; /* highest */
    bool searched;      /* there were lookups among them */
    bool changed;     /* an outcome was given to the vault */
};

/* Called once, never from within errand_start, and not after errand_drop; the errand is gone on return. It may start other errands and
 * drops none. */
typedef void errand_fn(void *arg, const struct errand_end *end);

/* Sends the call, which is packed before this returns; read_at is the index of facts that are in it, or 0. ERR_BUSY: as many calls are
 * open as the vault keeps; ERR_LOST, ERR_TOO_LARGE, ERR_NO_MEMORY: nothing was sent, fn is not called. */
enum err errand_start(struct errands *all, Hsm__VaultCall *call, uint64_t read_at, errand_fn *fn, void *arg, struct errand **out);

/* Nobody waits for it any more. What was proposed may still happen. */
void errand_drop(struct errand *e);

#endif
