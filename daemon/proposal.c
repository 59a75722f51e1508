#include "daemon/proposal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/replica/replica.h"

enum { EXIT_FAIL_STOP = 70 };

/* Lives from proposal_send until its letter has been read. */
struct proposal {
    struct mailbox *home;
    proposal_fn *fn;
    void *arg;
    enum err error;
    uint64_t index;
    uint8_t *outcome;
    size_t n;
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
    case REPLICA_BUSY:
        send_home(arg, ERR_BUSY, 0, NULL, 0);
        break;
    }
}

void proposal_send(struct replica *r, struct peers *peers, struct mailbox *home, const uint8_t *command, size_t n, proposal_fn *fn,
                   void *arg)
{
    struct proposal *p = calloc(1, sizeof *p);

    (void)peers;
    if (p == NULL)
        lost();
    p->home = home;
    p->fn = fn;
    p->arg = arg;
    replica_propose(r, command, n, on_done, p);
}
