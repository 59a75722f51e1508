/* What the files that ask the cluster have in common (cluster*.c). */
#ifndef CLUSTERHSM_MODULE_STATE_CLUSTER_ASK_H
#define CLUSTERHSM_MODULE_STATE_CLUSTER_ASK_H

#include "module/state/known.h"
#include "module/state/module.h"
#include "proto/error.h"
#include "proto/request.pb-c.h"

/* One whole request; ids: the records that it names. A failure is logged, *out is NULL then; else it is of the wanted case, and freed with
 * rpc_reply_free. A login that is over is ended here. */
enum err cluster_ask(struct module *m, const Hsm__Request *request, const uint64_t *ids, size_t n_ids, Hsm__Reply__OfCase wanted,
                     Hsm__Reply **out);

/* An object that was made: a token object goes into the cache, a session object becomes `session`'s. epoch: objects_epoch before asking. */
CK_RV cluster_keep_made(struct module *m, unsigned epoch, CK_SESSION_HANDLE session, const Hsm__Object *wire, CK_OBJECT_HANDLE *out);

/* How a request names an object; borrows from it. */
Hsm__KeyRef cluster_key_ref(const struct known *key);

#endif
