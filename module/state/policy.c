#include "module/state/policy.h"

#include <stdatomic.h>

#include "module/state/cluster.h"
#include "module/state/refusal.h"

static const char remedy[] = "an admin may allow it: hsmctl cluster policy compatible";

void policy_heard(struct module *m, uint32_t said)
{
    if (said != 0)
        atomic_store(&m->policy, said);
}

enum policy policy_now(struct module *m)
{
    uint32_t said = atomic_load(&m->policy);

    if (said == 0 && cluster_hear(m) == ERR_OK)
        said = atomic_load(&m->policy);
    return said != 0 ? policy_from_wire(said - 1) : POLICY_MODERN;
}

enum err policy_check_row(struct module *m, const struct mechanism *row)
{
    enum policy now = policy_allows(POLICY_MODERN, row) ? POLICY_MODERN : policy_now(m);

    if (policy_allows(now, row))
        return ERR_OK;
    return refusal(ERR_MECHANISM, "%s is not in the cluster's policy, which is %s; %s", row->name, policy_name(now), remedy);
}

enum err policy_check_hash(struct module *m, const struct mechanism *row, CK_MECHANISM_TYPE hash)
{
    const char *name = mechanism_hash_name(hash);
    enum policy now;

    if (name == NULL)
        return refusal(ERR_MECHANISM_PARAM, "%s: its parameter names the hash 0x%lx, which is not here", row->name, hash);
    now = policy_allows_hash(POLICY_MODERN, row, name) ? POLICY_MODERN : policy_now(m);
    if (policy_allows_hash(now, row, name))
        return ERR_OK;
    return refusal(ERR_MECHANISM_PARAM, "%s with %s is not in the cluster's policy, which is %s; %s", row->name, name,
                   policy_name(now), remedy);
}

CK_ULONG policy_least(struct module *m, const struct mechanism *row)
{
    return policy_size_min(row->size_min < row->size_modern ? policy_now(m) : POLICY_MODERN, row);
}

enum err policy_check_size(struct module *m, const struct mechanism *row, size_t size)
{
    if (size > row->size_max)
        return refusal(ERR_KEY_SIZE, "the key has the size %zu; %s takes %lu at most", size, row->name, row->size_max);
    if (size >= row->size_modern || size >= policy_least(m, row))
        return ERR_OK;
    if (size < row->size_min)
        return refusal(ERR_KEY_SIZE, "the key has the size %zu; %s takes %lu at least", size, row->name, row->size_min);
    return refusal(ERR_KEY_SIZE, "the key has the size %zu; %s needs %lu or more under the cluster's policy, which is %s; %s", size,
                   row->name, row->size_modern, policy_name(POLICY_MODERN), remedy);
}
