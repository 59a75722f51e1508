/* A new password: one's own, against the old one, or any user's by an admin, which also unlocks.
 *
 * The old password is a try like a login's and counted like one, or a session left open would be a place to guess at leisure. Every
 * ticket of the user ends, this one too; who changed his own gets a fresh one with the answer. */
#include <string.h>

#include "vault/access/body.h"
#include "vault/access/password_try.h"
#include "vault/access/ticket.h"
#include "vault/access/verdict.h"
#include "vault/operation/operation.h"

static enum err change_own(struct work *w, const Hsm__ChangePassword *request, const char *name)
{
    const struct login *login = work_login(w);
    struct verdict verdict = {0};
    struct password_hash *hash = NULL;
    struct subject s;
    struct password_try try = {.name = name,
                               .password = request->old_password.data,
                               .password_bytes = request->old_password.len,
                               .client = login->client,
                               .role = login->role};
    enum err e = password_try(w, &try, &s, &verdict.right);

    if (e == ERR_OK && verdict.right)
        e = password_make(w, request->new_password.data, request->new_password.len, &hash);
    if (e != ERR_OK)
        return e;
    if (!verdict.right)
        e = password_settle(w, &try, &s, false);
    else if ((e = password_forgive(w, &s)) == ERR_OK)
        e = user_put_password(w, s.entry->id, s.user, s.user_version, hash);
    if (e != ERR_OK)
        return e;
    if (verdict.right) {
        verdict.user_id = s.entry->id;
        verdict.role = login->role;
        verdict.password_epoch = s.user->password_epoch + 1;
    }
    return verdict_put(w, &verdict);
}

static enum err change_of(struct work *w, const Hsm__ChangePassword *request)
{
    struct verdict verdict = {.right = true}; /* of an admin over another: there was nothing to try */
    struct password_hash *hash = NULL;
    struct subject s;
    enum err e = subject_find(w, request->name, &s);

    if (e == ERR_OK && s.entry == NULL)
        e = ERR_USER_UNKNOWN;
    if (e == ERR_OK)
        e = password_make(w, request->new_password.data, request->new_password.len, &hash);
    if (e == ERR_OK)
        e = password_forgive(w, &s);
    if (e == ERR_OK)
        e = user_put_password(w, s.entry->id, s.user, s.user_version, hash);
    return e == ERR_OK ? verdict_put(w, &verdict) : e;
}

/* An admin who names himself changes his own. */
static bool is_own(const Hsm__ChangePassword *request, const char *own)
{
    char form[USER_NAME_BYTES_MAX + 1];

    return request->name[0] == '\0' || (name_form(request->name, form) == ERR_OK && strcmp(form, own) == 0);
}

enum err op_change_password_decide(struct work *w)
{
    const Hsm__ChangePassword *request = work_request(w)->change_password;
    const char *own = NULL;
    enum err e = password_form(request->new_password.len);

    if (e == ERR_OK)
        e = user_own_name(w, &own);
    if (e != ERR_OK)
        return e;
    if (is_own(request, own) && request->old_password.len == 0) { /* nobody's: not worth a try */
        work_detail(w, "your own password is changed against the old one: give both, and no name");
        return ERR_ARGUMENTS;
    }
    if (is_own(request, own))
        return change_own(w, request, own);
    return work_login(w)->role == ROLE_ADMIN ? change_of(w, request) : ERR_PERMISSION;
}

enum err op_change_password_answer(struct work *w)
{
    struct login login = *work_login(w);
    struct verdict verdict;
    enum err e = verdict_get(w, &verdict);

    if (e != ERR_OK)
        return e;
    if (!verdict.right)
        return ERR_PIN_INCORRECT;
    if (verdict.user_id == 0)
        return reply_empty(w);
    if (verdict.user_id != login.user_id)
        return ERR_FORGED;
    login.password_epoch = verdict.password_epoch;
    return ticket_reply(w, &login);
}
