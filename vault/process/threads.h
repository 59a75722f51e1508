/* The vault's threads: a station and a signer for each front thread, a station for the check pair, the pool's workers.
 *
 * All of them are there before the sandbox closes, and none works before it has. */
#ifndef CLUSTERHSM_VAULT_PROCESS_THREADS_H
#define CLUSTERHSM_VAULT_PROCESS_THREADS_H

#include "vault/process/options.h"
#include "vault/vault.h"

enum { DESCRIPTOR_SEAL = 3, DESCRIPTOR_CHECK = 4, DESCRIPTOR_FIRST_PAIR = 5 };

/* Starts them, closes the sandbox, and returns when the process is to end and all threads have. False and why: the threads could not be
 * started or the sandbox not be closed, and the process must exit at once. *clean is false where a pair was broken. */
bool threads_run(struct vault *vault, const struct options *options, bool *clean, struct diag *why);

#endif
