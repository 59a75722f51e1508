/* The cluster, asked for what PKCS #11 wants: each call is one whole request (module/rpc). What replies say of objects goes into the
 * module's cache on the way. A login that the vault says is over is ended here too. */
#ifndef CLUSTERHSM_MODULE_STATE_CLUSTER_H
#define CLUSTERHSM_MODULE_STATE_CLUSTER_H

#include "module/state/module.h"
#include "proto/error.h"

/* One page of a search: appends at most FIND_IDS_MAX handles to `found`; *after is the cursor, 0 at first and at the end. */
struct found {
    CK_OBJECT_HANDLE handles[FIND_IDS_MAX];
    size_t n;
};
enum err cluster_find(struct module *m, const struct template *t, uint64_t *after, struct found *found);

/* Asks for a token object anew. ERR_OBJECT_HANDLE: it is not there for this user. */
enum err cluster_get(struct module *m, CK_OBJECT_HANDLE handle);

/* Objects that are made: a token object gives its id, a session object becomes `session`'s. */
CK_RV cluster_create(struct module *m, CK_SESSION_HANDLE session, const struct template *t, CK_OBJECT_HANDLE *out);
CK_RV cluster_generate(struct module *m, CK_SESSION_HANDLE session, const Hsm__Mechanism *mechanism, const struct template *t,
                       CK_OBJECT_HANDLE *out);
CK_RV cluster_generate_pair(struct module *m, CK_SESSION_HANDLE session, const Hsm__Mechanism *mechanism,
                            const struct template *public_half, const struct template *private_half, CK_OBJECT_HANDLE *public_key,
                            CK_OBJECT_HANDLE *private_key);

enum err cluster_destroy(struct module *m, CK_OBJECT_HANDLE handle);

/* Asked for nothing but what every reply says: its policy (module/state/policy.h). */
enum err cluster_hear(struct module *m);

#endif
