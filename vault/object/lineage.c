#include "vault/object/lineage.h"

#include "proto/attribute.h"
#include "proto/key_kind.h"
#include "proto/limits.h"
#include "proto/policy.h"
#include "vault/object/view.h"
#include "vault/provider/derive.h"

enum {
    TRUSTED_TAG_BYTES_MIN = 12, /* NIST SP 800-38D section 5.2.1.2, without appendix C's */
    SEARCHED_BITS_MIN = 112     /* NIST SP 800-57 part 1 table 2: what is found with less work can be searched */
};

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

static bool names_type(const struct object *maker, CK_ATTRIBUTE_TYPE own);

static void add_key(struct work *w, const struct mechanism *m, bool first, const struct object *key, struct lineage *l)
{
    const Hsm__Derive *call = work_request(w)->derive;
    bool strict = is_strict(w), reveals = derive_reveals(m, call->mechanism, call->n_others), closed = is_closed(key);

    l->reveals = reveals;
    l->closed = l->closed || (strict && closed) || lineage_has_a_say(key, CKA_DERIVE_TEMPLATE);
    l->whole = l->whole || (reveals && closed);
    l->retyped = l->retyped || (strict && closed) ||
                 (lineage_has_a_say(key, CKA_DERIVE_TEMPLATE) && !names_type(key, CKA_DERIVE_TEMPLATE));
    schema_base_add(&l->base, first, key, reveals || strict);
}

void lineage_derived(struct work *w, const struct mechanism *m, const struct object *base, struct lineage *l)
{
    *l = (struct lineage){.sensitive = is_closed(base)};
    add_key(w, m, true, base, l);
}

void lineage_derived_also(struct work *w, const struct mechanism *m, const struct object *other, struct lineage *l)
{
    add_key(w, m, false, other, l);
}

void lineage_decapsulated(struct work *w, const struct object *base, struct schema_base *out)
{
    *out = (struct schema_base){.sensitive = false};
    schema_base_add(out, true, base, is_strict(w));
}

void lineage_unwrapped(struct work *w, const struct object *wrapper, struct schema_base *base)
{
    bool strict = is_strict(w), trusted = object_bool(wrapper, CKA_TRUSTED);

    *base = (struct schema_base){
        .sensitive = strict || trusted, .unextractable = strict && !trusted, .with_trusted = trusted};
}

/* Whether CBC's padding was right is seen from whether there is a key, and what a block of it was from the same block wrapped once more:
 * either is enough to read what a key has wrapped. Two keys under one vector of the others are each other's cipher, and short tags are
 * guessed. What one form of AES key wrap authenticates, another would take for its padding. */
bool lineage_trusts(const struct object *wrapper, const struct mechanism *m, const Hsm__Mechanism *given, bool wraps, struct diag *why)
{
    const Hsm__AeadParams *aead = given->aead;
    bool trusted = object_bool(wrapper, CKA_TRUSTED);
    const char *who = trusted ? "a trusted key" : "a key that an admin may still trust (it cannot be copied and only wraps)";

    /* One that may still be trusted is held to the same: of what it has done before, nobody will know. */
    if (!trusted && !wrapper->sole)
        return true;
    switch (m->trusted) {
    case TRUSTED_ALWAYS:
        return true;
    case TRUSTED_OWN_VECTOR:
        if (given->iv == NULL || given->iv->iv.len == 0)
            return true;
        diag_set(why, "%s takes %s under its own initial value only: give no vector", who, m->name);
        return false;
    case TRUSTED_TOKENS_VECTOR:
        if (aead == NULL || aead->tag_bytes < TRUSTED_TAG_BYTES_MIN)
            diag_set(why, "%s takes no tag below %d bits", who, 8 * TRUSTED_TAG_BYTES_MIN);
        else if (wraps && aead->iv.len > 0 && aead->generator == CKG_NO_GENERATE)
            diag_set(why, "%s wraps with %s under no vector but the token's: let it make one (CKG_GENERATE)", who, m->name);
        else
            return true;
        return false;
    case TRUSTED_NEVER:
    case TRUSTED_UNSAID:
    default:
        diag_set(why, "%s neither wraps nor unwraps with %s: from what it takes, keys could be told", who, m->name);
        return false;
    }
}

/* ---- templates that a key brings along */

#define NO_ATTRIBUTE CK_UNAVAILABLE_INFORMATION

struct listed {
    CK_ATTRIBUTE_TYPE type;
    const uint8_t *value;
    size_t n;
};

/* The next attribute of a key's own template; *at starts at 0. */
static bool listed_next(const struct object *maker, CK_ATTRIBUTE_TYPE own, size_t *at, struct listed *out)
{
    const struct object_attribute *list = object_find(maker, own);

    return list != NULL && attribute_template_next(list->value, list->n, at, &out->type, &out->value, &out->n);
}

/* The first that is not so; NO_ATTRIBUTE: all are. What is taken and forgotten, or says nothing, is nobody's; what is not shown is as no
 * template says, or a template would be a way to try out what it is. */
static CK_ATTRIBUTE_TYPE first_other(const struct object *maker, CK_ATTRIBUTE_TYPE own, const struct object *key)
{
    struct listed wanted;
    size_t at = 0;

    while (listed_next(maker, own, &at, &wanted)) {
        const struct object_attribute *has = object_find(key, wanted.type);
        const struct attribute *row = attribute_find(wanted.type);
        bool silent = row == NULL || row->flags & ATTRIBUTE_IGNORED || (row->value == ATTRIBUTE_MECHANISMS && wanted.n == 0);
        bool same = has != NULL && view_shows(key, wanted.type) && has->n == wanted.n && bytes_equal(has->value, wanted.value, wanted.n);
        if (!silent && !same)
            return wanted.type;
    }
    return NO_ATTRIBUTE;
}

