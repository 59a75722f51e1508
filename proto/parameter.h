/* A mechanism's parameter as it travels: the fields of Mechanism (request.proto), joined to the table's rows. */
#ifndef CLUSTERHSM_PROTO_PARAMETER_H
#define CLUSTERHSM_PROTO_PARAMETER_H

#include <stdbool.h>

#include "proto/error.h"
#include "proto/mechanism.h"
#include "proto/request.pb-c.h"

/* True if the message carries the parameter that the row has, and none that it has not. */
bool parameter_is_given(const struct mechanism *row, const Hsm__Mechanism *m);

/* ERR_MECHANISM_PARAM: not so, or lengths in it are none that the mechanism has. What depends on the key is asked elsewhere, and so is
 * what PSS holds. */
enum err parameter_check(const struct mechanism *row, const Hsm__Mechanism *m);

/* The hash (CKM_) that the parameter names and the policy has a say in (policy_allows_hash); false: it names none. PRFs of derivations are
 * mechanisms of their own. */
bool parameter_names_hash(const Hsm__Mechanism *m, CK_MECHANISM_TYPE *hash);

/* mechanism_signature_bytes, where the parameter may say how much of it is left. */
size_t parameter_signature_bytes(const struct mechanism *row, const Hsm__Mechanism *m, size_t key_size);

#endif
