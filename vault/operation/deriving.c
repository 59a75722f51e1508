#include "vault/operation/deriving.h"

#include "crypto/field.h"
#include "proto/attribute.h"
#include "proto/derivation.h"
#include "proto/key_kind.h"
#include "proto/limits.h"
#include "vault/object/material.h"
#include "vault/object/permitted.h"
#include "vault/object/reply.h"

void deriving_close(struct deriving *d)
{
    secret_clear(&d->value);
    key_use_close(d->work, &d->base);
    for (size_t i = 0; i < DERIVE_OTHERS_MAX; i++)
        key_use_close(d->work, &d->others[i]);
}

static enum err open_others(struct deriving *d, const Hsm__Derive *call)
{
    enum err e = call->n_others <= DERIVE_OTHERS_MAX ? ERR_OK : ERR_MECHANISM_PARAM;

    for (size_t i = 0; e == ERR_OK && i < call->n_others; i++) {
        e = key_use_open(d->work, call->others[i], call->mechanism, CKF_DERIVE, &d->others[i]);
        if (e == ERR_OK)
            e = named_open(d->work, call->others[i], &d->named[d->n_named]);
        if (e != ERR_OK)
            break;
        d->other_keys[i] = d->others[i].key->key;
        lineage_derived_also(d->work, d->base.mechanism, &d->named[d->n_named++].object, &d->lineage);
    }
    return e;
}

enum err deriving_open(struct deriving *d, struct work *w)
{
    const Hsm__Derive *call = work_request(w)->derive;
    const struct mechanism *m = call->mechanism != NULL ? mechanism_find(call->mechanism->type) : NULL;
    enum err e;

    *d = (struct deriving){.work = w};
    if (call->mechanism != NULL && hsm__mechanism__get_packed_size(call->mechanism) > DERIVE_PARAMETER_BYTES_MAX)
        return ERR_MECHANISM_PARAM;
    if (m != NULL && m->dear && (e = work_dear(w)) != ERR_OK) /* before the key is loaded, which is dear itself */
        return e;
    e = key_use_open(w, call->key, call->mechanism, CKF_DERIVE, &d->base);
    if (e == ERR_OK)
        e = named_open(w, call->key, &d->named[0]);
    if (e != ERR_OK)
        return e;
    d->n_named = 1;
    lineage_derived(w, d->base.mechanism, &d->named[0].object, &d->lineage);
    if ((e = open_others(d, call)) != ERR_OK)
        return e;
    if ((d->objects = work_memory(w, DERIVED_KEYS_MAX * sizeof d->objects[0])) == NULL)
        return ERR_NO_MEMORY;
    d->derive = (struct derive){.libctx = work_vault(w)->libctx,
                                .mechanism = d->base.mechanism,
                                .given = call->mechanism,
                                .base = d->base.key->key,
                                .others = d->other_keys,
                                .n_others = call->n_others};
    if (derivation_of(d->base.mechanism, call->mechanism).makes == DERIVATION_PUBLIC_KEY) {
        if (!key_kind_is_pair(key_kind_find(key_type(d->derive.base))) || d->derive.n_others > 0)
            return ERR_KEY_TYPE;
        return field_makes(key_type(d->derive.base)) ? work_dear(w) : ERR_OK; /* it is computed */
    }
    return derive_check(&d->derive);
}

/* ---- one object */

/* Data has no CKA_VALUE_LEN, but its template says how much of it is made where the mechanism does not: there is no other place. It is
 * taken out of the template; *rest is what remains. */
static enum err take_data_length(struct deriving *d, const Hsm__Template *t, Hsm__Template *rest)
{
    Hsm__Template length = HSM__TEMPLATE__INIT;
    size_t n = t != NULL ? t->n_attributes : 0;
    struct object taken;
    enum err e;

    hsm__template__init(rest);
    rest->attributes = work_memory(d->work, (n + 1) * sizeof rest->attributes[0]);
    length.attributes = work_memory(d->work, (n + 1) * sizeof length.attributes[0]);
    if (rest->attributes == NULL || length.attributes == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        Hsm__Template *to = t->attributes[i]->type == CKA_VALUE_LEN ? &length : rest;
        to->attributes[to->n_attributes++] = t->attributes[i];
    }
    object_init(&taken, reply_memory(d->work));
    e = schema_take(&length, &taken, &d->why);
    d->data_length_given = object_has(&taken, CKA_VALUE_LEN);
    d->data_bytes = object_ulong(&taken, CKA_VALUE_LEN, 0);
    return e;
}

/* How long the value is: as the template says, as keys of the type are, as the mechanism gives. */
static enum err length(struct deriving *d, const struct schema *s, const struct object *o, size_t *n)
{
    const struct key_kind *kind = key_kind_find(s->key_type);
    bool fixed = kind != NULL && kind->bytes_min == kind->bytes_max, data = s->object_class == CKO_DATA;
    bool given = data ? d->data_length_given : object_has(o, CKA_VALUE_LEN);

