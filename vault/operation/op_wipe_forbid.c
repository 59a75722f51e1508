/* A cluster that could be wiped cannot be any more. There is no way back: no request makes one wipeable but its activation.
 *
 * Of one that is being wiped it calls off the rest, and this alone does: users whose turn has not come are served again, with
 * those of their objects that are left. That is safe at any moment: each part leaves only whole objects that have owners. */
#include "vault/access/body.h"
#include "vault/node/cluster_body.h"
#include "vault/operation/operation.h"

enum err op_wipe_forbid_decide(struct work *w)
{
    Hsm__ClusterBody *body = NULL;
    uint64_t version;
    enum err e = cluster_body_read(w, &body, &version);

    if (e != ERR_OK)
        return e;
    if (!body->wipeable)
        return reply_empty(w);
    body->wipeable = body->wiping = false;
    return cluster_body_put(w, body, version);
}

enum err op_wipe_forbid_answer(struct work *w)
{
    return reply_empty(w);
}
