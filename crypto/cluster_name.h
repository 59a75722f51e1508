/* What a cluster's certificates are called: "cluster-" and its id in hexadecimal, as common name.
 *
 * The customer's authority signs what it likes; a client that pins no key takes a certificate for the cluster's only where the
 * name is the cluster's, so that no other certificate of that authority can stand in for it. Any thread. */
#ifndef CLUSTERHSM_CRYPTO_CLUSTER_NAME_H
#define CLUSTERHSM_CRYPTO_CLUSTER_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/types.h>

enum { CLUSTER_ID_BYTES = 16, CLUSTER_NAME_BYTES = 8 + 2 * CLUSTER_ID_BYTES + 1 };

void cluster_name(const uint8_t id[CLUSTER_ID_BYTES], char out[CLUSTER_NAME_BYTES]);

/* The id that the one common name of this subject tells; the bare id is taken too. False: it is no cluster's name. */
bool cluster_name_read(const X509_NAME *subject, uint8_t id[CLUSTER_ID_BYTES]);

#endif
