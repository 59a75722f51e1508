#include "vault/object/body.h"

#include <string.h>

#include "common/big_endian.h"
#include "proto/limits.h"

enum { ULONG_BYTES = 8 };

void object_init(struct object *o, struct object_memory memory)
{
    o->memory = memory;
    o->reference = 0;
    o->sole = false;
    o->n = 0;
}

/* Where the type stands, or would. */
static size_t place(const struct object *o, CK_ATTRIBUTE_TYPE type)
{
    size_t low = 0, high = o->n;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (o->attributes[middle].type < type)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct object_attribute *object_find(const struct object *o, CK_ATTRIBUTE_TYPE type)
{
    size_t at = place(o, type);

    return at < o->n && o->attributes[at].type == type ? &o->attributes[at] : NULL;
}

bool object_has(const struct object *o, CK_ATTRIBUTE_TYPE type)
{
    return object_find(o, type) != NULL;
}

enum err object_put(struct object *o, CK_ATTRIBUTE_TYPE type, const void *value, size_t n)
{
    size_t at = place(o, type);
    bool there = at < o->n && o->attributes[at].type == type;
    uint8_t *copy;

    if (!there && o->n == OBJECT_ATTRIBUTES_MAX)
        return ERR_BUG;
    if ((copy = o->memory.take(o->memory.arg, n > 0 ? n : 1)) == NULL)
        return ERR_NO_MEMORY;
    if (n > 0)
        memcpy(copy, value, n);
    if (!there) {
        memmove(&o->attributes[at + 1], &o->attributes[at], (o->n - at) * sizeof o->attributes[0]);
        o->n++;
    }
    o->attributes[at] = (struct object_attribute){.type = type, .value = copy, .n = n};
    return ERR_OK;
}

enum err object_put_bool(struct object *o, CK_ATTRIBUTE_TYPE type, bool value)
{
    uint8_t byte = value ? 1 : 0;

    return object_put(o, type, &byte, 1);
}

enum err object_put_ulong(struct object *o, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    uint64_t wide = value == CK_UNAVAILABLE_INFORMATION ? UINT64_MAX : value;
    uint8_t bytes[ULONG_BYTES];

    u64_put(bytes, wide);
    return object_put(o, type, bytes, sizeof bytes);
}

bool object_bool(const struct object *o, CK_ATTRIBUTE_TYPE type)
{
    const struct object_attribute *a = object_find(o, type);

    return a != NULL && a->n == 1 && a->value[0] == 1;
}

CK_ULONG object_ulong(const struct object *o, CK_ATTRIBUTE_TYPE type, CK_ULONG otherwise)
{
    const struct object_attribute *a = object_find(o, type);
    uint64_t wide;

    if (a == NULL || a->n != ULONG_BYTES)
        return otherwise;
    wide = u64_get(a->value);
    return wide == UINT64_MAX ? CK_UNAVAILABLE_INFORMATION : (CK_ULONG)wide;
}

/* The object's memory as protobuf-c asks for it, so that no value is ever in other memory; it tells "malformed" from
 * "no memory". */
struct taker {
    struct object_memory memory;
    bool failed;
};

static void *take(void *arg, size_t n)
{
    struct taker *t = arg;
    void *p = t->memory.take(t->memory.arg, n > 0 ? n : 1);

    if (p == NULL)
        t->failed = true;
    return p;
}

static void leave(void *arg, void *p)
{
    (void)arg;
    (void)p;
}

enum err object_read(struct object *o, const uint8_t *packed, size_t n)
{
    struct taker taker = {.memory = o->memory};
    ProtobufCAllocator allocator = {.alloc = take, .free = leave, .allocator_data = &taker};
    Hsm__ObjectBody *body = n > OBJECT_BYTES_MAX ? NULL : hsm__object_body__unpack(&allocator, n, packed);

    if (body == NULL)
        return taker.failed ? ERR_NO_MEMORY : ERR_CORRUPT;
    if (body->n_attributes > OBJECT_ATTRIBUTES_MAX || body->base.n_unknown_fields > 0)
        return ERR_CORRUPT;
    for (size_t i = 0; i < body->n_attributes; i++) {
        const Hsm__SealedAttribute *a = body->attributes[i];
        if (i > 0 && a->type <= body->attributes[i - 1]->type)
            return ERR_CORRUPT;
        o->attributes[i] = (struct object_attribute){.type = a->type, .value = a->value.data, .n = a->value.len};
    }
    o->n = body->n_attributes;
    o->reference = body->reference;
    o->sole = body->sole;
    return ERR_OK;
}

enum err object_pack(const struct object *o, struct secret *out)
{
    Hsm__ObjectBody body = HSM__OBJECT_BODY__INIT;
    Hsm__SealedAttribute list[OBJECT_ATTRIBUTES_MAX], *at[OBJECT_ATTRIBUTES_MAX];
    size_t n;

    for (size_t i = 0; i < o->n; i++) {
        hsm__sealed_attribute__init(&list[i]);
        list[i].type = o->attributes[i].type;
        list[i].value = (ProtobufCBinaryData){.data = (uint8_t *)o->attributes[i].value, .len = o->attributes[i].n};
        at[i] = &list[i];
    }
    body.attributes = at;
    body.n_attributes = o->n;
    body.reference = o->reference;
    body.sole = o->sole;
    if ((n = hsm__object_body__get_packed_size(&body)) > OBJECT_BYTES_MAX)
        return ERR_TOO_LARGE;
    if (!secret_new(out, n))
        return ERR_NO_MEMORY;
    hsm__object_body__pack(&body, out->bytes);
    return ERR_OK;
}
