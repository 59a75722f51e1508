/* hsmctl user: who may log in. */
#include <string.h>

#include "proto/limits.h"
#include "tools/hsmctl.h"

static enum status as_admin(const struct invocation *call, const char *doing, const Hsm__Request *request)
{
    Hsm__Reply *reply = NULL;
    enum status s = remote_as_admin(call, doing, request, HSM__REPLY__OF_EMPTY, &reply);

    if (s == STATUS_DONE)
        rpc_reply_free(reply);
    return s;
}

static bool is_role(const char *role, struct diag *why)
{
    if (strcmp(role, "crypto-user") == 0 || strcmp(role, "admin") == 0)
        return true;
    diag_set(why, "\"%.30s\" is no role", role);
    diag_remedy(why, "give --role crypto-user or --role admin");
    return false;
}

/* As users are known by it (vault/access/password.h), and as the list shows it. */
static void output_name(struct output *o, const char *key, const char *name)
{
    char known[USER_NAME_BYTES_MAX + 1];
    size_t n = 0;

    for (; name[n] != '\0' && n < USER_NAME_BYTES_MAX; n++)
        known[n] = name[n] >= 'A' && name[n] <= 'Z' ? (char)(name[n] - 'A' + 'a') : name[n];
    known[n] = '\0';
    output_text(o, key, known);
}

enum status user_create(const struct invocation *call)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__UserCreate create = HSM__USER_CREATE__INIT;
    const char *role = option_or(call, OPTION_role, "crypto-user");
    struct secret password = {0};
    struct diag why = {0};
    struct output *o;
    enum status s;

    if (!is_role(role, &why))
        return complain(call, STATUS_USAGE, "the user was not made", &why);
    s = new_password_of(call, call->arguments[0], &password);
    if (s != STATUS_DONE)
        return s;
    request.of_case = HSM__REQUEST__OF_USER_CREATE;
    request.user_create = &create;
    create.name = (char *)(uintptr_t)call->arguments[0]; /* these are only read */
    create.role = (char *)(uintptr_t)role;
    create.password = (ProtobufCBinaryData){.data = password.bytes, .len = password.len};
    s = as_admin(call, "the user was not made", &request);
    secret_clear(&password);
    if (s != STATUS_DONE)
        return s;
    o = output_new();
    output_name(o, "made", call->arguments[0]);
    output_text(o, "role", role);
    return answer(call, o);
}

enum status user_delete(const struct invocation *call)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__UserDelete delete = HSM__USER_DELETE__INIT;
    struct output *o;
    enum status s;

    request.of_case = HSM__REQUEST__OF_USER_DELETE;
    request.user_delete = &delete;
    delete.name = (char *)(uintptr_t)call->arguments[0];
    s = as_admin(call, "the user was not deleted", &request);
    if (s != STATUS_DONE)
        return s;
    o = output_new();
    output_name(o, "deleted", call->arguments[0]);
    return answer(call, o);
}

/* One's own needs the old password twice: to log in, and in the request, so that whoever finds an open login cannot take it over. It is
 * asked for once and sent twice. */
static enum status change_own(const struct invocation *call, struct remote *r, Hsm__Request *request)
{
    const char *fallback = client_settings(r->client)->login_user;
    const char *user = option_or(call, OPTION_user, fallback[0] != '\0' ? fallback : "admin");
    const char *role = option_or(call, OPTION_role, strcmp(user, "admin") == 0 ? "admin" : "crypto-user");
    struct secret old = {0};
    struct diag detail = {0};
    Hsm__Reply *reply = NULL;
    enum status s = password_of(call, user, &old);
    enum err e;

    if (s != STATUS_DONE)
        return s;
    e = remote_try_login(call, r, user, &old, strcmp(role, "admin") == 0, &detail);
    if (e != ERR_OK) {
        s = complain_login(call, user, strcmp(role, "admin") == 0, e, &detail);
    } else {
        request->change_password->old_password = (ProtobufCBinaryData){.data = old.bytes, .len = old.len};
        s = remote_call(call, r, "the password was not changed", request, HSM__REPLY__OF_LOGIN, &reply);
    }
    /* A fresh login came back, for who stays: its secret is not ours to leave behind. */
    if (reply != NULL)
        bytes_wipe(reply->login->secret.data, reply->login->secret.len);
    rpc_reply_free(reply);
    secret_clear(&old);
    return s;
}

enum status user_change_password(const struct invocation *call)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__ChangePassword change = HSM__CHANGE_PASSWORD__INIT;
    const char *name = call->n_arguments > 0 ? call->arguments[0] : NULL;
    struct secret password = {0};
    struct remote r = {0};
    struct diag why = {0};
    struct output *o;
    enum status s;

    if (!is_role(option_or(call, OPTION_role, "admin"), &why))
        return complain(call, STATUS_USAGE, "the password was not changed", &why);
    s = new_password_of(call, name != NULL ? name : "yours", &password);
    request.of_case = HSM__REQUEST__OF_CHANGE_PASSWORD;
    request.change_password = &change;
    change.new_password = (ProtobufCBinaryData){.data = password.bytes, .len = password.len};
    if (s == STATUS_DONE && name != NULL) {
        change.name = (char *)(uintptr_t)name;
        s = as_admin(call, "the password was not changed", &request);
    } else if (s == STATUS_DONE) {
        s = remote_open(call, &r);
        if (s == STATUS_DONE)
            s = change_own(call, &r, &request);
        remote_close(&r);
    }
    secret_clear(&password);
    if (s != STATUS_DONE)
        return s;
    o = output_new();
    output_name(o, "changed", name != NULL ? name : option_or(call, OPTION_user, "your password"));
    output_text(o, "next", "logins with the old password have ended, on all nodes");
    return answer(call, o);
}

static void list_users(struct output *o, const Hsm__UsersReply *users)
{
    for (size_t i = 0; i < users->n_users; i++) {
        output_row(o);
        output_text(o, "name", users->users[i]->name);
        output_text(o, "role", users->users[i]->role);
        output_flag(o, "locked", users->users[i]->locked);
        output_number(o, "id", users->users[i]->id);
    }
}

enum status user_list(const struct invocation *call)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__UserList list = HSM__USER_LIST__INIT;
    struct output *o = output_new();
    struct remote r;
    enum status s = remote_open(call, &r);

    request.of_case = HSM__REQUEST__OF_USER_LIST;
    request.user_list = &list;
    output_table(o, "users");
    for (bool more = true; s == STATUS_DONE && more;) {
        Hsm__Reply *reply = NULL;

        s = remote_call(call, &r, "cannot list the users", &request, HSM__REPLY__OF_USERS, &reply);
        if (s != STATUS_DONE)
            break;
        list_users(o, reply->users);
        /* A cursor that does not move would have us ask for ever. */
        more = reply->users->next_after_id > list.after_id;
        list.after_id = reply->users->next_after_id;
        rpc_reply_free(reply);
    }
    remote_close(&r);
    if (s != STATUS_DONE) {
        output_free(o);
        return s;
    }
    output_table_end(o);
    return answer(call, o);
}
