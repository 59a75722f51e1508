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

enum err op_user_delete_decide(struct work *w)
{
    const Hsm__UserEntry *entry = NULL;
    struct users users;
    enum err e = users_read(w, &users);

    if (e == ERR_OK)
        e = find(w, work_request(w)->user_delete->name, &users, &entry);
    return e == ERR_OK ? users_erase(w, &users, &entry, 1) : e;
}

enum err op_user_delete_answer(struct work *w)
{
    return reply_empty(w);
}
