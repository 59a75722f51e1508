/* The data folder of a node: made, owned by the front, and used by one hsmd at a time. */
#ifndef CLUSTERHSM_DAEMON_HSMD_FOLDER_H
#define CLUSTERHSM_DAEMON_HSMD_FOLDER_H

#include "common/diag.h"
#include "daemon/spawn.h"

/* Makes the folder (0700, the front's) if it is missing, checks it, and locks hsmd.lock in it: a second hsmd is told at
 * once. (A front that outlives its hsmd for a moment has a lock of its own.) The lock's descriptor, to be kept open for
 * the life of hsmd; -1 and a reason. */
int folder_take(const char *path, const struct spawn_user *front, struct diag *why);

/* The node has sealed state: its seal must not be made anew. */
bool folder_has_state(const char *path);

#endif
