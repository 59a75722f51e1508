/* An object that is there, and a template that changes it: C_SetAttributeValue, and C_CopyObject's template (PKCS#11 v3.1
 * sections 4.1.2 and 4.1.3). */
#include "proto/attribute.h"
#include "vault/object/rules.h"
#include "vault/object/schema.h"
#include "vault/object/sole.h"
#include "vault/object/view.h"

static bool same(const struct object_attribute *a, const struct object_attribute *b)
{
    return a->n == b->n && (a->n == 0 || bytes_equal(a->value, b->value, a->n));
}

static enum err refuse(enum err e, const struct schema *s, const struct attribute *row, const char *words, struct diag *why)
{
    diag_set(why, "%s of %s %s", row->name, schema_class_name(s->class_bit), words);
    return e;
}

/* Whether a value may take another's place. */
static enum err may_change(const struct schema *s, const struct object *o, const struct object_attribute *given,
                           struct diag *why)
{
    const struct attribute *row = attribute_find(given->type);
    const struct object_attribute *now = object_find(o, given->type);
    bool becomes = row->value == ATTRIBUTE_BOOL && given->value[0] == 1;
    enum err e;

    if ((row->classes & s->class_bit) == 0 || now == NULL)
        return refuse(ERR_ATTRIBUTE_TYPE, s, row, "is not there", why);
    if (view_shows(o, row->type) && same(now, given) && (s->way == SCHEMA_COPY || attribute_is_modifiable(row, s->class_bit)))
        return ERR_OK;
    e = attribute_may_change(row, s->class_bit, s->way == SCHEMA_COPY, object_bool(o, CKA_MODIFIABLE), becomes);
    if (e == ERR_ACTION_PROHIBITED)
        return refuse(e, s, row, "cannot be changed: its CKA_MODIFIABLE is false", why);
    if (e != ERR_OK)
        return refuse(e, s, row, s->way == SCHEMA_COPY ? "cannot become this in a copy" : "cannot be changed so", why);
    /* Neither true nor false: what a trusted key has wrapped, it would unwrap to be read when it is none. */
    if (row->flags & ATTRIBUTE_ADMIN && !s->by_admin)
        return refuse(ERR_ATTRIBUTE_READ_ONLY, s, row, "cannot be changed by a crypto user", why);
    if (row->type == CKA_TRUSTED && becomes && s->class_bit == CLASS_SECRET && !o->sole)
        return refuse(ERR_ACTION_PROHIBITED, s, row, "cannot become true: generate the key in the token with CKA_COPYABLE and "
                      "CKA_EXTRACTABLE false, for CKA_WRAP and CKA_UNWRAP only from the beginning", why);
    /* Else a wrapping key that an admin trusts could be given CKA_DECRYPT, and what was wrapped with it be read. */
    if (row->flags & ATTRIBUTE_USAGE && becomes && object_bool(o, CKA_TRUSTED))
        return refuse(ERR_ACTION_PROHIBITED, s, row, "cannot become true: an admin trusts it for the uses that it has", why);
    return ERR_OK;
}

/* What of a copy is not the original's. Nobody has said of the copy that it is trusted; and of a secret key that an admin
 * trusts there is none, as it could be given other uses, and what was wrapped with the original be read with it. */
static enum err start_copy(const struct schema *s, struct object *o, struct diag *why)
{
    enum err e = ERR_OK;

    if (!object_bool(o, CKA_COPYABLE)) {
        diag_set(why, "the object's CKA_COPYABLE is false");
        return ERR_ACTION_PROHIBITED;
    }
    if (s->class_bit == CLASS_SECRET && object_bool(o, CKA_TRUSTED) && !s->by_admin) {
        diag_set(why, "the key's CKA_TRUSTED is true: it cannot be copied");
        return ERR_ACTION_PROHIBITED;
    }
    o->sole = false;
    for (size_t i = 0; e == ERR_OK && i < o->n; i++) {
        const struct attribute *row = attribute_find(o->attributes[i].type);
        struct buffer value = {0};
        if (row != NULL && row->flags & ATTRIBUTE_FRESH && (e = rule_find(row->type)->value(s, o, &value)) == ERR_OK)
            e = object_put(o, row->type, value.data, value.len);
        else if (row != NULL && row->flags & ATTRIBUTE_ADMIN && !s->by_admin)
            e = object_put_bool(o, row->type, false);
        buffer_clear(&value);
    }
    return e;
}

static enum err start_set(const struct object *o, struct diag *why)
{
    if (object_bool(o, CKA_MODIFIABLE))
        return ERR_OK;
    diag_set(why, "the object's CKA_MODIFIABLE is false");
    return ERR_ACTION_PROHIBITED;
}

enum err schema_change(struct schema *s, const Hsm__Template *template, struct object *o, struct diag *why)
{
    struct object given;
    enum err e;

    s->object_class = object_ulong(o, CKA_CLASS, CK_UNAVAILABLE_INFORMATION);
    s->key_type = object_ulong(o, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION);
    s->class_bit = attribute_class_bit(s->object_class);
    object_init(&given, o->memory);
    if ((e = schema_take(template, &given, why)) == ERR_OK)
        e = s->way == SCHEMA_COPY ? start_copy(s, o, why) : start_set(o, why);
    for (size_t i = 0; e == ERR_OK && i < given.n; i++)
        e = may_change(s, o, &given.attributes[i], why);
    for (size_t i = 0; e == ERR_OK && i < given.n; i++)
        e = object_put(o, given.attributes[i].type, given.attributes[i].value, given.attributes[i].n);
    o->sole = sole_still(o);
    return e;
}

void schema_base_add(struct schema_base *b, bool first, const struct object *key, bool reveals)
{
    b->sensitive = (!first && b->sensitive) || (reveals && object_bool(key, CKA_SENSITIVE));
    b->unextractable = (!first && b->unextractable) || (reveals && !object_bool(key, CKA_EXTRACTABLE));
    b->with_trusted = (!first && b->with_trusted) || (reveals && object_bool(key, CKA_WRAP_WITH_TRUSTED));
    b->always_sensitive = (first || b->always_sensitive) && object_bool(key, CKA_ALWAYS_SENSITIVE);
    b->never_extractable = (first || b->never_extractable) && object_bool(key, CKA_NEVER_EXTRACTABLE);
}
