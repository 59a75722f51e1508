#include "proto/limits.h"
#include "vault/object/reply.h"
#include "vault/operation/operation.h"

enum err op_get_decide(struct work *w)
{
    const Hsm__Get *get = work_request(w)->get;
    Hsm__ObjectsReply *reply;
    enum err e;

    if (get->n_ids > FIND_IDS_MAX) {
        work_detail(w, "%zu objects are asked for; the limit is %u", get->n_ids, FIND_IDS_MAX);
        return ERR_LIMIT;
    }
    if ((e = work_want(w, get->ids, get->n_ids)) != ERR_OK || (e = reply_objects(w, get->n_ids, &reply)) != ERR_OK)
        return e;
    for (size_t i = 0; i < get->n_ids; i++) {
        const struct opened_record *record;
        struct object o;
        e = reply_find(w, get->ids[i], &record, &o);
        if (e == ERR_OK)
            e = reply_add(reply, &o, get->ids[i], record->header->version);
        if (e == ERR_TOO_LARGE) { /* the rest in another request */
            reply->next_after_id = get->ids[i - 1];
            return ERR_OK;
        }
        if (e != ERR_OK && e != ERR_NOT_FOUND)
            return e;
    }
    return ERR_OK;
}
