/* A key put to use by a request: found, and permitted. Whether it fits the mechanism is asked by the family's own check
 * (sign_check, ...). */
#ifndef CLUSTERHSM_VAULT_OBJECT_KEY_USE_H
#define CLUSTERHSM_VAULT_OBJECT_KEY_USE_H

#include "proto/mechanism.h"
#include "vault/object/key_cache.h"
#include "vault/work.h"

struct key_use {
    const struct mechanism *mechanism;
    const Hsm__Mechanism *given; /* the request's, with the parameter */
    const struct cached_key *key;
};

/* For a private or secret key of the work's user. `use` is one of the CKF_ flags of a mechanism: the row must do it, and
 * the key's CKA_ of that name (proto/attribute.h: attribute_of_use; CKF_DIGEST has none, and not every derivation asks: proto/derivation.h)
 * must be true. Closed by
 * key_use_close, also after a failure. ERR_NEED; ERR_MECHANISM: there is none, or not under the cluster's policy, or
 * not for this key (CKA_ALLOWED_MECHANISMS);
 * ERR_MECHANISM_PARAM: another parameter than the row's; ERR_KEY_HANDLE: there is no such key for this user;
 * ERR_KEY_FUNCTION: it may not be used so; ERR_KEY_SIZE: too small for the policy; ERR_REAUTHENTICATE: only together with
 * the user's password; work_record's others.
 * CKA_START_DATE and CKA_END_DATE are for people only (PKCS#11 v3.1 section 4.7.2). */
enum err key_use_open(struct work *w, const Hsm__KeyRef *ref, const Hsm__Mechanism *mechanism, CK_FLAGS use,
                      struct key_use *u);

/* The same where the request has brought the user's password for this use, and it was right (vault/operation/op_authorized.c). */
enum err key_use_open_authorized(struct work *w, const Hsm__KeyRef *ref, const Hsm__Mechanism *mechanism, CK_FLAGS use,
                                 struct key_use *u);

void key_use_close(struct work *w, struct key_use *u);

#endif
