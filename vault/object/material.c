#include "vault/object/material.h"

#include "crypto/field.h"
#include "crypto/public_key.h"
#include "proto/attribute.h"
#include "proto/mechanism.h"
#include "vault/provider/key_field.h"

/* What the key is made of, borrowed. */
static size_t parts_of(const struct object *o, struct key_part parts[OBJECT_ATTRIBUTES_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < o->n; i++) {
        const struct object_attribute *a = &o->attributes[i];
        if (attribute_find(a->type) != NULL && attribute_find(a->type)->flags & ATTRIBUTE_MATERIAL)
            parts[n++] = (struct key_part){.type = a->type, .value = a->value, .n = a->n};
    }
    return n;
}

enum err material_load(OSSL_LIB_CTX *libctx, const struct object *o, struct key **out)
{
    struct key_part parts[OBJECT_ATTRIBUTES_MAX];

    return key_load(libctx, object_ulong(o, CKA_KEY_TYPE, NO_KEY_TYPE), parts, parts_of(o, parts), out);
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

/* CKA_VALUE of the public key. Of a private key it is computed: no part of the object says it. */
static enum err public_value(OSSL_LIB_CTX *libctx, const struct object *o, struct secret *out)
{
    const struct object_attribute *given = object_find(o, CKA_VALUE);
    struct key *k = NULL;
    enum err e;

    if (given == NULL)
        return ERR_TEMPLATE_INCOMPLETE;
    if (object_ulong(o, CKA_CLASS, CK_UNAVAILABLE_INFORMATION) == CKO_PUBLIC_KEY)
        return secret_copy(out, given->value, given->n) ? ERR_OK : ERR_NO_MEMORY;
    e = material_load(libctx, o, &k);
    if (e == ERR_OK)
        e = key_public_part(k, CKA_VALUE, out);
    key_free(k);
    return e;
}

static struct public_field_part field_part(const struct object *o, CK_ATTRIBUTE_TYPE type)
{
    const struct object_attribute *a = object_find(o, type);

    return a != NULL ? (struct public_field_part){a->value, a->n} : (struct public_field_part){0};
}

static enum err public_key_over_field(OSSL_LIB_CTX *libctx, const struct object *o, CK_KEY_TYPE type, struct public_key **out)
{
    struct public_field parts = {.prime = field_part(o, CKA_PRIME),
                                 .subprime = field_part(o, CKA_SUBPRIME),
                                 .base = field_part(o, CKA_BASE)};
    struct secret value = {0};
    enum err e = ERR_TEMPLATE_INCOMPLETE;

    if (parts.prime.n > 0 && parts.base.n > 0 && (!field_has_parameter(type, CKA_SUBPRIME) || parts.subprime.n > 0))
        e = public_value(libctx, o, &value);
    parts.value = (struct public_field_part){value.bytes, value.len};
    if (e == ERR_OK)
        e = public_key_field(libctx, type, &parts, out);
    secret_clear(&value);
    return e;
}

static enum err public_key_by_set(OSSL_LIB_CTX *libctx, const struct object *o, struct public_key **out)
{
    const struct parameter_set *set;
    struct secret value = {0};
    enum err e;

    if (!object_has(o, CKA_PARAMETER_SET))
        return ERR_TEMPLATE_INCOMPLETE;
    set = parameter_set_find(object_ulong(o, CKA_KEY_TYPE, NO_KEY_TYPE), object_ulong(o, CKA_PARAMETER_SET, 0));
    if (set == NULL)
        return ERR_PARAMETER_SET;
    e = public_value(libctx, o, &value);
    if (e == ERR_OK)
        e = public_key_pq(libctx, set, value.bytes, value.len, out);
    secret_clear(&value);
    return e;
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

    if (parameter_set_makes(type))
        return public_key_by_set(libctx, o, out);
    if (field_makes(type))
        return public_key_over_field(libctx, o, type, out);
    if (first == NULL || second == NULL)
        return ERR_TEMPLATE_INCOMPLETE;
    return rsa ? public_key_rsa(libctx, first->value, first->n, second->value, second->n, out)
               : public_key_ec(libctx, type, first->value, first->n, second->value, second->n, out);
}

/* Numbers are kept without leading zeros, as CKA_PRIME is. */
static enum err put_value_short(struct object *o)
{
    const struct object_attribute *value = object_find(o, CKA_VALUE);
    size_t zeros = 0;

    while (zeros + 1 < value->n && value->value[zeros] == 0)
        zeros++;
    return zeros > 0 ? object_put(o, CKA_VALUE, value->value + zeros, value->n - zeros) : ERR_OK;
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
    if (e == ERR_OK && field_makes(public_key_type(k)))
        e = put_value_short(o);
    buffer_clear(&der);
    public_key_free(k);
    return e;
}

enum err material_check_domain(const struct object *o)
{
    struct key_part parts[OBJECT_ATTRIBUTES_MAX];

    return key_field_parameters(object_ulong(o, CKA_KEY_TYPE, NO_KEY_TYPE), parts, parts_of(o, parts));
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
