#include "module/state/public_change.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/buffer.h"
#include "module/rpc/crypto_context.h"
#include "proto/attribute_limit.h"
#include "proto/visibility.h"

enum { UNIQUE_ID_BYTES = 16, UNIQUE_ID_TEXT = 2 * UNIQUE_ID_BYTES + 1 };

bool public_change_copies(const struct known *o, const struct template *t)
{
    return visibility_is_open(known_ulong(o, CKA_CLASS), template_bool(t, CKA_PRIVATE, known_bool(o, CKA_PRIVATE))) &&
           !template_bool(t, CKA_TOKEN, known_bool(o, CKA_TOKEN));
}

static bool same(const struct known_value *a, const struct known_value *b)
{
    return a->n == b->n && (a->n == 0 || bytes_equal(a->bytes, b->bytes, a->n));
}

static CK_RV check_value(const struct known *o, const struct template *t, const struct known_value *v, bool copy)
{
    const struct attribute *row = v->row;
    const struct known_value *now = known_value(o, row->type);
    bool becomes = row->value == ATTRIBUTE_BOOL && v->n == 1 && v->bytes[0] != 0;
    unsigned class_bit = attribute_class_bit(known_ulong(o, CKA_CLASS));

    if (template_value(t, row->type) != v)
        return CKR_TEMPLATE_INCONSISTENT; /* given twice */
    if (!attribute_is_canonical(row, v->bytes, v->n) || v->n > attribute_bytes_max(row->type))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (now == NULL)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    if (same(now, v) && (copy || attribute_is_modifiable(row, class_bit)))
        return CKR_OK;
    if (row->flags & ATTRIBUTE_ADMIN && becomes)
        return CKR_ATTRIBUTE_READ_ONLY;
    return err_to_rv(attribute_may_change(row, class_bit, copy, known_bool(o, CKA_MODIFIABLE), becomes));
}

static CK_RV check(const struct known *o, const struct template *t, bool copy)
{
    CK_RV rv = t->unknown ? CKR_ATTRIBUTE_TYPE_INVALID : CKR_OK;

    if (rv == CKR_OK && !known_bool(o, copy ? CKA_COPYABLE : CKA_MODIFIABLE))
        rv = CKR_ACTION_PROHIBITED;
    for (size_t i = 0; rv == CKR_OK && i < t->n; i++)
        rv = check_value(o, t, &t->values[i], copy);
    return rv;
}

/* The value that the attribute will have; borrowed, or one of the two below. */
static struct known_value next_value(const struct known_value *now, const struct template *t, bool copy, const char *unique_id)
{
    static const uint8_t no = 0;
    const struct known_value *given = template_value(t, now->row->type);

    if (copy && now->row->flags & ATTRIBUTE_FRESH)
        return (struct known_value){.row = now->row, .bytes = (const uint8_t *)unique_id, .n = UNIQUE_ID_TEXT - 1};
    if (copy && now->row->flags & ATTRIBUTE_ADMIN)
        return (struct known_value){.row = now->row, .bytes = &no, .n = 1};
    return given != NULL ? *given : *now;
}

static bool make_unique_id(struct module *m, char out[UNIQUE_ID_TEXT])
{
    uint8_t random[UNIQUE_ID_BYTES];

    if (!crypto_random(m->libctx, random, sizeof random))
        return false;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(out + 2 * i, 3, "%02x", random[i]);
    return true;
}

CK_RV public_change_make(struct module *m, const struct known *o, const struct template *t, bool copy, struct known **out)
{
    Hsm__Object wire = HSM__OBJECT__INIT;
    Hsm__Attribute *attributes, **list;
    char unique_id[UNIQUE_ID_TEXT];
    CK_RV rv = check(o, t, copy);
    size_t n = 0;

    if (rv != CKR_OK)
        return rv;
    while (known_value_at(o, n) != NULL)
        n++;
    attributes = calloc(n + 1, sizeof *attributes);
    list = calloc(n + 1, sizeof *list);
    if (attributes == NULL || list == NULL)
        rv = CKR_HOST_MEMORY;
    else if (!make_unique_id(m, unique_id))
        rv = CKR_FUNCTION_FAILED;
    for (size_t i = 0; rv == CKR_OK && i < n; i++) {
        struct known_value v = next_value(known_value_at(o, i), t, copy, unique_id);
        hsm__attribute__init(&attributes[i]);
        attributes[i].type = v.row->type;
        attributes[i].value = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)v.bytes, .len = v.n}; /* only read */
        list[i] = &attributes[i];
    }
    wire.attributes = list;
    wire.n_attributes = n;
    if (rv == CKR_OK)
        rv = err_to_rv(known_from_wire(&wire, out));
    free(attributes);
    free(list);
    return rv;
}

CK_RV public_change_template(const struct known *o, const struct template *t, struct template *out)
{
    CK_RV rv = check(o, t, true);
    size_t n = 0;

    *out = (struct template){.n = 0};
    if (rv != CKR_OK)
        return rv;
    while (known_value_at(o, n) != NULL)
        n++;
    if ((out->values = calloc(n + 1, sizeof *out->values)) == NULL)
        return CKR_HOST_MEMORY;
    for (size_t i = 0; i < n; i++) {
        struct known_value v = next_value(known_value_at(o, i), t, true, "");
        if (v.row->flags & ATTRIBUTE_CREATE)
            out->values[out->n++] = v;
    }
    return CKR_OK;
}
