/*
 * The two processes of a node, hsm-vault and hsm-front, which live and die together.
 *
 * Descriptors: vault 3 the seal; both 4 the check pair, 5 + 2i and 6 + 2i the request and the signer pair of front
 * thread i.
 */
#ifndef CLUSTERHSM_DAEMON_HSMD_PAIR_H
#define CLUSTERHSM_DAEMON_HSMD_PAIR_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/diag.h"
#include "daemon/settings.h"
#include "daemon/spawn.h"

struct pair_setup {
    const struct node_settings *settings;
    const char *config; /* absolute */
    bool create;
    const char *vault_path, *front_path;
    struct spawn_user vault_user, front_user;
};

struct pair {
    pid_t vault, front; /* 0: not running */
};

/* `seal_fd`: -1: the vault starts locked. Still the caller's. False: neither runs, and why. */
bool pair_start(struct pair *p, const struct pair_setup *setup, int seal_fd, struct diag *why);

/* Asks the front to end, then the vault; kills what does not end in time. Returns when both are gone. */
void pair_stop(struct pair *p);

#endif
