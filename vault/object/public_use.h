/* A public key put to use by a request that makes or shows another key: found, and permitted. Encryption and verification are the
 * module's, which no rule can keep from a public key. */
#ifndef CLUSTERHSM_VAULT_OBJECT_PUBLIC_USE_H
#define CLUSTERHSM_VAULT_OBJECT_PUBLIC_USE_H

#include "crypto/public_key.h"
#include "proto/mechanism.h"
#include "vault/object/body.h"
#include "vault/work.h"

/* True where the request brings the key along as SubjectPublicKeyInfo and names none: nobody here knows it, and it has no rules. */
bool public_use_brings(const Hsm__KeyRef *ref);

/* `o`: the object that the request names, NULL where it brings the key along. As key_use_open: ERR_MECHANISM, ERR_MECHANISM_PARAM,
 * ERR_KEY_FUNCTION; those of reading a public key. The caller frees *key. */
enum err public_use_open(struct work *w, const Hsm__KeyRef *ref, const struct object *o, const Hsm__Mechanism *mechanism, CK_FLAGS use,
                         const struct mechanism **row, struct public_key **key);

#endif
