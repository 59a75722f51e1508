#include "module/state/template.h"

#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"

/* An attribute of the application's under our types; one that is a template is another list then, in the caller's `room`. */
static CK_ATTRIBUTE meant(const struct aliases *aliases, CK_ATTRIBUTE a, CK_ATTRIBUTE room[TEMPLATE_ATTRIBUTES_MAX])
{
    const struct attribute *row;
    size_t n = a.ulValueLen / sizeof a;

    if (aliases->n == 0)
        return a;
    a.type = alias_meaning(aliases, ALIAS_ATTRIBUTE, a.type);
    row = attribute_find(a.type);
    if (row == NULL || row->value != ATTRIBUTE_TEMPLATE || a.pValue == NULL || a.ulValueLen % sizeof a != 0 || n > TEMPLATE_ATTRIBUTES_MAX)
        return a;
    memcpy(room, a.pValue, a.ulValueLen);
    for (size_t i = 0; i < n; i++)
        room[i].type = alias_meaning(aliases, ALIAS_ATTRIBUTE, room[i].type);
    a.pValue = room;
    return a;
}

/* Bytes in canonical form; false: malformed. */
static bool measure(const struct attribute *row, const CK_ATTRIBUTE *a, size_t *n)
{
    bool ok = a->ulValueLen <= ATTRIBUTE_BYTES_MAX && (a->pValue != NULL || a->ulValueLen == 0);

    if (ok)
        *n = attribute_from_host(row, a->pValue, a->ulValueLen, NULL, 0, &ok);
    return ok && *n <= ATTRIBUTE_BYTES_MAX;
}

static CK_RV measure_all(const struct aliases *aliases, const CK_ATTRIBUTE *array, CK_ULONG n, size_t *total)
{
    *total = 0;
    for (CK_ULONG i = 0; i < n; i++) {
        CK_ATTRIBUTE room[TEMPLATE_ATTRIBUTES_MAX], a = meant(aliases, array[i], room);
        const struct attribute *row = attribute_find(a.type);
        size_t bytes = 0;
        if (row == NULL)
            continue;
        if (!measure(row, &a, &bytes))
            return CKR_ATTRIBUTE_VALUE_INVALID;
        *total += bytes;
    }
    return *total <= OBJECT_BYTES_MAX ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
}

/* The application may change its memory while we read it, so what was measured is only a bound. */
static CK_RV copy_all(const struct aliases *aliases, const CK_ATTRIBUTE *array, CK_ULONG n, struct template *t)
{
    size_t at = 0;

    for (CK_ULONG i = 0; i < n; i++) {
        CK_ATTRIBUTE room[TEMPLATE_ATTRIBUTES_MAX], a = meant(aliases, array[i], room);
        const struct attribute *row = attribute_find(a.type);
        struct known_value *v = &t->values[t->n];
        bool ok;
        if (row == NULL) {
            t->unknown = true;
            continue;
        }
        *v = (struct known_value){.row = row, .bytes = t->bytes.bytes + at};
        v->n = attribute_from_host(row, a.pValue, a.ulValueLen, t->bytes.bytes + at, t->bytes.len - at, &ok);
        if (!ok)
            return CKR_ATTRIBUTE_VALUE_INVALID;
        alias_value(aliases, row, t->bytes.bytes + at, v->n);
        at += v->n;
        t->n++;
    }
    return CKR_OK;
}

CK_RV template_from_host(const struct aliases *aliases, const CK_ATTRIBUTE *array, CK_ULONG n, struct template *out)
{
    size_t total;
    CK_RV rv;

    *out = (struct template){.n = 0};
    if ((array == NULL && n > 0) || n > TEMPLATE_ATTRIBUTES_MAX)
        return CKR_ARGUMENTS_BAD;
    rv = measure_all(aliases, array, n, &total);
    if (rv != CKR_OK)
        return rv;
    out->values = calloc(n + 1, sizeof *out->values);
    if (out->values == NULL || !secret_new(&out->bytes, total + 1))
        return CKR_HOST_MEMORY;
    return copy_all(aliases, array, n, out);
}

void template_clear(struct template *t)
{
    free(t->values);
    secret_clear(&t->bytes);
    *t = (struct template){.n = 0};
}

CK_RV template_merge(struct template *t, const struct known_value *own)
{
    struct known_value more, *values;
    CK_ATTRIBUTE_TYPE type;
    size_t at = 0;

    while (own != NULL && attribute_template_next(own->bytes, own->n, &at, &type, &more.bytes, &more.n)) {
        const struct known_value *have = template_value(t, type);
        if (have != NULL && (have->n != more.n || !bytes_equal(have->bytes, more.bytes, more.n)))
            return CKR_TEMPLATE_INCONSISTENT;
        if (have != NULL)
            continue;
        if (t->n == TEMPLATE_ATTRIBUTES_MAX || (more.row = attribute_find(type)) == NULL)
            return CKR_TEMPLATE_INCONSISTENT;
        if ((values = realloc(t->values, (t->n + 1) * sizeof *values)) == NULL)
            return CKR_HOST_MEMORY;
        t->values = values;
        t->values[t->n++] = more;
    }
    return CKR_OK;
}

const struct known_value *template_value(const struct template *t, CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->values[i].row->type == type)
            return &t->values[i];
    return NULL;
}

bool template_bool(const struct template *t, CK_ATTRIBUTE_TYPE type, bool otherwise)
{
    const struct known_value *v = template_value(t, type);

    return v != NULL && v->n == 1 ? v->bytes[0] != 0 : otherwise;
}

CK_ULONG template_ulong(const struct template *t, CK_ATTRIBUTE_TYPE type, CK_ULONG otherwise)
{
    const struct known_value *v = template_value(t, type);
    CK_ULONG number = 0;

    if (v == NULL || v->row->value != ATTRIBUTE_ULONG)
        return otherwise;
    for (size_t i = 0; i < v->n; i++)
        number = number << 8 | v->bytes[i];
    return number;
}

bool template_fits(const struct template *t, const struct known *o)
{
    if (t->unknown)
        return false;
    for (size_t i = 0; i < t->n; i++) {
        const struct known_value *wanted = &t->values[i], *has = known_value(o, wanted->row->type);
        if (has == NULL || has->n != wanted->n || !bytes_equal(has->bytes, wanted->bytes, has->n))
            return false;
    }
    return true;
}

Hsm__Template *template_wire(const struct template *t)
{
    /* One piece: the message, its list, the attributes. */
    struct wire {
        Hsm__Template message;
        Hsm__Attribute *list[TEMPLATE_ATTRIBUTES_MAX];
        Hsm__Attribute attributes[];
    } *w = calloc(1, sizeof *w + t->n * sizeof w->attributes[0]);

    if (w == NULL)
        return NULL;
    hsm__template__init(&w->message);
    w->message.attributes = w->list;
    w->message.n_attributes = t->n;
    for (size_t i = 0; i < t->n; i++) {
        hsm__attribute__init(&w->attributes[i]);
        w->attributes[i].type = t->values[i].row->type;
        w->attributes[i].value.data = (uint8_t *)(uintptr_t)t->values[i].bytes; /* only read */
        w->attributes[i].value.len = t->values[i].n;
        w->list[i] = &w->attributes[i];
    }
    return &w->message;
}

void template_wire_free(Hsm__Template *wire)
{
    free(wire);
}
