/* What leaves the vault sealed and comes back by a client's hand: login tickets, session objects. Nothing of it is replicated, so no
 * header says what it is: purpose and associated data must be the same at both ends.
 *
 *   format (8 bits) || master epoch (32) || salt (128) || AES-256-GCM of the text
 * The key is derived for this text alone, from the master key of that epoch, by the purpose and the salt. */
#ifndef CLUSTERHSM_VAULT_SEALED_H
#define CLUSTERHSM_VAULT_SEALED_H

#include "common/buffer.h"
#include "vault/gcm.h"
#include "vault/master.h"

enum { SEALED_HEAD_BYTES = 1 + 4 + 16 };

/* Appends to `out`, which is as before on failure. ERR_NO_MEMORY, ERR_BUG; ERR_FORGED: there is no master key yet. */
enum err sealed_make(const struct master *m, enum master_purpose purpose, struct gcm_aad aad, const uint8_t *text, size_t n,
                     struct buffer *out);

/* ERR_FORGED: not made by a vault of this cluster for this purpose with this associated data; *text is not set then. ERR_NO_MEMORY. */
enum err sealed_open(const struct master *m, enum master_purpose purpose, struct gcm_aad aad, const uint8_t *sealed, size_t n,
                     struct secret *text);

#endif
