/*
 * The state after one entry as a file: every named database of an LMDB environment, records in key order.
 *
 * Not LMDB's own pages: LMDB trusts its files, and neither a peer nor a backup deserves that. The same state gives the
 * same bytes on every node, so nodes can be compared.
 *
 * Format 1; integers are big-endian; every block is {kind (8 bits), length (32), payload, CRC-32C of kind, length,
 * payload and the block before}, so that a block can neither change, vanish nor move:
 *   'S' "clusterhsm-snapshot", format (32), index, term, members index (64 each), members
 *   'D' database: flags (32), name          'R' record: key length (32), key, value        ... in name and key order
 *       flags: 0. Other tables than plain ones are refused both ways: LMDB does not check the size of an integer key.
 *   'E' databases (64), records (64)        and nothing behind
 */
#ifndef CLUSTERHSM_DAEMON_REPLICA_SNAPSHOT_H
#define CLUSTERHSM_DAEMON_REPLICA_SNAPSHOT_H

#include "common/diag.h"
#include "daemon/replica/record.h"

#include <lmdb.h>
#include <stdbool.h>

enum { SNAPSHOT_FORMAT = 1, SNAPSHOT_BLOCK_BYTES_MAX = 64 << 20, SNAPSHOT_DATABASES_MAX = 32 };

/* Writes what the read transaction sees to `path`, by way of a file beside it that is synced and then renamed. The
 * transaction may be of another thread (MDB_NOTLS), but only one may use it. False: nothing lies at path. */
bool snapshot_write(MDB_txn *txn, const struct snap *s, const char *path, struct diag *why);

/* Reads the whole file and checks it; loads it into `env` when that is not NULL, which must be empty, with room for its
 * databases. *out, when not NULL: the description, the caller's. False: damaged or not ours; env is to be thrown away. */
bool snapshot_read(const char *path, MDB_env *env, struct snap **out, struct diag *why);

#endif
