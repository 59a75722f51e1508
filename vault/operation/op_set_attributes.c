/* C_SetAttributeValue: the owner's, and what an admin may say of another's object (CKA_TRUSTED), whom nothing is shown of it. */
#include "proto/attribute.h"
#include "vault/object/key_cache.h"
#include "vault/object/named.h"
#include "vault/object/reply.h"
#include "vault/object/schema.h"
#include "vault/object/validation.h"
#include "vault/operation/operation.h"

/* An admin uses no keys and owns none: what he says is what only he may say. */
static enum err check_admin(struct work *w, const Hsm__Template *template)
{
    for (size_t i = 0; template != NULL && i < template->n_attributes; i++) {
        const struct attribute *row = attribute_find(template->attributes[i]->type);
        if (row != NULL && (row->flags & ATTRIBUTE_ADMIN) == 0) {
            work_detail(w, "%s is not an admin's to change", row->name);
            return ERR_ATTRIBUTE_READ_ONLY;
        }
    }
    return ERR_OK;
}

static enum err open_object(struct work *w, bool by_admin, struct named *n)
{
    const Hsm__SetAttributes *call = work_request(w)->set_attributes;
    enum err e = by_admin ? named_open_any(w, call->object, n) : named_open(w, call->object, n);

    if (e == ERR_OK && by_admin)
        return check_admin(w, call->template_);
    if (e == ERR_OK && validation_is(&n->object)) /* nobody's, and never changed: schema_change says so */
        return ERR_OK;
    /* Another's public object can be seen, but for who wants to change it it is not there. */
    return e == ERR_OK && n->id != 0 && n->record->header->owner != work_login(w)->user_id ? ERR_OBJECT_HANDLE : e;
}

enum err op_set_attributes_decide(struct work *w)
{
    bool by_admin = work_login(w)->role == ROLE_ADMIN;
    struct schema s = {.libctx = work_vault(w)->libctx, .way = SCHEMA_SET, .by_admin = by_admin};
    Hsm__ObjectsReply *reply;
    struct diag why = {0};
    struct named n;
    enum err e = open_object(w, by_admin, &n);

    if (e == ERR_OK)
        e = work_explain(w, schema_change(&s, work_request(w)->set_attributes->template_, &n.object, &why), &why);
    if (e != ERR_OK)
        return e;
    if (n.id != 0) {
        e = reply_store_changed(w, &n.object, n.record);
        return e == ERR_OK ? reply_ids_put(w, &n.id, 1) : e;
    }
    e = reply_objects(w, 1, &reply);
    return e == ERR_OK ? reply_add_session(w, reply, &n.object) : e;
}

enum err op_set_attributes_answer(struct work *w)
{
    const Hsm__KeyRef *object = work_request(w)->set_attributes->object;

    if (object != NULL)
        key_cache_forget(work_vault(w)->key_cache, object->id);
    return reply_made_answer(w);
}
