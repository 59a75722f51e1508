/* A command on its way to the leader and its outcome back: to our own replica where it leads, else over the link to the leader. */
#ifndef CLUSTERHSM_DAEMON_PROPOSAL_H
#define CLUSTERHSM_DAEMON_PROPOSAL_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/mailbox.h"
#include "proto/error.h"

struct peers;
struct replica;

/* ERR_OK: the outcome (Outcome, packed; borrowed), acknowledged as daemon/replica has it, and the index of the log at which it was decided,
 * also where nothing was changed: whoever decides anew after a conflict must have applied that. ERR_BUSY: nothing happened.
 * ERR_UNKNOWN_OUTCOME: it may have happened; the same request id may be asked again. Called once, on the home loop. */
typedef void proposal_fn(void *arg, enum err e, uint64_t index, const uint8_t *outcome, size_t n);

/* Any thread. Copies the command (Command, packed). `peers` may be NULL for a cluster of one. */
void proposal_send(struct replica *r, struct peers *peers, struct mailbox *home, const uint8_t *command, size_t n, proposal_fn *fn,
                   void *arg);

#endif
