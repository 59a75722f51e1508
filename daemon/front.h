/*
 * The front of one node: everything of it but the command line.
 *
 *   front_run: public facts, state, thread 0 with its pairs; the vault says what this node is (life); the Unix socket is opened
 *   once it has a cluster's keys: the replica is opened, then the other threads are made
 *   once the cluster is initialized: the client port is opened
 */
#ifndef CLUSTERHSM_DAEMON_FRONT_H
#define CLUSTERHSM_DAEMON_FRONT_H

#include <stdbool.h>

#include "daemon/settings.h"

/* The descriptors that the parent has left us: the check pair, then a request and a signer pair for each front thread. */
enum { FRONT_CHECK_FD = 4, FRONT_FIRST_PAIR_FD = 5 };

/* Runs until SIGTERM or SIGINT (true), or until something fails for good (false; the log says what): the parent starts front and vault
 * anew. */
bool front_run(const struct node_settings *settings, bool create);

#endif
