/* A client's configuration (client_settings.def): read by the module and by the tools. */
#ifndef CLUSTERHSM_MODULE_RPC_CLIENT_SETTINGS_H
#define CLUSTERHSM_MODULE_RPC_CLIENT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/settings.h"

struct client_settings {
    struct texts aliases;
    char *client_certificate;
    char *client_key;
    char *cluster_anchor;
    char *cluster_pin;
    char *fork_mode;
    char *log_file;
    char *log_level;
    char *login_user;
    uint64_t connect_wait_ms;
    uint32_t connections;
    uint64_t reply_wait_ms;
    struct addresses servers;
    char *token_label;
    char *token_serial;
};

/* Ends with client_settings_clear. False and a reason that names file, line, key and remedy; nothing is held then. Beside the table's
 * rules: fork.mode and log.level are known words, cluster.pin is 32 bytes in hexadecimal or empty, aliases are sound (proto/alias.h). */
bool client_settings_load(struct client_settings *s, const char *path, struct diag *why);
void client_settings_clear(struct client_settings *s);

/* The table, for documentation and tests. */
const struct setting *client_settings_table(size_t *n);

#endif
