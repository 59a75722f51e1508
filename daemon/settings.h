/* A node's configuration (settings.def): read by hsmd and by hsm-front. */
#ifndef CLUSTERHSM_DAEMON_SETTINGS_H
#define CLUSTERHSM_DAEMON_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/settings.h"

struct node_settings {
    struct address advertise_client; /* after loading never empty: listen's where none is given */
    struct address advertise_peer;
    char *data;
    uint32_t front_threads;
    char *front_user;
    struct address listen_client;
    struct address listen_peer;
    char *listen_socket;             /* after loading never empty */
    char *log_file;
    char *log_level;
    char *name;
    struct addresses peers;
    uint64_t election_timeout_ms;
    uint64_t lease_ms;
    uint32_t snapshot_entries;
    char *seal_file;
    char *seal_kind;
    uint64_t store_bytes_max;
    bool vault_allow_swap;
    char *vault_user;
    uint32_t vault_workers;
};

/* Ends with node_settings_clear. False and a reason that names file, line, key and remedy; nothing is held then. Beside the table's
 * rules: seal.kind is known, seal.file is given where it is needed and lies outside data, the lease is longer than the election
 * timeout, the name is of letters, digits and ._-, and what is listened on are numeric addresses. */
bool node_settings_load(struct node_settings *s, const char *path, struct diag *why);
void node_settings_clear(struct node_settings *s);

/* The table, for documentation and tests. */
const struct setting *node_settings_table(size_t *n);

#endif
