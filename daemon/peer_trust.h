/*
 * Whom this node believes on the wire, and what it shows: node certificate, with both hardware certificates as its chain.
 *
 * The other side's two chains must end at this node's roots (certs/chain.h); which node it is, is decided later, by its
 * key's fingerprint. The loop's thread.
 */
#ifndef CLUSTERHSM_DAEMON_PEER_TRUST_H
#define CLUSTERHSM_DAEMON_PEER_TRUST_H

#include <stdbool.h>

#include "common/diag.h"
#include "common/tls.h"
#include "daemon/net/vkey.h"
#include "proto/node.pb-c.h"

struct peer_trust;

/* `sign` signs with the node key. NULL: no memory. Outlives every connection made from its contexts. */
struct peer_trust *peer_trust_new(OSSL_LIB_CTX *libctx, vkey_sign_fn *sign, void *sign_arg);
void peer_trust_free(struct peer_trust *t); /* NULL is legal */

/* Takes certificates and roots from the facts; connections that are open stay as they are. Facts without a node certificate,
 * or with the one that is there already, change nothing. False and a reason: they cannot be used; what was before stays. */
bool peer_trust_set(struct peer_trust *t, const Hsm__NodeFacts *facts, struct diag *why);

/* Borrowed; NULL as long as there is no node certificate. */
SSL_CTX *peer_trust_context(const struct peer_trust *t, enum tls_side side);

#endif
