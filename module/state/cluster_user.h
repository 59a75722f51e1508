/* The cluster, asked for what concerns its users: passwords, the first admin, and a wipe, which ends them. The caller has the login's turn
 * (module.h), but for cluster_check_password, as which a login may end that is over. */
#ifndef CLUSTERHSM_MODULE_STATE_CLUSTER_USER_H
#define CLUSTERHSM_MODULE_STATE_CLUSTER_USER_H

#include "module/state/module.h"
#include "proto/error.h"

struct bytes {
    const uint8_t *bytes;
    size_t n;
};

/* name NULL or old.bytes set: one's own. */
enum err cluster_change_password(struct module *m, const char *name, struct bytes old, struct bytes new);
enum err cluster_user_create(struct module *m, const char *name, struct bytes password);

/* Tries the password of who is logged in, as the cluster counts it. */
enum err cluster_check_password(struct module *m, const struct secret *password);

enum err cluster_activate(struct module *m, struct bytes password);

/* Whether the cluster may be wiped, and which version of it was asked, as the vault that answers knows it. */
enum err cluster_is_wipeable(struct module *m, bool *wipeable, uint64_t *version);
/* Wipes it, under an admin's login, part by part until there is no more. What was begun and has failed is gone on with at the next call.
 * ERR_WRONG_STATE: it is another version by now, so nothing was wiped; or it was forbidden meanwhile. */
enum err cluster_wipe(struct module *m, uint64_t version);

#endif
