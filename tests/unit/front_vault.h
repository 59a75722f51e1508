/* The vault's side of all pairs of a front: threads that know the steps of a node's life by name and seal nothing. Its node state is the
 * name of what the node is. A request comes back as its reply; signatures are the cluster key's. */
#ifndef CLUSTERHSM_TESTS_UNIT_FRONT_VAULT_H
#define CLUSTERHSM_TESTS_UNIT_FRONT_VAULT_H

#include <openssl/x509.h>

enum { FRONT_VAULT_THREADS = 2, FRONT_VAULT_PAIRS = 1 + 2 * FRONT_VAULT_THREADS };

/* What it says once the cluster is initialized, and signs with; borrowed for as long as it runs. */
struct front_vault_keys {
    EVP_PKEY *cluster_key;
    X509 *cluster_certificate, *client_anchor;
};

/* Begins to answer; fds: the front's ends, in the order of their numbers (the check pair first), the caller's. One at a time. */
void front_vault_start(const struct front_vault_keys *keys, int fds[FRONT_VAULT_PAIRS]);

/* Ends as a vault that dies does. */
void front_vault_end(void);

#endif