    *n = !given ? fixed ? kind->bytes_min : derive_bytes(&d->derive)
         : data ? d->data_bytes
                : object_ulong(o, CKA_VALUE_LEN, 0);
    if (*n == 0) {
        diag_set(&d->why, "CKA_VALUE_LEN is missing, or 0: the mechanism gives as many bytes as are asked for");
        return given ? ERR_ATTRIBUTE_VALUE : ERR_TEMPLATE_INCOMPLETE;
    }
    if (kind != NULL && !key_kind_has_length(kind, *n)) {
        diag_set(&d->why, "CKA_VALUE_LEN: %s has %zu to %zu bytes, in steps of %zu", kind->name, kind->bytes_min,
                 kind->bytes_max, kind->bytes_step);
        return ERR_TEMPLATE_INCONSISTENT;
    }
    if (d->lineage.closed && *n < DERIVING_CLOSED_BYTES_MIN && !derive_is_whole(&d->derive, *n)) {
        diag_set(&d->why, "CKA_VALUE_LEN: below %d bytes, what is derived from a key that is not to be read could be tried out",
                 DERIVING_CLOSED_BYTES_MIN);
        return ERR_KEY_SIZE;
    }
    if (d->lineage.whole && !derive_is_whole(&d->derive, *n)) {
        diag_set(&d->why,
                 "a part of a key that is not to be read is not made a key of its own: its value could be tried out");
        return ERR_KEY_SIZE;
    }
    return ERR_OK;
}

enum err deriving_put(struct deriving *d, const struct schema *s, struct object *o, const uint8_t *bytes, size_t n)
{
    enum err e;

    if (s->key_type == NO_KEY_TYPE)
        return object_put(o, CKA_VALUE, bytes, n);
    e = material_put_value(s->libctx, bytes, n, o);
    if (e == ERR_ATTRIBUTE_VALUE)
        diag_set(&d->why, "what was derived is no key of this CKA_KEY_TYPE");
    return e == ERR_OK ? permitted_key(d->work, o) : e;
}

struct schema deriving_schema(const struct deriving *d)
{
    bool data = derivation_of(d->derive.mechanism, d->derive.given).makes == DERIVATION_DATA;

    return (struct schema){.libctx = d->derive.libctx,
                           .way = SCHEMA_DERIVE,
                           .object_class = data ? CKO_DATA : CKO_SECRET_KEY,
                           .key_type = data ? NO_KEY_TYPE : derive_key_type(&d->derive),
                           .base = d->lineage.base};
}

enum err deriving_read(struct deriving *d, const Hsm__Template *given, struct schema *s, struct object *o)
{
    CK_OBJECT_CLASS made = s->object_class;
    const Hsm__Template *t = given;
    Hsm__Template rest;
    enum err e = ERR_OK;

    object_init(o, reply_memory(d->work));
    for (size_t i = 0; e == ERR_OK && i < d->n_named; i++)
        e = lineage_merge_derived(d->work, &d->lineage, &d->named[i].object, t, &t, &d->why);
    if (e == ERR_OK && made == CKO_DATA) {
        e = take_data_length(d, t, &rest);
        t = &rest;
    }
    if (e == ERR_OK)
        e = schema_read(s, t, o, &d->why);
    if ((e == ERR_OK || e == ERR_ATTRIBUTE_TYPE) && s->object_class != made) { /* what its attributes may be is the second question */
        diag_set(&d->why, "CKA_CLASS is not what the mechanism makes");
        e = ERR_TEMPLATE_INCONSISTENT;
    }
    return e == ERR_OK && !lineage_may_become(&d->lineage, s->key_type, &d->why) ? ERR_TEMPLATE_INCONSISTENT : e;
}

enum err deriving_complete(struct deriving *d, const struct schema *s, struct object *o)
{
    enum err e = schema_complete(s, o, &d->why);

    for (size_t i = 0; e == ERR_OK && i < d->n_named; i++)
        e = lineage_obeys(&d->named[i].object, CKA_DERIVE_TEMPLATE, o, &d->why);
    return e;
}

/* The keys of the templates: the call's own first. Where there are several, each begins at a block (PKCS#11 v3.1 section 6.42.6). */
struct part {
    struct schema schema;
    size_t at, n;
};

static enum err plan_part(struct deriving *d, const Hsm__Template *given, struct part *p, struct object *o)
{
    enum err e;

    p->schema = deriving_schema(d);
    if (p->schema.object_class == CKO_DATA && d->lineage.closed) {
        diag_set(&d->why, "data that anybody can read is not made of a sensitive key, or of one with a CKA_DERIVE_TEMPLATE");
        return ERR_KEY_FUNCTION;
    }
    e = deriving_read(d, given, &p->schema, o);
    return e == ERR_OK ? length(d, &p->schema, o, &p->n) : e;
}

static enum err make_part(struct deriving *d, const struct part *p, struct object *o)
{
    enum err e = deriving_put(d, &p->schema, o, d->value.bytes + p->at, p->n);

    return e == ERR_OK ? deriving_complete(d, &p->schema, o) : e;
}

enum err deriving_keys(struct deriving *d)
{
    const Hsm__Derive *call = work_request(d->work)->derive;
    size_t n = 1 + call->n_additional, block = derive_segment_bytes(&d->derive), whole = 0;
    struct part *parts;
    enum err e = ERR_OK;

    if (n > DERIVED_KEYS_MAX || (n > 1 && block == 0))
        return ERR_MECHANISM_PARAM;
    if ((parts = work_memory(d->work, n * sizeof parts[0])) == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        d->template = (uint32_t)i + 1;
        e = plan_part(d, i == 0 ? call->template_ : call->additional[i - 1], &parts[i], &d->objects[i]);
        if (e == ERR_OK && parts[i].n > DERIVE_BYTES_MAX)
            e = ERR_KEY_SIZE;
        if (e != ERR_OK)
            return e;
        parts[i].at = n > 1 ? (whole + block - 1) / block * block : 0;
        whole = parts[i].at + parts[i].n;
        d->derive.bytes_of_keys += parts[i].n;
    }
    d->template = 0;
    e = derive_value(&d->derive, whole, &d->value);
    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        d->template = (uint32_t)i + 1;
        e = make_part(d, &parts[i], &d->objects[i]);
    }
    d->n = n;
    return e;
}
