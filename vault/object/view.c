#include "vault/object/view.h"

#include "proto/attribute.h"
#include "proto/limits.h"
#include "proto/visibility.h"

bool view_is_open(const struct object *o)
{
    return visibility_is_open(object_ulong(o, CKA_CLASS, CK_UNAVAILABLE_INFORMATION), object_bool(o, CKA_PRIVATE));
}

bool view_may_see(const struct object *o, uint64_t owner, const struct login *login)
{
    bool owns = login->role == ROLE_CRYPTO_USER && login->user_id != 0 && login->user_id == owner;

    return owns || view_is_open(o);
}

bool view_shows(const struct object *o, CK_ATTRIBUTE_TYPE type)
{
    const struct attribute *row = attribute_find(type);
    unsigned class_bit = attribute_class_bit(object_ulong(o, CKA_CLASS, CK_UNAVAILABLE_INFORMATION));

    if (row == NULL || class_bit == 0)
        return false;
    if ((row->flags & ATTRIBUTE_SENSITIVE) == 0 || (class_bit & (CLASS_DATA | CLASS_CERT | CLASS_PUBLIC)) != 0)
        return true;
    if (object_bool(o, CKA_ALWAYS_AUTHENTICATE)) /* of objects from before the schema refused it (docs/decisions/010) */
        return false;
    return object_has(o, CKA_SENSITIVE) && !object_bool(o, CKA_SENSITIVE) && object_bool(o, CKA_EXTRACTABLE);
}

bool view_fits(const struct object *o, const struct object *template)
{
    for (size_t i = 0; i < template->n; i++) {
        const struct object_attribute *wanted = &template->attributes[i], *has = object_find(o, wanted->type);
        if (has == NULL || !view_shows(o, wanted->type) || has->n != wanted->n ||
            !bytes_equal(has->value, wanted->value, has->n))
            return false;
    }
    return true;
}

enum err view_object(const struct object *o, uint64_t id, uint64_t version, Hsm__Object *out)
{
    Hsm__Attribute *list = o->memory.take(o->memory.arg, (o->n + 1) * sizeof *list);
    Hsm__Attribute **shown = o->memory.take(o->memory.arg, (o->n + 1) * sizeof *shown);
    uint64_t *hidden = o->memory.take(o->memory.arg, (o->n + 1) * sizeof *hidden);

    if (list == NULL || shown == NULL || hidden == NULL)
        return ERR_NO_MEMORY;
    hsm__object__init(out);
    out->id = id;
    out->version = version;
    out->attributes = shown;
    out->hidden = hidden;
    for (size_t i = 0; i < o->n; i++) {
        const struct object_attribute *a = &o->attributes[i];
        if (!view_shows(o, a->type)) {
            hidden[out->n_hidden++] = a->type;
            continue;
        }
        hsm__attribute__init(&list[i]);
        list[i].type = a->type;
        list[i].value = (ProtobufCBinaryData){.data = (uint8_t *)a->value, .len = a->n};
        shown[out->n_attributes++] = &list[i];
    }
    return ERR_OK;
}

enum err view_template(const Hsm__Template *template, struct object *o, bool *possible)
{
    *possible = true;
    if (template != NULL && template->n_attributes > TEMPLATE_ATTRIBUTES_MAX)
        return ERR_LIMIT;
    for (size_t i = 0; template != NULL && i < template->n_attributes; i++) {
        const Hsm__Attribute *a = template->attributes[i];
        const struct attribute *row = attribute_find(a->type);
        const struct object_attribute *before = object_find(o, a->type);
        enum err e;
        if (row == NULL || row->flags & ATTRIBUTE_IGNORED ||
            (before != NULL && (before->n != a->value.len || !bytes_equal(before->value, a->value.data, before->n)))) {
            *possible = false;
            return ERR_OK;
        }
        if (before == NULL && (e = object_put(o, row->type, a->value.data, a->value.len)) != ERR_OK)
            return e;
    }
    /* Session objects are their process's. */
    *possible = !object_has(o, CKA_TOKEN) || object_bool(o, CKA_TOKEN);
    return ERR_OK;
}
