#include "vault/object/import.h"
#include "vault/object/reply.h"
#include "vault/operation/operation.h"

static void release_key(void *key)
{
    key_free(key);
}

enum err op_create_decide(struct work *w)
{
    const Hsm__Create *create = work_request(w)->create;
    struct key *kept = work_kept(w), *checked = kept; /* checked in an earlier call */
    struct diag why = {0};
    struct object o;
    enum err e = import_is_dear(create->template_, reply_memory(w)) ? work_dear(w) : ERR_OK;

    if (e != ERR_OK)
        return e;
    object_init(&o, reply_memory(w));
    e = import_object(work_vault(w)->libctx, create->template_, &checked, &o, &why);
    if (checked != kept)
        work_keep(w, checked, release_key);
    return e == ERR_OK ? reply_made(w, &o) : work_explain(w, e, &why);
}

enum err op_create_answer(struct work *w)
{
    return reply_made_answer(w);
}
