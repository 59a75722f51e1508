#include "vault/object/lineage.h"

#include "proto/policy.h"
#include "vault/provider/derive.h"

/* The modern policy: no way around a flag, also not by making the same value once more. The compatible one leaves to
 * templates what the standard leaves to them. */
static bool is_strict(struct work *w)
{
    return work_policy(w) == POLICY_MODERN;
}

static bool is_closed(const struct object *key)
{
    return object_bool(key, CKA_SENSITIVE) || !object_bool(key, CKA_EXTRACTABLE);
}

void lineage_derived(struct work *w, const struct mechanism *m, const struct object *base, const struct object *other,
                     struct lineage *l)
{
    bool strict = is_strict(w), reveals = derive_reveals(m);
    bool closed = is_closed(base) || (other != NULL && is_closed(other));

    *l = (struct lineage){.closed = strict && closed, .whole = reveals && closed};
    l->sensitive = is_closed(base);
    schema_base_add(&l->base, true, base, reveals || strict);
    if (other != NULL)
        schema_base_add(&l->base, false, other, reveals || strict);
}

void lineage_unwrapped(struct work *w, const struct object *wrapper, struct schema_base *base)
{
    bool strict = is_strict(w), trusted = object_bool(wrapper, CKA_TRUSTED);

    *base = (struct schema_base){
        .sensitive = strict || trusted, .unextractable = strict && !trusted, .with_trusted = trusted};
}
