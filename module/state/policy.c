#include "module/state/policy.h"

#include <stdatomic.h>

#include "module/state/cluster.h"

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
    return policy_allows(POLICY_MODERN, row) || policy_allows(policy_now(m), row) ? ERR_OK : ERR_MECHANISM;
}

enum err policy_check_hash(struct module *m, const struct mechanism *row, CK_MECHANISM_TYPE hash)
{
    const char *name = mechanism_hash_name(hash);

    if (name == NULL)
        return ERR_MECHANISM_PARAM;
    return policy_allows_hash(POLICY_MODERN, row, name) || policy_allows_hash(policy_now(m), row, name) ? ERR_OK : ERR_MECHANISM_PARAM;
}

CK_ULONG policy_least(struct module *m, const struct mechanism *row)
{
    return policy_size_min(row->size_min < row->size_modern ? policy_now(m) : POLICY_MODERN, row);
}

enum err policy_check_size(struct module *m, const struct mechanism *row, size_t size)
{
    if (size > row->size_max)
        return ERR_KEY_SIZE;
    return size >= row->size_modern || size >= policy_least(m, row) ? ERR_OK : ERR_KEY_SIZE;
}
