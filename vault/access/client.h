/* Which client is it that logs in? The vault finds out by itself: the front, which ended the TLS connection, may not be believed.
 *
 * The client certificate stands in the request, holds under a registered client anchor at the vault's own clock, and its key has signed
 * the hash of this very channel together with the name. */
#ifndef CLUSTERHSM_VAULT_ACCESS_CLIENT_H
#define CLUSTERHSM_VAULT_ACCESS_CLIENT_H

#include "vault/keyring.h"
#include "vault/work.h"

enum { CERTIFICATE_HASH_BYTES = 32 };

struct client {
    uint8_t hash[CERTIFICATE_HASH_BYTES];   /* of the certificate, DER, SHA-256 */
    uint8_t anchor[CERTIFICATE_HASH_BYTES]; /* of the anchor that it holds under */
    uint64_t trust_epoch;                   /* at which that was so */
};

/* From the request `login` of this work; found out once a request and version of the cluster record, as it takes a millisecond.
 * ERR_CLIENT_CERTIFICATE, with work_detail; ERR_NOT_ACTIVE; ERR_NO_MEMORY. */
enum err client_check(struct work *w, const Hsm__Login *login, struct client *out);

/* Is the anchor of this hash among the client anchors? */
bool client_anchor_known(const struct vault *v, const Hsm__ClusterBody *body, const uint8_t hash[CERTIFICATE_HASH_BYTES]);

#endif
