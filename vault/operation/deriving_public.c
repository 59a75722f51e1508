/* The public half of a private key (PKCS#11 v3.2 section 6.43, CKM_PUB_KEY_FROM_PRIV_KEY), which everybody who sees the private one can
 * make out of its CKA_PUBLIC_KEY_INFO too: nothing is told that was not. */
#include "proto/attribute.h"
#include "vault/object/material.h"
#include "vault/operation/deriving.h"

/* What the public key has of the private one where the template is silent. */
static const struct {
    CK_ATTRIBUTE_TYPE of_public, of_private;
} taken[] = {
    {CKA_ENCRYPT, CKA_DECRYPT},
    {CKA_VERIFY, CKA_SIGN},
    {CKA_VERIFY_RECOVER, CKA_SIGN_RECOVER},
    {CKA_WRAP, CKA_UNWRAP},
    {CKA_ENCAPSULATE, CKA_DECAPSULATE},
    {CKA_DERIVE, CKA_DERIVE},
    {CKA_ID, CKA_ID},
    {CKA_START_DATE, CKA_START_DATE},
    {CKA_END_DATE, CKA_END_DATE},
    {CKA_SUBJECT, CKA_SUBJECT},
    {CKA_KEY_GEN_MECHANISM, CKA_KEY_GEN_MECHANISM},
    {CKA_ALLOWED_MECHANISMS, CKA_ALLOWED_MECHANISMS},
};

static enum err take_over(const struct object *from, struct object *to)
{
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < sizeof taken / sizeof taken[0]; i++) {
        const struct object_attribute *a = object_find(from, taken[i].of_private);
        if (a != NULL && !object_has(to, taken[i].of_public))
            e = object_put(to, taken[i].of_public, a->value, a->n);
    }
    return e;
}

enum err deriving_public_key(struct deriving *d)
{
    const Hsm__Derive *call = work_request(d->work)->derive;
    struct schema s = {.libctx = d->derive.libctx,
                       .way = SCHEMA_DERIVE,
                       .object_class = CKO_PUBLIC_KEY,
                       .key_type = key_type(d->derive.base)};
    struct object *o = &d->objects[0];
    enum err e;

    if (call->n_additional > 0)
        return ERR_MECHANISM_PARAM;
    d->template = 1;
    e = deriving_read(d, call->template_, &s, o);
    if (e == ERR_OK && s.key_type != key_type(d->derive.base)) {
        diag_set(&d->why, "CKA_KEY_TYPE is not the private key's");
        e = ERR_TEMPLATE_INCONSISTENT;
    }
    if (e == ERR_OK)
        e = take_over(&d->named[0].object, o);
    if (e == ERR_OK)
        e = material_put(d->derive.base, o);
    if (e == ERR_OK)
        e = deriving_complete(d, &s, o);
    d->n = e == ERR_OK ? 1 : 0;
    return e;
}
