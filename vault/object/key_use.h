/* A key put to use by a request: found, permitted, loaded, and fit for the mechanism. */
#ifndef CLUSTERHSM_VAULT_OBJECT_KEY_USE_H
#define CLUSTERHSM_VAULT_OBJECT_KEY_USE_H

#include "vault/object/key_cache.h"
#include "vault/provider/sign.h"
#include "vault/work.h"

struct key_use {
    struct sign sign; /* borrows from the next two, so a key_use does not move */
    const struct cached_key *key;
    CK_RSA_PKCS_PSS_PARAMS pss;
};

/* For a private or secret key of the work's user, `use` being CKF_SIGN or CKF_VERIFY. Closed by key_use_close, also
 * after a failure. ERR_NEED; ERR_MECHANISM, ERR_MECHANISM_PARAM; ERR_KEY_HANDLE: there is no such key for this user;
 * ERR_KEY_FUNCTION: CKA_SIGN or CKA_VERIFY is not true; ERR_KEY_TYPE, ERR_KEY_SIZE; work_record's others.
 * CKA_START_DATE and CKA_END_DATE are for people only (PKCS#11 v3.1 section 4.7.2). */
enum err key_use_open(struct work *w, const Hsm__KeyRef *ref, const Hsm__Mechanism *mechanism, CK_FLAGS use,
                      struct key_use *u);

void key_use_close(struct work *w, struct key_use *u);

#endif
