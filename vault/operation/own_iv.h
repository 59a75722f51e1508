/* The vector that the caller lets us make (PKCS #11 3.0 section 6.13.3: CKG_GENERATE and its like). */
#ifndef CLUSTERHSM_VAULT_OPERATION_OWN_IV_H
#define CLUSTERHSM_VAULT_OPERATION_OWN_IV_H

#include "vault/work.h"

/* *with is what is given, with a vector of its own where the vault is to make it: *aead then, and what it points to in
 * the work's memory. ERR_MECHANISM_PARAM, ERR_NO_MEMORY, ERR_BUG. */
enum err own_iv_make(struct work *w, const Hsm__Mechanism *given, Hsm__Mechanism *with, Hsm__AeadParams *aead);

#endif
