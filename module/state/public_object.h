/* Public session objects: public keys, domain parameters and data that only this process has. They are made here, without the cluster and
 * without a login: programs make them to verify one signature. What proto/attribute.def says of such objects is held here as the vault
 * holds it (vault/object/schema.h); certificates are the vault's, which takes them apart. */
#ifndef CLUSTERHSM_MODULE_STATE_PUBLIC_OBJECT_H
#define CLUSTERHSM_MODULE_STATE_PUBLIC_OBJECT_H

#include "module/state/module.h"

/* Is it one by its template: CKA_TOKEN and CKA_PRIVATE not true, of one of those classes? */
bool public_object_is(const struct template *t);

/* CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCOMPLETE, CKR_TEMPLATE_INCONSISTENT;
 * objects_add's. */
CK_RV public_object_create(struct module *m, CK_SESSION_HANDLE session, const struct template *t, CK_OBJECT_HANDLE *out);

#endif
