/*
 * TLS handshake signatures by the vault: the second pair of a front thread, one question at a time, blocking.
 *
 * Its own pair, as requests would stand before it in the other. An answer that does not come in time, or is not one,
 * breaks the pair for good (the next answer could be the last question's): every later signature fails.
 */
#ifndef CLUSTERHSM_DAEMON_VAULT_SIGNER_H
#define CLUSTERHSM_DAEMON_VAULT_SIGNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/diag.h"

enum vault_signer_key { VAULT_SIGNER_CLUSTER = 1, VAULT_SIGNER_NODE = 2 }; /* proto/vault.proto, SignCall.key */

/* One key behind the pair, in the caller's memory; the descriptor and the bit are borrowed. */
struct vault_signer {
    int fd;
    enum vault_signer_key key;
    bool *broken; /* of the pair: shared by the keys behind it */
};

/* Sets the pair's time limit. */
bool vault_signer_prepare(int fd, uint32_t answer_ms_max, struct diag *why);

/* A vkey_sign_fn (daemon/net/vkey.h); arg is a struct vault_signer. */
bool vault_signer_sign(void *arg, const char *digest, const uint8_t *bytes, size_t n, uint8_t *signature, size_t *len,
    size_t room);

#endif
