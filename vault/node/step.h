/* What the handlers of vault/node share: a step of the node's life from one sealed state to the next, and answers in the work's memory. */
#ifndef CLUSTERHSM_VAULT_NODE_STEP_H
#define CLUSTERHSM_VAULT_NODE_STEP_H

#include <stdbool.h>

#include "common/diag.h"
#include "crypto/cluster_name.h"
#include "proto/record_id.h"
#include "vault/keyring.h"
#include "vault/node/identity.h"
#include "vault/node/node.h"

enum { NODE_CERTIFICATE_DAYS = 3650 };

/* Alters `next`, a copy of the node's state; false in *changed: it is as it was. */
typedef enum err step_fn(struct work *w, Hsm__NodeState *next, bool *changed);

/* Within one change of the keyring: the step, then the new state, sealed, into the answer and into the keyring with all that follows from
 * it. Nothing is changed on failure. ERR_VAULT_LOCKED: the vault is not started. */
enum err step_take(struct work *w, step_fn *fn);

/* The same without a step, for a state that was opened: taken over. Within a change. */
enum err step_install(struct vault *v, Hsm__NodeState *state);

/* The cluster record that this vault knows counts from here on also after a restart, if it does not yet. */
enum err step_note_cluster(struct work *w);

/* A copy of bytes in the work's memory. */
enum err step_put(struct work *w, ProtobufCBinaryData *field, const void *bytes, size_t n);

int64_t step_now_s(const struct work *w);

/* The HSM certificate: that the cluster key of `next` is in this vault, by its hardware key. */
enum err step_issue_hsm(struct work *w, Hsm__NodeState *next, struct diag *why);

#endif
