#include "vault/object/material.h"

#include "crypto/public_key.h"
#include "proto/attribute.h"
#include "proto/mechanism.h"

enum err material_load(OSSL_LIB_CTX *libctx, const struct object *o, struct key **out)
{
    struct key_part parts[OBJECT_ATTRIBUTES_MAX];
    size_t n = 0;

    for (size_t i = 0; i < o->n; i++) {
        const struct object_attribute *a = &o->attributes[i];
        if (attribute_find(a->type) != NULL && attribute_find(a->type)->flags & ATTRIBUTE_MATERIAL)
            parts[n++] = (struct key_part){.type = a->type, .value = a->value, .n = a->n};
    }
    return key_load(libctx, object_ulong(o, CKA_KEY_TYPE, NO_KEY_TYPE), parts, n, out);
}

enum err material_put(const struct key *k, struct object *o)
{
    unsigned class_bit = attribute_class_bit(object_ulong(o, CKA_CLASS, CK_UNAVAILABLE_INFORMATION));
    bool is_public = class_bit == CLASS_PUBLIC;
    struct secret part = {0};
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && attribute_at(i) != NULL; i++) {
        const struct attribute *row = attribute_at(i);
        if ((row->flags & ATTRIBUTE_MATERIAL) == 0 || (row->classes & class_bit) == 0 ||
            !(is_public ? key_type_has_public_part : key_type_has_part)(key_type(k), row->type))
            continue;
        e = (is_public ? key_public_part : key_part)(k, row->type, &part);
        if (e == ERR_OK)
            e = object_put(o, row->type, part.bytes, part.len);
        else if (e == ERR_NOT_FOUND)
            e = ERR_OK;
    }
    secret_clear(&part);
    return e;
}

/* Of a private key the public one is computed: no part of the object says it. */
static enum err public_key_of_set(OSSL_LIB_CTX *libctx, const struct object *o, const struct parameter_set *set, struct public_key **out)
{
    const struct object_attribute *given = object_find(o, CKA_VALUE);
    struct secret value = {0};
    struct key *k = NULL;
    enum err e;

    if (object_ulong(o, CKA_CLASS, CK_UNAVAILABLE_INFORMATION) == CKO_PUBLIC_KEY)
        return given != NULL ? public_key_pq(libctx, set, given->value, given->n, out) : ERR_TEMPLATE_INCOMPLETE;
    e = material_load(libctx, o, &k);
    if (e == ERR_OK && (e = key_public_part(k, CKA_VALUE, &value)) == ERR_OK)
        e = public_key_pq(libctx, set, value.bytes, value.len, out);
    secret_clear(&value);
    key_free(k);
    return e;
}

static enum err public_key_by_set(OSSL_LIB_CTX *libctx, const struct object *o, struct public_key **out)
{
    const struct parameter_set *set;

    if (!object_has(o, CKA_PARAMETER_SET))
        return ERR_TEMPLATE_INCOMPLETE;
    set = parameter_set_find(object_ulong(o, CKA_KEY_TYPE, NO_KEY_TYPE), object_ulong(o, CKA_PARAMETER_SET, 0));
    return set != NULL ? public_key_of_set(libctx, o, set, out) : ERR_PARAMETER_SET;
}

enum err material_put_value(OSSL_LIB_CTX *libctx, const uint8_t *value, size_t n, struct object *o)
{
    struct key *k = NULL;
    enum err e = object_put(o, CKA_VALUE, value, n);

    if (e == ERR_OK)
        e = material_load(libctx, o, &k);
    if (e == ERR_OK)
        e = material_put(k, o);
    key_free(k);
    return e;
}

enum err material_public_key(OSSL_LIB_CTX *libctx, const struct object *o, struct public_key **out)
{
    CK_KEY_TYPE type = object_ulong(o, CKA_KEY_TYPE, NO_KEY_TYPE);
    bool rsa = type == CKK_RSA;
    const struct object_attribute *first = object_find(o, rsa ? CKA_MODULUS : CKA_EC_PARAMS);
    const struct object_attribute *second = object_find(o, rsa ? CKA_PUBLIC_EXPONENT : CKA_EC_POINT);

    if (parameter_set_makes(object_ulong(o, CKA_KEY_TYPE, NO_KEY_TYPE)))
        return public_key_by_set(libctx, o, out);
    if (first == NULL || second == NULL)
        return ERR_TEMPLATE_INCOMPLETE;
    return rsa ? public_key_rsa(libctx, first->value, first->n, second->value, second->n, out)
               : public_key_ec(libctx, type, first->value, first->n, second->value, second->n, out);
}

enum err material_check_public(OSSL_LIB_CTX *libctx, struct object *o)
{
    const struct object_attribute *point = object_find(o, CKA_EC_POINT);
    struct public_key *k = NULL;
    struct buffer der = {0};
    const uint8_t *raw = NULL;
    size_t raw_n = 0;
    enum err e = material_public_key(libctx, o, &k);

    if (e == ERR_OK && public_key_curve(k) != NULL &&
        (e = curve_point_read(public_key_curve(k), point->value, point->n, &raw, &raw_n)) == ERR_OK &&
        (e = curve_point_write(raw, raw_n, &der)) == ERR_OK)
        e = object_put(o, CKA_EC_POINT, der.data, der.len);
    if (e == ERR_OK && public_key_curve(k) != NULL)
        e = object_put(o, CKA_EC_PARAMS, public_key_curve(k)->params, public_key_curve(k)->params_bytes);
    buffer_clear(&der);
    public_key_free(k);
    return e;
}

enum err material_public_key_info(OSSL_LIB_CTX *libctx, const struct object *o, struct buffer *out)
{
    struct public_key *k = NULL;
    enum err e = material_public_key(libctx, o, &k);

    if (e == ERR_OK)
        e = public_key_info(k, out);
    public_key_free(k);
    return e;
}
