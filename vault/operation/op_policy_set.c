/* The cluster's policy, changed by an admin: the next version of the cluster record. */
#include "vault/access/body.h"
#include "vault/node/cluster_body.h"
#include "vault/operation/operation.h"

enum err op_policy_set_decide(struct work *w)
{
    const char *name = work_request(w)->policy_set->policy;
    Hsm__ClusterBody *body = NULL;
    enum policy wanted;
    uint64_t version;
    enum err e;

    if (!policy_find(name, &wanted)) {
        work_detail(w, "the policy is \"%s\" or \"%s\"", policy_name(POLICY_MODERN), policy_name(POLICY_COMPATIBLE));
        return ERR_ARGUMENTS;
    }
    if ((e = cluster_body_read(w, &body, &version)) != ERR_OK)
        return e;
    if (policy_from_wire(body->policy) == wanted)
        return reply_empty(w);
    body->policy = wanted;
    return cluster_body_put(w, body, version);
}

enum err op_policy_set_answer(struct work *w)
{
    return reply_empty(w);
}
