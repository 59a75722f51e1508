/* C_DeriveKey: a key from another. */
#ifndef CLUSTERHSM_MODULE_STATE_DERIVING_H
#define CLUSTERHSM_MODULE_STATE_DERIVING_H

#include "module/state/keys.h"

/* CKM_TLS12_KEY_AND_MAC_DERIVE gives its keys through its parameter, and `out` may be NULL there; the handle is
 * CK_INVALID_HANDLE then. */
CK_RV deriving_run(struct module *m, const struct session *session, const CK_MECHANISM *mechanism,
                   CK_OBJECT_HANDLE base, struct keys_template t, CK_OBJECT_HANDLE *out);

#endif
