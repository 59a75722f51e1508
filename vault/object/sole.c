#include "vault/object/sole.h"

#include "proto/attribute.h"
#include "proto/mechanism.h"

/* What a block becomes under the key opens a wrapped one or forges its tag; a MAC or a derived key tells what a block becomes. */
static bool only_wraps(const struct object *o)
{
    for (size_t i = 0; i < o->n; i++) {
        const struct attribute *row = attribute_find(o->attributes[i].type);
        bool wraps = o->attributes[i].type == CKA_WRAP || o->attributes[i].type == CKA_UNWRAP;
        if (row != NULL && row->flags & ATTRIBUTE_USAGE && !wraps && object_bool(o, row->type))
            return false;
    }
    return true;
}

/* Out of the token under whatever key, a trusted one as well, it comes back as a second one. Not extractable, it is not shown either. */
static bool stays_alone(const struct object *o)
{
    return object_bool(o, CKA_TOKEN) && !object_bool(o, CKA_COPYABLE) && !object_bool(o, CKA_EXTRACTABLE) && only_wraps(o);
}

/* A password makes the same key as often as it is given. */
static bool is_random(const struct schema *s)
{
    const struct mechanism *m = mechanism_find(s->mechanism);

    return s->way == SCHEMA_GENERATE && m != NULL && m->family != FAMILY_PBKDF2;
}

bool sole_at_birth(const struct schema *s, const struct object *o)
{
    return s->class_bit == CLASS_SECRET && is_random(s) && stays_alone(o);
}

bool sole_still(const struct object *o)
{
    return o->sole && stays_alone(o);
}
