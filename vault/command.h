/* Commands (proto/record.proto) as only the vaults of a cluster can make them.
 *
 * A command's body is authenticated with HMAC-SHA-256 under the MASTER_COMMAND key of the epoch that it names. The body holds all that
 * decides: cluster, request id, born index, digest, preconditions, changes. So a front, here or on another node, can propose what a
 * vault has made, or nothing; that nothing is done twice is the work of the request id (daemon/store/apply.h). */
#ifndef CLUSTERHSM_VAULT_COMMAND_H
#define CLUSTERHSM_VAULT_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "proto/error.h"
#include "proto/record.pb-c.h"
#include "proto/vault.pb-c.h"
#include "vault/master.h"

enum { COMMAND_MAC_BYTES = 32 };

/* Appends a packed Command, authenticated under the newest epoch, to `out`, which is as before on failure. ERR_NO_MEMORY, ERR_BUG;
 * ERR_FORGED: there is no master key yet. */
enum err command_seal(const struct master *m, const Hsm__CommandBody *body, struct buffer *out);

/* ERR_OK: made by a vault of this cluster, unaltered. ERR_FORGED: not so, whatever is wrong with it. ERR_NO_MEMORY, ERR_BUG: it could
 * not be found out; nobody may take that for a no, for other nodes will have found a yes. */
enum err command_check(const struct master *m, const uint8_t *packed, size_t n);

/* Appends one byte a command to `good`: 1 genuine, 0 forged. On failure, which is ERR_NO_MEMORY or ERR_BUG, `good` is as before and
 * the batch has no verdict at all. */
enum err command_check_batch(const struct master *m, const Hsm__CheckBatch *batch, struct buffer *good);

#endif
