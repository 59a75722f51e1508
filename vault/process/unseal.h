/* The seal as hsmd hands it to the vault, by a descriptor. */
#ifndef CLUSTERHSM_VAULT_PROCESS_UNSEAL_H
#define CLUSTERHSM_VAULT_PROCESS_UNSEAL_H

#include <stdbool.h>

#include "common/diag.h"
#include "common/secret.h"
#include "vault/node/seal.h"

/* Reads it and closes the descriptor. *kind becomes SEAL_NONE where that is not open: no seal was given. A passphrase is all that the pipe
 * holds, without one newline at its end. False: not what it should be, and why. */
bool unseal_read(int fd, enum seal_kind *kind, struct secret *out, struct diag *why);

#endif
