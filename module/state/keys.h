/* Objects that are made and destroyed: C_CreateObject, C_GenerateKey, C_GenerateKeyPair, C_DestroyObject. */
#ifndef CLUSTERHSM_MODULE_STATE_KEYS_H
#define CLUSTERHSM_MODULE_STATE_KEYS_H

#include "module/state/module.h"

/* CKR_SESSION_READ_ONLY: a token object in a read-only session; CKR_USER_NOT_LOGGED_IN: a private one without a login;
 * CKR_ATTRIBUTE_TYPE_INVALID, template_from_host's, the vault's. */
CK_RV keys_create(struct module *m, const struct session *session, const CK_ATTRIBUTE *array, CK_ULONG n, CK_OBJECT_HANDLE *out);

/* The template of an object that is to be made in this session. template_from_host's, CKR_ATTRIBUTE_TYPE_INVALID,
 * CKR_SESSION_READ_ONLY. *out is to be cleared, also after failure. */
CK_RV keys_take_template(const struct module *m, const struct session *session, const CK_ATTRIBUTE *array, CK_ULONG n,
                         struct template *out);

struct keys_template {
    const CK_ATTRIBUTE *array;
    CK_ULONG n;
};
CK_RV keys_generate(struct module *m, const struct session *session, const CK_MECHANISM *mechanism, struct keys_template t,
                    CK_OBJECT_HANDLE *key);
CK_RV keys_generate_pair(struct module *m, const struct session *session, const CK_MECHANISM *mechanism, struct keys_template public_half,
                         struct keys_template private_half, CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key);

/* CKR_ACTION_PROHIBITED: CKA_DESTROYABLE is false. */
CK_RV keys_destroy(struct module *m, const struct session *session, CK_OBJECT_HANDLE handle);

#endif
