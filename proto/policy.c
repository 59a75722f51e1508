#include "proto/policy.h"

#include <string.h>

static const char *const names[] = {[POLICY_MODERN] = "modern", [POLICY_COMPATIBLE] = "compatible"};

enum { POLICIES = sizeof names / sizeof names[0] };

enum policy policy_from_wire(uint32_t number)
{
    return number < POLICIES ? (enum policy)number : POLICY_MODERN;
}

const char *policy_name(enum policy p)
{
    return names[p];
}

bool policy_find(const char *name, enum policy *out)
{
    for (unsigned i = 0; i < POLICIES; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (enum policy)i;
            return true;
        }
    return false;
}

bool policy_allows(enum policy p, const struct mechanism *m)
{
    return p == POLICY_COMPATIBLE || !m->compatible_only;
}

CK_ULONG policy_size_min(enum policy p, const struct mechanism *m)
{
    return p == POLICY_COMPATIBLE ? m->size_min : m->size_modern;
}

bool policy_allows_hash(enum policy p, const struct mechanism *m, const char *hash)
{
    bool has_rows = false, modern = false;

    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *row = mechanism_at(i);
        if (row->hash == NULL || strcmp(row->hash, hash) != 0)
            continue;
        if (row->family == m->family && policy_allows(p, row))
            return true;
        has_rows = has_rows || row->family == m->family;
        modern = modern || (row->family == FAMILY_HASH && !row->compatible_only);
    }
    return !has_rows && modern;
}

bool policy_allows_key(enum policy p, CK_KEY_TYPE type, CK_ULONG size)
{
    bool has_rows = false;

    for (size_t i = 0; mechanism_at(i) != NULL; i++) {
        const struct mechanism *row = mechanism_at(i);
        if (!row->has_key || row->key_type != type)
            continue;
        if (policy_allows(p, row) && size >= policy_size_min(p, row))
            return true;
        has_rows = true;
    }
    return !has_rows;
}
