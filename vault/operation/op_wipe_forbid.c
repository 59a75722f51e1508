/* A cluster that could be wiped cannot be any more. There is no way back: no request makes one wipeable but its activation. */
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
    if (body->wiping) {
        work_detail(w, "the cluster is being wiped: end that first (hsmctl cluster wipe)");
        e = ERR_WRONG_STATE;
    } else if (!body->wipeable) {
        e = reply_empty(w);
    } else {
        body->wipeable = false;
        e = cluster_body_put(w, body, version + 1);
    }
    hsm__cluster_body__free_unpacked(body, NULL);
    return e;
}

enum err op_wipe_forbid_answer(struct work *w)
{
    return reply_empty(w);
}
