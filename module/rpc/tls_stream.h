/* The dialer of the product: mutual TLS 1.3 over TCP. */
#ifndef CLUSTERHSM_MODULE_RPC_TLS_STREAM_H
#define CLUSTERHSM_MODULE_RPC_TLS_STREAM_H

#include "module/rpc/identity.h"
#include "module/rpc/stream.h"

/* pin: SHA-256 of the cluster key's SubjectPublicKeyInfo that the node must show, 32 bytes, or NULL. It is needed where the CA that
 * signed the cluster's certificate also issues client certificates. The identity is borrowed and must outlive the dialer.
 * NULL and a reason on failure. */
struct dialer *tls_dialer_new(const struct client_identity *identity, const uint8_t *pin, struct diag *why);

#endif
