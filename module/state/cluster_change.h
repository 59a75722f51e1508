/* The cluster, asked to copy and to change objects (module/state/cluster.h). */
#ifndef CLUSTERHSM_MODULE_STATE_CLUSTER_CHANGE_H
#define CLUSTERHSM_MODULE_STATE_CLUSTER_CHANGE_H

#include "module/state/known.h"
#include "module/state/module.h"
#include "module/state/template.h"

/* The copy becomes `session`'s where it is a session object. The vault's errors. */
CK_RV cluster_copy(struct module *m, CK_SESSION_HANDLE session, const struct known *object, const struct template *t,
                   CK_OBJECT_HANDLE *out);

/* object NULL: a token object that this user may not see, which an admin may say something of. What it has become is known afterwards. */
enum err cluster_set_attributes(struct module *m, CK_OBJECT_HANDLE handle, const struct known *object, const struct template *t);

#endif
