#include "module/state/attributes.h"

#include <string.h>

static CK_RV give(const struct attribute *row, const uint8_t *bytes, size_t n, CK_ATTRIBUTE *a);

/* PKCS#11 v3.1 section 5.7.5: each entry says where its value goes, or asks for its length; one that is too small stops none of the others.
 * The list has room for all. */
static CK_RV give_template(const uint8_t *bytes, size_t n, CK_ATTRIBUTE *list)
{
    CK_RV result = CKR_OK;
    CK_ATTRIBUTE_TYPE type;
    const uint8_t *value;
    size_t at = 0, length;

    for (size_t i = 0; attribute_template_next(bytes, n, &at, &type, &value, &length); i++) {
        CK_ATTRIBUTE entry;
        CK_RV rv;
        memcpy(&entry, &list[i], sizeof entry);
        entry.type = type;
        rv = give(attribute_find(type), value, length, &entry);
        memcpy(&list[i], &entry, sizeof entry);
        if (result == CKR_OK)
            result = rv;
    }
    return result;
}

/* One value, into its place or only its length. */
static CK_RV give(const struct attribute *row, const uint8_t *bytes, size_t n, CK_ATTRIBUTE *a)
{
    CK_ULONG room = a->ulValueLen;
    CK_RV rv = CKR_OK;
    bool ok;
    size_t needed = attribute_to_host(row, bytes, n, NULL, 0, &ok);

    a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    if (ok && a->pValue != NULL && room < needed)
        return CKR_BUFFER_TOO_SMALL;
    if (ok && a->pValue != NULL && row->value == ATTRIBUTE_TEMPLATE)
        rv = give_template(bytes, n, a->pValue);
    else if (ok && a->pValue != NULL)
        attribute_to_host(row, bytes, n, a->pValue, room, &ok);
    if (!ok)
        return CKR_GENERAL_ERROR; /* no vault of ours says such a thing */
    a->ulValueLen = needed;
    return rv;
}

static CK_RV answer(const struct aliases *aliases, const struct known *o, CK_ATTRIBUTE *a)
{
    CK_ATTRIBUTE_TYPE type = alias_meaning(aliases, ALIAS_ATTRIBUTE, a->type);
    const struct known_value *v = known_value(o, type);

    if (v != NULL)
        return give(v->row, v->bytes, v->n, a);
    a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    return known_hides(o, type) ? CKR_ATTRIBUTE_SENSITIVE : CKR_ATTRIBUTE_TYPE_INVALID;
}

CK_RV attributes_answer(const struct aliases *aliases, const struct known *o, CK_ATTRIBUTE *array, CK_ULONG n)
{
    CK_RV result = CKR_OK;

    for (CK_ULONG i = 0; i < n; i++) {
        CK_RV rv = answer(aliases, o, &array[i]);
        if (result == CKR_OK)
            result = rv;
    }
    return result;
}

CK_ULONG attributes_size(const struct known *o)
{
    CK_ULONG bytes = 0;

    for (size_t i = 0; known_value_at(o, i) != NULL; i++)
        bytes += known_value_at(o, i)->n;
    return bytes;
}
