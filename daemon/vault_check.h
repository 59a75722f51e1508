/*
 * The check pair: what the replica's thread alone asks the vault, one question at a time, blocking. Its own pair, as an
 * entry that is being applied can't wait behind requests, and requests must not wait behind it.
 */
#ifndef CLUSTERHSM_DAEMON_VAULT_CHECK_H
#define CLUSTERHSM_DAEMON_VAULT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/diag.h"
#include "daemon/replica/replica.h"
#include "proto/error.h"

struct vault_check {
    int fd;         /* borrowed */
    uint64_t calls; /* so far */
};

/* Sets the pair's time limit: a vault that says nothing for so long counts as dead. */
bool vault_check_prepare(struct vault_check *v, int fd, uint32_t answer_ms_max, struct diag *why);

/* The vault's verdict on each command's MAC, into good[0..n-1]; as few hops as the limit of a frame allows. ERR_LOST: no answer, or
 * none that can be read; nothing may be decided then. ERR_NO_MEMORY. */
enum err vault_check_commands(struct vault_check *v, const struct replica_command *commands, size_t n, bool *good);

/* Tells the vault the cluster record (Record, packed) that is about to be served by. ERR_LOST as above; else what the vault says. */
enum err vault_check_cluster_record(struct vault_check *v, const uint8_t *record, size_t n);

#endif
