/* The parameter of CloudHSM's own id for SP 800-108. It is the standard's without additional keys; the formats of its numbers have a width
 * and no byte order, which is big-endian. There are two sets of fields: those that AWS has published numbers for, by which it is
 *
 *   counter || label || 0 || context || length
 *
 * whatever order they are given in; and those that have the standard's names, in the order in which they are given. An iteration variable
 * tells them apart: the standard's set needs one, and the published numbers have none that could be taken for it. */
#include "module/state/parameter.h"

#include <string.h>

#include "proto/limits.h"

enum { CLOUDHSM_COUNTER = 4, CLOUDHSM_LABEL, CLOUDHSM_CONTEXT, CLOUDHSM_LENGTH, CLOUDHSM_FIELDS = 4 };

struct cloudhsm_kdf {
    CK_ULONG prf;
    CK_ULONG fields_n;
    CK_PRF_DATA_PARAM *fields;
};

struct cloudhsm_length {
    CK_ULONG method;
    CK_ULONG bits;
};

/* A field with the standard's format; `room` holds that. */
union format {
    CK_SP800_108_COUNTER_FORMAT counter;
    CK_SP800_108_DKM_LENGTH_FORMAT length;
};

static void widen(CK_PRF_DATA_PARAM *field, union format *room)
{
    struct cloudhsm_length length;
    CK_ULONG bits;

    if (field->pValue == NULL)
        return;
    if (field->type == CK_SP800_108_ITERATION_VARIABLE && field->ulValueLen == sizeof bits) {
        memcpy(&bits, field->pValue, sizeof bits);
        room->counter = (CK_SP800_108_COUNTER_FORMAT){.bLittleEndian = CK_FALSE, .ulWidthInBits = bits};
        field->pValue = &room->counter;
        field->ulValueLen = sizeof room->counter;
    } else if (field->type == CK_SP800_108_DKM_LENGTH && field->ulValueLen == sizeof length) {
        memcpy(&length, field->pValue, sizeof length);
        room->length = (CK_SP800_108_DKM_LENGTH_FORMAT){length.method, CK_FALSE, length.bits};
        field->pValue = &room->length;
        field->ulValueLen = sizeof room->length;
    }
}

/* The published fields, each at most once, into the order that they stand for. False: another one, or one twice. */
static bool put_in_order(CK_PRF_DATA_PARAM *fields, CK_ULONG *n)
{
    static const CK_ULONG types[] = {CK_SP800_108_ITERATION_VARIABLE, CK_SP800_108_BYTE_ARRAY, CK_SP800_108_BYTE_ARRAY,
                                     CK_SP800_108_DKM_LENGTH};
    static CK_BYTE zero;
    CK_PRF_DATA_PARAM found[CLOUDHSM_FIELDS] = {{.pValue = NULL}};
    bool there[CLOUDHSM_FIELDS] = {false};
    CK_ULONG out = 0;

    for (CK_ULONG i = 0; i < *n; i++) {
        CK_ULONG which = fields[i].type - CLOUDHSM_COUNTER;
        if (fields[i].type < CLOUDHSM_COUNTER || which >= CLOUDHSM_FIELDS || there[which])
            return false;
        there[which] = true;
        found[which] = (CK_PRF_DATA_PARAM){types[which], fields[i].pValue, fields[i].ulValueLen};
    }
    for (CK_ULONG i = 0; i < CLOUDHSM_FIELDS; i++) {
        if (i == CLOUDHSM_CONTEXT - CLOUDHSM_COUNTER)
            fields[out++] = (CK_PRF_DATA_PARAM){CK_SP800_108_BYTE_ARRAY, &zero, sizeof zero};
        if (there[i] && (types[i] != CK_SP800_108_BYTE_ARRAY || found[i].ulValueLen > 0))
            fields[out++] = found[i];
    }
    *n = out;
    return there[0];
}

enum err parameter_take_cloudhsm_kbkdf(const struct mechanism *row, const void *given, CK_ULONG n, Hsm__Mechanism *out)
{
    struct cloudhsm_kdf p;
    CK_SP800_108_KDF_PARAMS whole;
    CK_PRF_DATA_PARAM fields[KBKDF_FIELDS_MAX];
    union format formats[KBKDF_FIELDS_MAX];
    bool standard = false;

    if (n == sizeof(CK_SP800_108_KDF_PARAMS))
        return parameter_take_kbkdf(row, given, out);
    if (n != sizeof p)
        return ERR_MECHANISM_PARAM;
    memcpy(&p, given, sizeof p);
    if (p.fields == NULL || p.fields_n == 0 || p.fields_n > KBKDF_FIELDS_MAX)
        return ERR_MECHANISM_PARAM;
    memcpy(fields, p.fields, p.fields_n * sizeof fields[0]);
    for (CK_ULONG i = 0; i < p.fields_n; i++)
        standard = standard || fields[i].type == CK_SP800_108_ITERATION_VARIABLE;
    if (!standard && !put_in_order(fields, &p.fields_n))
        return ERR_MECHANISM_PARAM;
    for (CK_ULONG i = 0; i < p.fields_n; i++)
        widen(&fields[i], &formats[i]);
    whole = (CK_SP800_108_KDF_PARAMS){.prfType = p.prf, .ulNumberOfDataParams = p.fields_n, .pDataParams = fields};
    return parameter_take_kbkdf(row, &whole, out);
}
