/* C_CreateObject. Crypto users make all objects but the ones that say how the cluster is validated, which are an admin's to make. */
#include "vault/object/import.h"
#include "vault/object/reply.h"
#include "vault/object/validation.h"
#include "vault/operation/operation.h"

static void release_key(void *key)
{
    key_free(key);
}

/* Whose it is to make. What a crypto user may not say, the schema knows by its rows. */
static enum err check_maker(struct work *w, const Hsm__Template *template)
{
    struct diag why = {0};
    struct object given;
    enum err e;

    if (work_login(w)->role != ROLE_ADMIN)
        return ERR_OK;
    object_init(&given, reply_memory(w));
    e = work_explain(w, schema_take(template, &given, &why), &why);
    if (e == ERR_OK && validation_is(&given))
        return validation_room(w);
    if (e == ERR_OK)
        work_detail(w, "an admin makes validation objects and no others");
    return e == ERR_OK ? ERR_PERMISSION : e;
}

enum err op_create_decide(struct work *w)
{
    const Hsm__Create *create = work_request(w)->create;
    struct key *kept = work_kept(w), *checked = kept; /* checked in an earlier call */
    struct diag why = {0};
    struct object o;
    enum err e = check_maker(w, create->template_);

    if (e == ERR_OK && import_is_dear(create->template_, reply_memory(w)))
        e = kept == NULL && import_is_lengthy(create->template_, reply_memory(w)) ? work_lengthy(w) : work_dear(w);
    if (e != ERR_OK)
        return e;
    object_init(&o, reply_memory(w));
    e = import_object(work_vault(w)->libctx, create->template_, work_login(w)->role == ROLE_ADMIN, &checked, &o, &why);
    if (checked != kept)
        work_keep(w, checked, release_key);
    return e == ERR_OK ? reply_made(w, &o) : work_explain(w, e, &why);
}

enum err op_create_answer(struct work *w)
{
    return reply_made_answer(w);
}
