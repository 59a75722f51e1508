/* Who owns keys stays, which apply sees to; so do the last admin and whoever asks. */
#include "vault/access/body.h"
#include "vault/access/users.h"
#include "vault/operation/operation.h"

static enum err find(struct work *w, const char *given, const struct users *users, const Hsm__UserEntry **entry)
{
    char name[USER_NAME_BYTES_MAX + 1];

    *entry = name_form(given, name) == ERR_OK ? users_find(users, name) : NULL;
    if (*entry == NULL)
        return ERR_USER_UNKNOWN;
    if (users_last_admin(users, *entry))
        return ERR_LAST_ADMIN;
    if ((*entry)->id == work_login(w)->user_id) {
        work_detail(w, "nobody deletes himself: another admin can");
        return ERR_PERMISSION;
    }
    return ERR_OK;
}

static enum err erase(struct work *w, uint64_t id, Hsm__RecordKind kind)
{
    const struct opened_record *r;
    enum err e = work_record(w, id, kind, &r);

    return e == ERR_OK ? work_erase(w, id, r->header->version) : e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
}

enum err op_user_delete_decide(struct work *w)
{
    const Hsm__UserEntry *entry = NULL;
    struct users users;
    enum err e = users_read(w, &users);

    if (e == ERR_OK)
        e = find(w, work_request(w)->user_delete->name, &users, &entry);
    if (e == ERR_OK)
        e = work_want(w, (uint64_t[]){entry->id, entry->attempts}, 2);
    if (e == ERR_OK)
        e = users_put_without(w, &users, entry);
    if (e == ERR_OK)
        e = erase(w, entry->id, HSM__RECORD_KIND__RECORD_USER);
    return e == ERR_OK ? erase(w, entry->attempts, HSM__RECORD_KIND__RECORD_ATTEMPTS) : e;
}

enum err op_user_delete_answer(struct work *w)
{
    return reply_empty(w);
}
