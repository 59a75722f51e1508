#include "vault/access/access.h"
#include "vault/access/body.h"
#include "vault/access/password_try.h"
#include "vault/access/users.h"
#include "vault/operation/operation.h"

static enum err check_form(struct work *w, const Hsm__UserCreate *request, char *name)
{
    enum err e = name_form(request->name, name);

    if (e != ERR_OK) {
        work_detail(w, "a name has 1 to %u letters, digits and underscores", USER_NAME_BYTES_MAX);
        return e;
    }
    if (role_of(request->role) == ROLE_NONE) {
        work_detail(w, "the role is \"%s\" or \"%s\"", role_name(ROLE_ADMIN), role_name(ROLE_CRYPTO_USER));
        return ERR_ARGUMENTS;
    }
    e = password_form(request->password.len);
    if (e != ERR_OK)
        work_detail(w, "a password has %u to %u bytes", PASSWORD_BYTES_MIN, PASSWORD_BYTES_MAX);
    return e;
}

enum err op_user_create_decide(struct work *w)
{
    const Hsm__UserCreate *request = work_request(w)->user_create;
    char name[USER_NAME_BYTES_MAX + 1];
    struct new_user user = {.name = name, .role = role_of(request->role)};
    struct users users;
    uint64_t id;
    enum err e = check_form(w, request, name);

    if (e == ERR_OK && user.role == ROLE_CRYPTO_USER && access_is_closed(w)) {
        work_detail(w, "the cluster is being wiped, and this user would go too: first end that (hsmctl cluster wipe --yes) or, if it was a "
                       "mistake, call it off for good (hsmctl cluster wipe --never)");
        e = ERR_WRONG_STATE;
    }
    if (e == ERR_OK)
        e = users_read(w, &users);
    if (e == ERR_OK && users_find(&users, name) != NULL) {
        work_detail(w, "there is a user \"%s\" already", name);
        e = ERR_USER_EXISTS;
    }
    if (e == ERR_OK)
        e = password_make(w, request->password.data, request->password.len, &user.hash);
    return e == ERR_OK ? users_add(w, &users, &user, &id) : e;
}

enum err op_user_create_answer(struct work *w)
{
    return reply_empty(w);
}
