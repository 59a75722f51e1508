/* May whoever speaks on this channel make this request? Asked by the engine before each handler, from the records as they are now, so
 * that a changed password, a deleted user or a revoked anchor reaches open channels. */
#ifndef CLUSTERHSM_VAULT_ACCESS_ACCESS_H
#define CLUSTERHSM_VAULT_ACCESS_ACCESS_H

#include "vault/work.h"

/* By the row's column `roles`. Also where the row lets anyone ask, a login that is there is checked, and forgotten if it holds no more:
 * whoever had it is told so, once, rather than shown what strangers see. A change also requires the version of the cluster record that
 * this was judged by.
 * ERR_NEED; ERR_NOT_LOGGED_IN; ERR_TICKET: the login holds no more; ERR_PERMISSION: the role may not; ERR_NOT_ACTIVE: there is no
 * active cluster yet (all but status, activate, generate_random); ERR_TRY_ANOTHER: the login knows more than this node does. */
enum err access_check(struct work *w);

/* Does a login hold, as the records are now? One record, read; where an anchor came or went since, the anchors. ERR_NEED, ERR_TICKET,
 * ERR_TRY_ANOTHER. */
enum err login_check(struct work *w, struct login *login);

/* Whether crypto users are not served, as the cluster is being wiped (vault/operation/op_wipe.c). login_check then calls
 * their logins over. */
bool access_is_closed(struct work *w);

#endif
