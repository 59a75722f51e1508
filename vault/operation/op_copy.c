/* C_CopyObject. Of a token key there is no session copy with secrets of its own (vault/object/named.h); a copy in the token has its own. */
#include "proto/attribute.h"
#include "vault/object/named.h"
#include "vault/object/reply.h"
#include "vault/object/schema.h"
#include "vault/operation/operation.h"

/* Turns what was opened into the copy. */
static enum err make_copy(struct work *w, struct named *n)
{
    struct schema s = {.libctx = work_vault(w)->libctx, .way = SCHEMA_COPY};
    struct diag why = {0};
    enum err e = schema_change(&s, work_request(w)->copy->template_, &n->object, &why);
    bool secret = (s.class_bit & (CLASS_PRIVATE | CLASS_SECRET)) != 0;

    if (e != ERR_OK && why.what[0] != '\0')
        work_detail(w, "%s", why.what);
    if (object_bool(&n->object, CKA_TOKEN) || !secret)
        n->object.reference = 0;
    else if (n->id != 0)
        n->object.reference = n->id;
    return e;
}

enum err op_copy_decide(struct work *w)
{
    Hsm__ObjectsReply *reply;
    struct named n;
    uint64_t id;
    enum err e = named_open(w, work_request(w)->copy->object, &n);

    /* A private key that is seen is the user's own: nobody else's is shown. */
    if (e == ERR_OK)
        e = make_copy(w, &n);
    if (e != ERR_OK)
        return e;
    if (object_bool(&n.object, CKA_TOKEN)) {
        e = reply_store(w, &n.object, &id);
        return e == ERR_OK ? reply_ids_put(w, &id, 1) : e;
    }
    e = reply_objects(w, 1, &reply);
    return e == ERR_OK ? reply_add_session(w, reply, &n.object) : e;
}

enum err op_copy_answer(struct work *w)
{
    return op_create_answer(w);
}
