/* C_CopyObject and C_SetAttributeValue.
 *
 * Public session objects that only this process has (module/state/public_object.h) are copied and changed here, by the same rows of the
 * attribute table as in the vault (proto/attribute.h); so is a session copy of a public object of the token. All else is the vault's. */
#ifndef CLUSTERHSM_MODULE_STATE_CHANGING_H
#define CLUSTERHSM_MODULE_STATE_CHANGING_H

#include "module/state/module.h"

/* CKR_ACTION_PROHIBITED: CKA_COPYABLE is false; CKR_SESSION_READ_ONLY, CKR_USER_NOT_LOGGED_IN: of the copy; template_from_host's, the
 * vault's. No array is an empty template. */
CK_RV changing_copy(struct module *m, const struct session *session, CK_OBJECT_HANDLE handle, const CK_ATTRIBUTE *array, CK_ULONG n,
                    CK_OBJECT_HANDLE *out);

/* CKR_ACTION_PROHIBITED: CKA_MODIFIABLE is false; the rest as above. */
CK_RV changing_set(struct module *m, const struct session *session, CK_OBJECT_HANDLE handle, const CK_ATTRIBUTE *array, CK_ULONG n);

#endif
