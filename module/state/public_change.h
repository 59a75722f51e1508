/* A public object that lives in this process alone, or a copy of one of the token that will: changed by a template. */
#ifndef CLUSTERHSM_MODULE_STATE_PUBLIC_CHANGE_H
#define CLUSTERHSM_MODULE_STATE_PUBLIC_CHANGE_H

#include "module/state/known.h"
#include "module/state/module.h"
#include "module/state/template.h"

/* Whether the copy that the template asks for stays in this process: open (proto/visibility.h), and for a session. */
bool public_change_copies(const struct known *o, const struct template *t);

/* A session object that is like `o`, but for what the template says; as a copy it has a CKA_UNIQUE_ID of its own and nobody trusts it.
 * CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_READ_ONLY, CKR_ACTION_PROHIBITED, CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT. */
CK_RV public_change_make(struct module *m, const struct known *o, const struct template *t, bool copy, struct known **out);

/* Such an object's attributes as a template for C_CreateObject, with what `t` says in their place; borrows from both. To be freed with
 * free(out->values). The same errors. */
CK_RV public_change_template(const struct known *o, const struct template *t, struct template *out);

#endif
