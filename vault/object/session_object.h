/* Session objects: sealed for the user who made them and kept by the module, which sends them along when they are
 * used. */
#ifndef CLUSTERHSM_VAULT_OBJECT_SESSION_OBJECT_H
#define CLUSTERHSM_VAULT_OBJECT_SESSION_OBJECT_H

#include "common/buffer.h"
#include "vault/master.h"
#include "vault/object/body.h"

/* Appends to `out`. ERR_TOO_LARGE, ERR_NO_MEMORY, ERR_BUG. */
enum err session_object_seal(const struct master *m, uint64_t user_id, const struct object *o, struct buffer *out);

/* The packed body, for object_read. ERR_FORGED: not sealed by a vault of this cluster for this user; ERR_NO_MEMORY. */
enum err session_object_open(const struct master *m, uint64_t user_id, const uint8_t *sealed, size_t n,
                             struct secret *text);

#endif
