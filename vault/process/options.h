/* The command line of hsm-vault. hsmd writes it; people meet it in --help and in the process list. */
#ifndef CLUSTERHSM_VAULT_PROCESS_OPTIONS_H
#define CLUSTERHSM_VAULT_PROCESS_OPTIONS_H

#include <stdbool.h>

#include "common/diag.h"
#include "common/log.h"
#include "vault/node/seal.h"

struct options {
    unsigned threads;    /* front threads, each with a request and a signer pair */
    unsigned workers;    /* threads for dear work */
    const char *name;    /* of the node, for the log; borrowed from argv */
    enum seal_kind seal;
    enum log_level level;
    bool allow_swap;     /* go on where memory cannot be locked */
    bool help, version;
};

/* False and a reason with a remedy. */
bool options_read(int argc, char *const *argv, struct options *out, struct diag *why);

extern const char options_help[];

#endif
