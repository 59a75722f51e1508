#include "vault/object/public_use.h"

#include "proto/attribute.h"
#include "vault/object/material.h"
#include "vault/object/permitted.h"

bool public_use_brings(const Hsm__KeyRef *ref)
{
    return ref != NULL && ref->info.len > 0 && ref->id == 0 && ref->sealed.len == 0;
}

enum err public_use_open(struct work *w, const Hsm__KeyRef *ref, const struct object *o, const Hsm__Mechanism *mechanism, CK_FLAGS use,
                         const struct mechanism **row, struct public_key **key)
{
    OSSL_LIB_CTX *libctx = work_vault(w)->libctx;
    CK_ATTRIBUTE_TYPE of_use = attribute_of_use(use);
    enum err e = permitted_mechanism(w, mechanism, use, row);

    if (e != ERR_OK)
        return e;
    if (o == NULL)
        return public_key_read(libctx, ref->info.data, ref->info.len, key);
    if (!object_bool(o, of_use)) {
        work_detail(w, "the key's %s is not true", attribute_find(of_use)->name);
        return ERR_KEY_FUNCTION;
    }
    e = permitted_by_key(w, o, *row);
    return e == ERR_OK ? material_public_key(libctx, o, key) : e;
}
