#include "vault/object/permitted.h"

#include "common/big_endian.h"
#include "proto/attribute.h"
#include "proto/key_kind.h"
#include "proto/parameter.h"

static const char remedy[] = "an admin may allow it: hsmctl cluster policy compatible";

enum err permitted_row(struct work *w, const struct mechanism *m)
{
    if (policy_allows(work_policy(w), m))
        return ERR_OK;
    work_detail(w, "%s is not in the cluster's policy, which is %s; %s", m->name, policy_name(work_policy(w)), remedy);
    return ERR_MECHANISM;
}

/* The MAC that the parameter names, if that is a mechanism of its own. */
static const struct mechanism *prf_of(const Hsm__Mechanism *given)
{
    if (given != NULL && given->ike != NULL)
        return mechanism_find(given->ike->prf);
    return given != NULL && given->kbkdf != NULL ? mechanism_find(given->kbkdf->prf) : NULL;
}

enum err permitted_mechanism(struct work *w, const Hsm__Mechanism *given, CK_FLAGS use, const struct mechanism **row)
{
    const struct mechanism *m = given != NULL ? mechanism_find(given->type) : NULL;
    const struct mechanism *prf = prf_of(given);
    CK_MECHANISM_TYPE named;
    const char *hash = given != NULL && parameter_names_hash(given, &named) ? mechanism_hash_name(named) : NULL;

    if (m == NULL || !mechanism_does(m, use))
        return ERR_MECHANISM;
    if (permitted_row(w, m) != ERR_OK)
        return ERR_MECHANISM;
    if (!parameter_is_given(m, given))
        return ERR_MECHANISM_PARAM;
    if (hash != NULL && !policy_allows_hash(work_policy(w), m, hash)) {
        work_detail(w, "%s with %s is not in the cluster's policy, which is %s; %s", m->name, hash, policy_name(work_policy(w)), remedy);
        return ERR_MECHANISM_PARAM;
    }
    if (prf != NULL && !policy_allows(work_policy(w), prf)) {
        work_detail(w, "%s with %s is not in the cluster's policy, which is %s; %s", m->name, prf->name, policy_name(work_policy(w)),
                    remedy);
        return ERR_MECHANISM_PARAM;
    }
    *row = m;
    return ERR_OK;
}

enum err permitted_by_key(struct work *w, const struct object *key, const struct mechanism *row)
{
    const struct object_attribute *a = object_find(key, CKA_ALLOWED_MECHANISMS);

    if (a == NULL || a->n == 0)
        return ERR_OK;
    for (size_t at = 0; at + 8 <= a->n; at += 8)
        if ((CK_MECHANISM_TYPE)u64_get(a->value + at) == row->type)
            return ERR_OK;
    work_detail(w, "%s is not among the key's CKA_ALLOWED_MECHANISMS", row->name);
    return ERR_MECHANISM;
}

enum err permitted_size(struct work *w, const struct mechanism *row, size_t size)
{
    CK_ULONG least = policy_size_min(work_policy(w), row);

    if (size >= least)
        return ERR_OK;
    work_detail(w, "the key has the size %zu; %s needs %lu or more under the cluster's policy, which is %s; %s", size, row->name, least,
                policy_name(work_policy(w)), remedy);
    return ERR_KEY_SIZE;
}

/* As the table counts it: a modulus, or the prime of a field; SIZE_MAX: a curve's, which no policy asks for. */
static size_t size_of(const struct object *o)
{
    const struct object_attribute *number = object_find(o, CKA_MODULUS), *value = object_find(o, CKA_VALUE);

    if (number != NULL || (number = object_find(o, CKA_PRIME)) != NULL)
        return attribute_bits(number->value, number->n);
    return key_kind_is_value(key_kind_find(object_ulong(o, CKA_KEY_TYPE, NO_KEY_TYPE))) && value != NULL ? value->n : SIZE_MAX;
}

enum err permitted_key(struct work *w, const struct object *o)
{
    CK_KEY_TYPE type = object_ulong(o, CKA_KEY_TYPE, NO_KEY_TYPE);
    const struct key_kind *kind = key_kind_find(type);
    enum policy p = work_policy(w);

    if (type == NO_KEY_TYPE || policy_allows_key(p, type, size_of(o)))
        return ERR_OK;
    if (policy_allows_key(p, type, SIZE_MAX)) {
        work_detail(w, "the key's size, %zu, is below what the cluster's policy, which is %s, allows; %s", size_of(o), policy_name(p),
                    remedy);
        return ERR_KEY_SIZE;
    }
    work_detail(w, "CKA_KEY_TYPE %s is not in the cluster's policy, which is %s; %s", kind != NULL ? kind->name : "",
                policy_name(p), remedy);
    return ERR_ATTRIBUTE_VALUE;
}
