/* A key put to use by a signature or a MAC: permitted (key_use.h), and fit for the mechanism (vault/provider/sign.h). */
#ifndef CLUSTERHSM_VAULT_OBJECT_SIGNING_H
#define CLUSTERHSM_VAULT_OBJECT_SIGNING_H

#include "vault/object/key_use.h"
#include "vault/provider/sign.h"

/* `use` is CKF_SIGN or CKF_VERIFY. s borrows from u, which key_use_close closes, also after a failure. key_use_open's and
 * sign_check's errors. */
enum err signing_open(struct work *w, const Hsm__KeyRef *ref, const Hsm__Mechanism *mechanism, CK_FLAGS use,
                      struct key_use *u, struct sign *s);

#endif
