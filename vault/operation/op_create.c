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
    Hsm__ObjectsReply *reply;
    struct diag why = {0};
    struct object o;
    uint64_t id;
    enum err e;

    object_init(&o, reply_memory(w));
    e = import_object(work_vault(w)->libctx, create->template_, &checked, &o, &why);
    if (checked != kept)
        work_keep(w, checked, release_key);
    if (e != ERR_OK) {
        if (why.what[0] != '\0')
            work_detail(w, "%s", why.what);
        return e;
    }
    if (object_bool(&o, CKA_TOKEN)) {
        e = reply_store(w, &o, &id);
        return e == ERR_OK ? reply_ids_put(w, &id, 1) : e;
    }
    e = reply_objects(w, 1, &reply);
    return e == ERR_OK ? reply_add_session(w, reply, &o) : e;
}

enum err op_create_answer(struct work *w)
{
    Hsm__ObjectsReply *reply;
    uint64_t id = 0;
    size_t n = 0;
    enum err e = reply_ids_get(w, &id, 1, &n);

    if (e == ERR_OK)
        e = reply_objects(w, 1, &reply);
    return e == ERR_OK ? reply_add_made(w, reply, id) : e;
}
