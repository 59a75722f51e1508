#include "vault/object/tokens.h"

#include "common/buffer.h"
#include "vault/object/view.h"

/* CKA_SERIAL_NUMBER stands for the pair of issuer and serial number, by which certificates are looked for. */
static const CK_ATTRIBUTE_TYPE selective[] = {
    CKA_UNIQUE_ID, CKA_PUBLIC_KEY_INFO, CKA_SERIAL_NUMBER, CKA_ID,    CKA_LABEL,
    CKA_SUBJECT,   CKA_ISSUER,          CKA_KEY_TYPE,      CKA_CLASS,
};

enum { SELECTIVE = sizeof selective / sizeof selective[0] };

_Static_assert(SELECTIVE + 1 <= OBJECT_TOKENS_MAX, "a token each, and INDEX_ALL");

bool tokens_index(CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < SELECTIVE; i++)
        if (selective[i] == type)
            return true;
    return false;
}

/* ERR_NOT_FOUND: the object has no such value. */
static enum err token_for(const struct index *x, const struct object *o, uint64_t scope, CK_ATTRIBUTE_TYPE type,
                          uint8_t out[INDEX_TOKEN_BYTES])
{
    const struct object_attribute *a = object_find(o, type), *issuer = object_find(o, CKA_ISSUER);
    struct buffer both = {0};
    enum err e = ERR_NO_MEMORY;

    if (a == NULL || a->n == 0 || (type == CKA_SERIAL_NUMBER && (issuer == NULL || issuer->n == 0)))
        return ERR_NOT_FOUND;
    if (type != CKA_SERIAL_NUMBER)
        return index_token(x, scope, type, a->value, a->n, out);
    if (buffer_put_bytes(&both, issuer->value, issuer->n) && buffer_put_bytes(&both, a->value, a->n))
        e = index_token(x, scope, type, both.data, both.len, out);
    buffer_clear(&both);
    return e;
}

enum err tokens_of(const struct index *x, const struct object *o, uint64_t owner, struct object_tokens *out)
{
    uint64_t scope = view_is_open(o) ? INDEX_PUBLIC : owner;
    enum err e = index_token(x, scope, INDEX_ALL, NULL, 0, out->list[0]);

    out->n = 1;
    for (size_t i = 0; e == ERR_OK && i < SELECTIVE; i++) {
        if ((e = token_for(x, o, scope, selective[i], out->list[out->n])) == ERR_OK)
            out->n++;
        else if (e == ERR_NOT_FOUND)
            e = ERR_OK;
    }
    return e;
}

enum err tokens_best(const struct index *x, const struct object *template, uint64_t scope,
                     uint8_t out[INDEX_TOKEN_BYTES])
{
    for (size_t i = 0; i < SELECTIVE; i++) {
        enum err e = token_for(x, template, scope, selective[i], out);
        if (e != ERR_NOT_FOUND)
            return e;
    }
    return index_token(x, scope, INDEX_ALL, NULL, 0, out);
}
