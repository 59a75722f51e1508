/* What the vault process gives up, in this order: before there are threads, and when all of them run. */
#ifndef CLUSTERHSM_VAULT_PROCESS_CONFINE_H
#define CLUSTERHSM_VAULT_PROCESS_CONFINE_H

#include <stdbool.h>

#include "common/diag.h"

/* Built without (--disable-sandbox, --enable-sanitize, --enable-coverage): sanitizers, gcov and valgrind need what is forbidden below.
 * confine_process then only closes descriptors, and confine_threads does nothing. */
extern const bool confine_built_in;

/* No core files, not to be traced or dumped, no new privileges, few malloc arenas; every descriptor above `last` is closed. False and why:
 * one of first..last is not an open socket. */
bool confine_process(int first, int last, unsigned threads, struct diag *why);

/* All memory, now and to come, stays out of swap. False and what to do. */
bool confine_memory(struct diag *why);

/* The sandbox, for all threads at once: vault/process/confine.c lists the system calls that are left. No thread, no file, no program and
 * no executable page can be made afterwards. False and why. */
bool confine_threads(struct diag *why);

#endif
