/*
 * The seal of a node: what opens its root key in the vault. hsmd only passes it on; it does not keep it.
 *
 * File: 32 random bytes, mode 0600, of hsmd's own user, outside the data folder. Passphrase: asked at the terminal or read
 * from a descriptor, handed to the vault once by a pipe, then wiped.
 */
#ifndef CLUSTERHSM_DAEMON_SEAL_H
#define CLUSTERHSM_DAEMON_SEAL_H

#include <stdbool.h>

#include "common/diag.h"
#include "common/secret.h"

enum { SEAL_FILE_BYTES = 32, SEAL_PASSPHRASE_BYTES_MIN = 8, SEAL_PASSPHRASE_BYTES_MAX = 1024 };

/* The file, open for reading at its start; the caller closes it. Where it is missing and `may_make`, it is made, durable.
 * -1 and a reason with a remedy: missing, a link, no regular file, another's, readable by others, of another length. */
int seal_file_open(const char *path, bool may_make, struct diag *why);

/* One line, or all there is, from the descriptor, which stays open. `is_first`: it is only now chosen, and must not be
 * short. */
bool seal_passphrase_read(int fd, bool is_first, struct secret *out, struct diag *why);

/* Asks at /dev/tty without echo, twice where it is only now chosen. False: no terminal, interrupted, or they differ. */
bool seal_passphrase_ask(bool is_first, struct secret *out, struct diag *why);

/* The reading end of a pipe that holds the passphrase and nothing else; -1 and a reason. */
int seal_passphrase_pipe(const struct secret *passphrase, struct diag *why);

#endif
