/* The replicated state of a node: sealed records, found by id or by blind index token.
 *
 * One LMDB environment, made and rebuilt by the replica (daemon/replica), which also says when it is written: only apply.c writes.
 * Any number of threads read, each in a transaction of its own; a transaction sees one applied index and nothing of later ones.
 * What stands in the databases came through apply's checks, but LMDB does not protect its pages: whatever is read is checked for its
 * form, and a value that fails is ERR_CORRUPT, never a crash.
 *
 *   records     id (64)                    -> Record, packed
 *   tokens      token (16 bytes), id (64)  -> nothing
 *   owners      owner (64), id (64)        -> nothing
 *   used        id / ID_BLOCK (64)         -> a bit for each id of that stretch that ever had a record (1 << id % 8 of byte id / 8)
 *   ring        request id (16 bytes)      -> where it was applied and what it gave: see write.h
 *   ring_order  place (64)                 -> request id
 *   meta        "state"                    -> struct store_state
 * Integers are big-endian, so that keys sort by number. */
#ifndef CLUSTERHSM_DAEMON_STORE_STORE_H
#define CLUSTERHSM_DAEMON_STORE_STORE_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/error.h"

enum { STORE_ID_BYTES = 16, STORE_TOKEN_BYTES = 16 };

struct store {
    MDB_env *env; /* borrowed from the replica */
    MDB_dbi records;
    MDB_dbi tokens;
    MDB_dbi owners;
    MDB_dbi used;
    MDB_dbi ring;
    MDB_dbi ring_order;
    MDB_dbi meta;
};

/* What the state says of itself. */
struct store_state {
    uint64_t applied;     /* index of the last entry */
    uint64_t next_id;     /* ids below are leased or used; the first that may be leased is 2, as 1 is the cluster record */
    uint64_t ring_first;  /* places of ring_order that are taken: first to next - 1 */
    uint64_t ring_next;
    uint64_t ring_floor;  /* requests born below are too old to know */
    bool claimed;         /* cluster_id is set: the cluster record has been there */
    uint8_t cluster_id[STORE_ID_BYTES];
};

/* Opens the databases, making those that are missing. The environment needs room for 7 more of them. */
enum err store_open(MDB_env *env, struct store *out);

/* ERR_OK with all zero (next_id 2) for a state that is still empty. */
enum err store_state(const struct store *s, MDB_txn *txn, struct store_state *out);

/* A read transaction; ended with mdb_txn_abort. */
enum err store_read(const struct store *s, MDB_txn **out);

/* The record: borrowed bytes, good until the transaction ends. ERR_NOT_FOUND. */
enum err store_get(const struct store *s, MDB_txn *txn, uint64_t id, const uint8_t **bytes, size_t *n);

/* The ids under a token that are above `after`, in order, at most `limit`; *more tells that there are others behind. */
enum err store_find(const struct store *s, MDB_txn *txn, const uint8_t token[STORE_TOKEN_BYTES], uint64_t after, uint64_t *ids,
                    size_t limit, size_t *n, bool *more);

/* True if any record belongs to this owner. */
enum err store_owns(const struct store *s, MDB_txn *txn, uint64_t owner, bool *owns);

/* What LMDB says, in our words: ERR_NOT_FOUND, ERR_FULL, ERR_CORRUPT, ERR_NO_MEMORY, ERR_IO. */
enum err store_error(int rv);

#endif
