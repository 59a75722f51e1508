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

    if (object_bool(&n->object, CKA_TOKEN) || !secret)
        n->object.reference = 0;
    else if (n->id != 0)
        n->object.reference = n->id;
    return work_explain(w, e, &why);
}

enum err op_copy_decide(struct work *w)
{
    struct named n;
    enum err e = named_open(w, work_request(w)->copy->object, &n);

    /* A private key that is seen is the user's own: nobody else's is shown. */
    if (e == ERR_OK)
        e = make_copy(w, &n);
    return e == ERR_OK ? reply_made(w, &n.object) : e;
}

enum err op_copy_answer(struct work *w)
{
    return reply_made_answer(w);
}
