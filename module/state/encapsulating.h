/* C_EncapsulateKey and C_DecapsulateKey: a secret key out of a public key, and the same one out of the private key. */
#ifndef CLUSTERHSM_MODULE_STATE_ENCAPSULATING_H
#define CLUSTERHSM_MODULE_STATE_ENCAPSULATING_H

#include "module/state/keys.h"

/* ciphertext NULL: *ciphertext_n becomes its length. CKR_KEY_*, CKR_BUFFER_TOO_SMALL, keys_take_template's, the vault's. */
CK_RV encapsulating_encapsulate(struct module *m, const struct session *session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE public_key,
                                struct keys_template t, CK_BYTE *ciphertext, CK_ULONG *ciphertext_n, CK_OBJECT_HANDLE *out);

CK_RV encapsulating_decapsulate(struct module *m, const struct session *session, const CK_MECHANISM *mechanism,
                                CK_OBJECT_HANDLE private_key, struct keys_template t, const CK_BYTE *ciphertext, CK_ULONG ciphertext_n,
                                CK_OBJECT_HANDLE *out);

#endif