static bool names_type(const struct object *maker, CK_ATTRIBUTE_TYPE own)
{
    struct listed l;
    size_t at = 0;

    while (listed_next(maker, own, &at, &l))
        if (l.type == CKA_KEY_TYPE)
            return true;
    return false;
}

static unsigned strength_of(CK_KEY_TYPE type)
{
    const struct key_kind *kind = key_kind_find(type);

    return kind != NULL ? kind->strength : 0;
}

bool lineage_may_become(const struct lineage *l, CK_KEY_TYPE type, struct diag *why)
{
    unsigned strength = strength_of(type);

    if (strength == 0 || !(l->whole || (l->retyped && strength < SEARCHED_BITS_MIN)))
        return true;
    diag_set(why, "CKA_KEY_TYPE: a key that is not to be read is not made a key of DES, which is found by its parts");
    return false;
}

bool lineage_may_unwrap(const struct object *wrapper, const struct schema_base *base, CK_KEY_TYPE type)
{
    unsigned strength = strength_of(type);
    bool says = lineage_has_a_say(wrapper, CKA_UNWRAP_TEMPLATE) && !names_type(wrapper, CKA_UNWRAP_TEMPLATE);

    return strength == 0 || strength >= SEARCHED_BITS_MIN || !(base->sensitive || says);
}

bool lineage_has_a_say(const struct object *maker, CK_ATTRIBUTE_TYPE own)
{
    const struct object_attribute *list = object_find(maker, own);

    return list != NULL && list->n > 0;
}

bool lineage_fits(const struct object *maker, CK_ATTRIBUTE_TYPE own, const struct object *key)
{
    return first_other(maker, own, key) == NO_ATTRIBUTE;
}

static void explain(CK_ATTRIBUTE_TYPE type, CK_ATTRIBUTE_TYPE own, struct diag *why)
{
    diag_set(why, "%s is not what the key's %s makes it", schema_attribute_name(type), schema_attribute_name(own));
}

enum err lineage_obeys(const struct object *maker, CK_ATTRIBUTE_TYPE own, const struct object *key, struct diag *why)
{
    CK_ATTRIBUTE_TYPE other = first_other(maker, own, key);

    if (other == NO_ATTRIBUTE)
        return ERR_OK;
    explain(other, own, why);
    return ERR_TEMPLATE_INCONSISTENT;
}

static const Hsm__Attribute *find(const Hsm__Template *t, CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; t != NULL && i < t->n_attributes; i++)
        if (t->attributes[i]->type == type)
            return t->attributes[i];
    return NULL;
}

static enum err add(struct work *w, Hsm__Template *t, const struct listed *l)
{
    Hsm__Attribute *a = work_memory(w, sizeof *a);

    if (a == NULL)
        return ERR_NO_MEMORY;
    hsm__attribute__init(a);
    a->type = l->type;
    a->value = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)l->value, .len = l->n};
    t->attributes[t->n_attributes++] = a;
    return ERR_OK;
}

/* What the template is silent about, it says now; what it says has to be so. */
static enum err merge_one(struct work *w, const struct listed *l, CK_ATTRIBUTE_TYPE own, Hsm__Template *t, struct diag *why)
{
    const Hsm__Attribute *have = find(t, l->type);

    if (have == NULL)
        return add(w, t, l);
    if (have->value.len == l->n && bytes_equal(have->value.data, l->value, l->n))
        return ERR_OK;
    explain(l->type, own, why);
    return ERR_TEMPLATE_INCONSISTENT;
}

static enum err merge(struct work *w, const struct object *maker, CK_ATTRIBUTE_TYPE own, const Hsm__Template *given, Hsm__Template **out,
                      struct diag *why)
{
    size_t n = given != NULL ? given->n_attributes : 0, at = 0;
    Hsm__Template *t = work_memory(w, sizeof *t);
    struct listed l;
    enum err e = ERR_OK;

    if (t == NULL)
        return ERR_NO_MEMORY;
    hsm__template__init(t);
    t->attributes = work_memory(w, (n + TEMPLATE_ATTRIBUTES_MAX + 1) * sizeof t->attributes[0]); /* and one that is handed down */
    if (t->attributes == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        t->attributes[t->n_attributes++] = given->attributes[i];
    for (size_t i = 0; e == ERR_OK && i < TEMPLATE_ATTRIBUTES_MAX && listed_next(maker, own, &at, &l); i++)
        e = merge_one(w, &l, own, t, why);
    *out = t;
    return e;
}

enum err lineage_merge(struct work *w, const struct object *maker, CK_ATTRIBUTE_TYPE own, const Hsm__Template *given,
                       const Hsm__Template **out, struct diag *why)
{
    Hsm__Template *t;
    enum err e = merge(w, maker, own, given, &t, why);

    if (e == ERR_OK)
        *out = t;
    return e;
}

enum err lineage_merge_derived(struct work *w, const struct lineage *l, const struct object *maker, const Hsm__Template *given,
                               const Hsm__Template **out, struct diag *why)
{
    const struct object_attribute *list = object_find(maker, CKA_DERIVE_TEMPLATE);
    Hsm__Template *t;
    enum err e = merge(w, maker, CKA_DERIVE_TEMPLATE, given, &t, why);

    if (e == ERR_OK && l->reveals && lineage_has_a_say(maker, CKA_DERIVE_TEMPLATE))
        e = merge_one(w, &(struct listed){CKA_DERIVE_TEMPLATE, list->value, list->n}, CKA_DERIVE_TEMPLATE, t, why);
    if (e == ERR_OK)
        *out = t;
    return e;
}
