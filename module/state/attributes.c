#include "module/state/attributes.h"

static CK_RV answer(const struct known *o, CK_ATTRIBUTE *a)
{
    const struct known_value *v = known_value(o, a->type);
    CK_ULONG room = a->ulValueLen;
    bool ok = true;
    size_t n;

    a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    if (v == NULL)
        return known_hides(o, a->type) ? CKR_ATTRIBUTE_SENSITIVE : CKR_ATTRIBUTE_TYPE_INVALID;
    n = attribute_to_host(v->row, v->bytes, v->n, NULL, 0, &ok);
    if (ok && a->pValue != NULL) {
        if (room < n)
            return CKR_BUFFER_TOO_SMALL;
        n = attribute_to_host(v->row, v->bytes, v->n, a->pValue, room, &ok);
    }
    if (!ok)
        return CKR_GENERAL_ERROR;
    a->ulValueLen = n;
    return CKR_OK;
}

CK_RV attributes_answer(const struct known *o, CK_ATTRIBUTE *array, CK_ULONG n)
{
    CK_RV result = CKR_OK;

    for (CK_ULONG i = 0; i < n; i++) {
        CK_RV rv = answer(o, &array[i]);
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
