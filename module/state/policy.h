/* The cluster's policy (proto/policy.h) as this process knows it: each reply tells it. The vault has the last word; what is asked here is
 * what to list, and what to refuse before anything is gathered or sent. */
#ifndef CLUSTERHSM_MODULE_STATE_POLICY_H
#define CLUSTERHSM_MODULE_STATE_POLICY_H

#include "module/state/module.h"
#include "proto/mechanism.h"
#include "proto/policy.h"

/* Where no reply has come yet the cluster is asked; POLICY_MODERN where it cannot be reached. */
enum policy policy_now(struct module *m);

/* What a reply says of it: Reply.policy. */
void policy_heard(struct module *m, uint32_t said);

/* ERR_MECHANISM: not under this policy. Asks the cluster at most for rows that are not under every policy. */
enum err policy_check_row(struct module *m, const struct mechanism *row);

/* ERR_MECHANISM_PARAM: not with this hash in the parameter. */
enum err policy_check_hash(struct module *m, const struct mechanism *row, CK_MECHANISM_TYPE hash);

/* The least key size that it takes: what C_GetMechanismInfo says. */
CK_ULONG policy_least(struct module *m, const struct mechanism *row);

/* Whether the row takes keys of this size: ERR_KEY_SIZE. */
enum err policy_check_size(struct module *m, const struct mechanism *row, size_t size);

#endif
