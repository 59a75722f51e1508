/* May whoever speaks on this channel make this request? Asked by the engine before each handler, from the records as they are now, so
 * that a changed password, a deleted user or a revoked anchor reaches open channels. */
#ifndef CLUSTERHSM_VAULT_ACCESS_ACCESS_H
#define CLUSTERHSM_VAULT_ACCESS_ACCESS_H

#include "vault/work.h"

/* By the row's column `roles`. Also where the row lets anyone ask, a login that is there is checked, and forgotten if it holds no more.
 * ERR_NEED; ERR_NOT_LOGGED_IN; ERR_TICKET: the login holds no more; ERR_PERMISSION: the role may not; ERR_NOT_ACTIVE: there is no
 * active cluster yet (all but status, activate, generate_random). */
enum err access_check(struct work *w);

#endif
