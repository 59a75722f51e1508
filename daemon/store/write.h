/* Writing into the store: for apply alone. Everything happens in the entry's own transaction. */
#ifndef CLUSTERHSM_DAEMON_STORE_WRITE_H
#define CLUSTERHSM_DAEMON_STORE_WRITE_H

#include "daemon/store/store.h"
#include "proto/record.pb-c.h"

enum err store_put_state(const struct store *s, MDB_txn *txn, const struct store_state *st);

/* A record with its tokens and its owner; `old` is the header of the version before, or NULL. */
enum err store_put_record(const struct store *s, MDB_txn *txn, const Hsm__RecordHeader *header, const Hsm__RecordHeader *old,
                          const uint8_t *packed, size_t n);
enum err store_erase_record(const struct store *s, MDB_txn *txn, const Hsm__RecordHeader *old);

/* Ids are never used again, also when their record is gone (a vault that is told an old block of ids must not get a handle that an
 * application may still hold for something else). */
enum err store_is_used(const struct store *s, MDB_txn *txn, uint64_t id, bool *used);
enum err store_mark_used(const struct store *s, MDB_txn *txn, uint64_t id);

/* What the ring remembers of a change. */
struct ring_entry {
    uint64_t index;
    uint8_t digest[32];
    const uint8_t *result; /* borrowed from the transaction */
    size_t result_bytes;
    uint64_t ids_first;
};

/* ERR_NOT_FOUND. */
enum err ring_get(const struct store *s, MDB_txn *txn, const uint8_t request_id[STORE_ID_BYTES], struct ring_entry *out);

/* Remembers one more and, where the ring is full, forgets the oldest and raises the floor in *st. */
enum err ring_put(const struct store *s, MDB_txn *txn, const uint8_t request_id[STORE_ID_BYTES], const struct ring_entry *e,
                  struct store_state *st);

#endif
