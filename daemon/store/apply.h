/* The state machine: what one entry of the replicated log does to the store. The only writer.
 *
 * The same entries give the same bytes on every node: no clock, no chance, no configuration, no difference between machines. A
 * command is a compare-and-set: all of its changes are made, or none, and a command that fails a check changes nothing, everywhere.
 *
 * For each command, in this order:
 *   1. its form, and the verdict of the node's own vault on its MAC            else REFUSED (MALFORMED, FORGED)
 *   2. the cluster's id; a state without one takes it from the command that puts the cluster record (id 1)
 *   3. request id in the ring: the first result again, REPEATED; with another digest REFUSED (FORGED)
 *   4. born below the ring's floor: TOO_OLD
 *   5. every precondition holds                                                else CONFLICT
 *   6. every change is allowed (see below)                                     else REFUSED
 *   7. changes, id block, ring
 * Changes: a record's version is the stored one + 1, kind and owner never change, ids are below next_id (1 is the cluster record's),
 * no id that ever had a record gets another (STALE), each id changes once a command; an erased record's version stands in the
 * preconditions; the cluster record is never erased; a user who owns records is not erased (USER_OWNS_KEYS).
 *
 * apply_begin opens the entry's write transaction, apply_end commits it. Any result other than ERR_OK is the disk's or memory's: the
 * entry may not be taken for applied, and the node must stop (the log has it; the next start applies it). */
#ifndef CLUSTERHSM_DAEMON_STORE_APPLY_H
#define CLUSTERHSM_DAEMON_STORE_APPLY_H

#include "daemon/store/write.h"
#include "proto/record.pb-c.h"

struct apply {
    const struct store *store;
    MDB_txn *txn;
    struct store_state state;
    uint64_t leader_time_ms;
    void (*changed)(void *arg, uint64_t id); /* each record that a command changes; set after apply_begin, NULL: nobody asks */
    void *changed_arg;
};

/* index must be above the last one (entries that are not the state machine's leave gaps): else ERR_BUG. */
enum err apply_begin(struct apply *a, const struct store *s, uint64_t index);

/* The leader's stamp of the entry, told in outcomes. */
void apply_time(struct apply *a, uint64_t leader_time_ms);

/* One command. good: the vault's verdict on its MAC. The outcome's bytes are borrowed from the transaction: pack it before the next
 * call. */
enum err apply_command(struct apply *a, const uint8_t *packed, size_t n, bool good, Hsm__Outcome *out);

enum err apply_end(struct apply *a);

/* Instead of apply_end: nothing of the entry stays. */
void apply_abort(struct apply *a);

#endif
