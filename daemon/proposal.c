#include "daemon/proposal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/peers.h"
#include "daemon/replica/replica.h"

enum { EXIT_FAIL_STOP = 70 };

/* Lives from proposal_send until its letter has been read. */
struct proposal {
    struct peers *peers;
    struct mailbox *home;
    proposal_fn *fn;
    void *arg;
    enum err error;
    uint64_t index;
    uint8_t *outcome;
    size_t n;
    size_t command_n; /* 0: there are no peers to send it to */
    uint8_t command[];
};

static void deliver(void *arg)
{
    struct proposal *p = arg;
    p->fn(p->arg, p->error, p->index, p->outcome, p->n);
    free(p->outcome);
    free(p);
}

/* An outcome that nobody learns would hold its request for ever: without memory for it, the process ends. */
static void lost(void) __attribute__((noreturn));
static void lost(void)
{
    log_error("proposal_lost", "why=\"%s\"", err_text(ERR_NO_MEMORY));
    _exit(EXIT_FAIL_STOP);
}

static void send_home(struct proposal *p, enum err e, uint64_t index, const uint8_t *outcome, size_t n)
{
    p->error = e;
    p->index = index;
    if (n > 0 && (p->outcome = malloc(n)) == NULL)
        lost();
    if (n > 0)
        memcpy(p->outcome, outcome, n);
    p->n = n;
    if (!mailbox_post(p->home, deliver, p))
        lost();
}

static void on_peers_done(void *arg, enum err e, uint64_t index, const uint8_t *outcome, size_t n)
{
    send_home(arg, e, index, outcome, n);
}

/* Leadership may go between the question and the proposal: nothing happened then, so another may still do it. */
static void to_leader(struct proposal *p)
{
    if (p->command_n > 0)
        peers_propose(p->peers, p->command, p->command_n, on_peers_done, p);
    else
        send_home(p, ERR_BUSY, 0, NULL, 0);
}

static void on_done(void *arg, enum replica_outcome outcome, uint64_t index, const uint8_t *answer, size_t n)
{
    switch (outcome) {
    case REPLICA_DONE:
        send_home(arg, ERR_OK, index, answer, n);
        break;
    case REPLICA_UNKNOWN:
        send_home(arg, ERR_UNKNOWN_OUTCOME, 0, NULL, 0);
        break;
    case REPLICA_NOT_LEADER:
        to_leader(arg);
        break;
    case REPLICA_BUSY:
        send_home(arg, ERR_BUSY, 0, NULL, 0);
        break;
    }
}

void proposal_send(struct replica *r, struct peers *peers, struct mailbox *home, const uint8_t *command, size_t n, proposal_fn *fn,
                   void *arg)
{
    size_t kept = peers != NULL ? n : 0;
    struct proposal *p = malloc(sizeof *p + kept);

    if (p == NULL)
        lost();
    *p = (struct proposal){.peers = peers, .home = home, .fn = fn, .arg = arg, .command_n = kept};
    if (kept > 0)
        memcpy(p->command, command, kept);
    if (kept > 0 && !replica_is_leader(r))
        to_leader(p);
    else
        replica_propose(r, command, n, on_done, p);
}
