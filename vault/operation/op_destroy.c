/* C_DestroyObject: the owner's, and of validation objects, which are nobody's, an admin's. */
#include "vault/access/body.h"
#include "vault/object/key_cache.h"
#include "vault/object/reply.h"
#include "vault/object/validation.h"
#include "vault/operation/operation.h"

static enum err check_user(struct work *w, const struct opened_record *record, const struct object *o)
{
    bool admin = work_login(w)->role == ROLE_ADMIN;

    if (validation_is(o)) {
        if (!admin)
            work_detail(w, "a validation object is an admin's to remove");
        return admin ? ERR_OK : ERR_ACTION_PROHIBITED;
    }
    if (admin) {
        work_detail(w, "an admin removes validation objects and no others");
        return ERR_PERMISSION;
    }
    /* Another's public object can be seen, but for who wants to destroy it it is not there. */
    return record->header->owner == work_login(w)->user_id ? ERR_OK : ERR_OBJECT_HANDLE;
}

enum err op_destroy_decide(struct work *w)
{
    uint64_t id = work_request(w)->destroy->id;
    const struct opened_record *record;
    struct object o;
    enum err e = reply_find(w, id, &record, &o);

    if (e == ERR_NOT_FOUND)
        return ERR_OBJECT_HANDLE;
    if (e == ERR_OK)
        e = check_user(w, record, &o);
    if (e != ERR_OK)
        return e;
    if (!object_bool(&o, CKA_DESTROYABLE)) {
        work_detail(w, "the object's CKA_DESTROYABLE is false");
        return ERR_ACTION_PROHIBITED;
    }
    return work_erase(w, id, record->header->version);
}

enum err op_destroy_answer(struct work *w)
{
    key_cache_forget(work_vault(w)->key_cache, work_request(w)->destroy->id);
    return reply_empty(w);
}
