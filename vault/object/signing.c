#include "vault/object/signing.h"

enum err signing_open(struct work *w, const Hsm__KeyRef *ref, const Hsm__Mechanism *mechanism, CK_FLAGS use,
                      struct key_use *u, struct sign *s)
{
    enum err e = key_use_open(w, ref, mechanism, use, u);

    if (e != ERR_OK)
        return e;
    *s = (struct sign){
        .libctx = work_vault(w)->libctx, .mechanism = u->mechanism, .pss = mechanism->pss, .key = u->key->key};
    return sign_check(s);
}
