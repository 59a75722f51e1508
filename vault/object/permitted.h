/* What the cluster's policy permits (proto/policy.h), asked of a request. What is refused is told with the remedy. */
#ifndef CLUSTERHSM_VAULT_OBJECT_PERMITTED_H
#define CLUSTERHSM_VAULT_OBJECT_PERMITTED_H

#include "proto/mechanism.h"
#include "vault/object/body.h"
#include "vault/work.h"

/* The row of a mechanism that does `use` (one CKF_), with the parameter that it has. ERR_MECHANISM: there is none, or not under this
 * policy; ERR_MECHANISM_PARAM. */
enum err permitted_mechanism(struct work *w, const Hsm__Mechanism *given, CK_FLAGS use, const struct mechanism **row);

/* ERR_MECHANISM: the policy has no such row. */
enum err permitted_row(struct work *w, const struct mechanism *m);

/* ERR_MECHANISM: the key's CKA_ALLOWED_MECHANISMS are others. */
enum err permitted_by_key(struct work *w, const struct object *key, const struct mechanism *row);

/* ERR_KEY_SIZE: such keys are too small for the row. */
enum err permitted_size(struct work *w, const struct mechanism *row, size_t size);

/* A key in the making, its parts in stored form. Objects that are no keys pass. ERR_KEY_SIZE; ERR_ATTRIBUTE_VALUE: no key of this type. */
enum err permitted_key(struct work *w, const struct object *o);

#endif
