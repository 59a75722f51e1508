/* The signer of one front thread: TLS handshake signatures, one question at a time, on a pair and thread of their own, so that a handshake
 * never waits behind requests. What it signs: vault/node/permit.h. */
#ifndef CLUSTERHSM_VAULT_PROCESS_SIGNER_H
#define CLUSTERHSM_VAULT_PROCESS_SIGNER_H

#include "common/buffer.h"
#include "proto/vault.pb-c.h"
#include "vault/process/station.h"
#include "vault/vault.h"

/* The thread's life, until the ending, which it asks for itself where its pair is closed. False: it was not closed but broken. */
bool signer_run(int fd, struct vault *vault, const struct ending *ending);

/* One question. Appends the signature to `out`. ERR_VAULT_LOCKED, ERR_WRONG_STATE (no such key yet), ERR_PERMISSION, ERR_ARGUMENTS (no such
 * key at all). */
enum err signer_sign(struct vault *vault, const Hsm__SignCall *call, struct buffer *out);

#endif
