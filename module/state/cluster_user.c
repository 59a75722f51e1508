#include "module/state/cluster_user.h"

#include "module/rpc/wipe_call.h"
#include "module/state/cluster_ask.h"

enum err cluster_change_password(struct module *m, const char *name, struct bytes old, struct bytes new)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__ChangePassword change = HSM__CHANGE_PASSWORD__INIT;
    bool own = name == NULL;
    Hsm__Reply *reply = NULL;
    enum err e;

    request.of_case = HSM__REQUEST__OF_CHANGE_PASSWORD;
    request.change_password = &change;
    if (!own)
        change.name = (char *)(uintptr_t)name;
    change.old_password = cluster_bytes(old.bytes, old.n);
    change.new_password = cluster_bytes(new.bytes, new.n);
    e = cluster_ask_once(m, &request, own ? HSM__REPLY__OF_LOGIN : HSM__REPLY__OF_EMPTY, &reply);
    if (e == ERR_OK && own) {
        e = rpc_take_login(m->rpc, reply->login);
        bytes_wipe(reply->login->secret.data, reply->login->secret.len);
    }
    rpc_reply_free(reply);
    return e;
}

/* Of a request that is answered by nothing but that it is done. */
static enum err ask_done(struct module *m, const Hsm__Request *request)
{
    Hsm__Reply *reply = NULL;
    enum err e = cluster_ask_once(m, request, HSM__REPLY__OF_EMPTY, &reply);

    rpc_reply_free(reply);
    return e;
}

enum err cluster_user_create(struct module *m, const char *name, struct bytes password)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__UserCreate create = HSM__USER_CREATE__INIT;

    request.of_case = HSM__REQUEST__OF_USER_CREATE;
    request.user_create = &create;
    create.name = (char *)(uintptr_t)name;
    create.role = (char *)(uintptr_t)"crypto-user";
    create.password = cluster_bytes(password.bytes, password.n);
    return ask_done(m, &request);
}

enum err cluster_check_password(struct module *m, const struct secret *password)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Authorized authorized = HSM__AUTHORIZED__INIT;

    cluster_authorize(&request, &authorized, password);
    return cluster_ask_done(m, &request, NULL, 0);
}

enum err cluster_activate(struct module *m, struct bytes password)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Activate activate = HSM__ACTIVATE__INIT;

    request.of_case = HSM__REQUEST__OF_ACTIVATE;
    request.activate = &activate;
    activate.password = cluster_bytes(password.bytes, password.n);
    return ask_done(m, &request);
}

enum err cluster_is_wipeable(struct module *m, bool *wipeable, uint64_t *version)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Status status = HSM__STATUS__INIT;
    Hsm__Reply *reply = NULL;
    enum err e;

    request.of_case = HSM__REQUEST__OF_STATUS;
    request.status = &status;
    e = cluster_ask_once(m, &request, HSM__REPLY__OF_STATUS, &reply);
    if (e == ERR_OK) {
        *wipeable = reply->status->wipeable;
        *version = reply->status->cluster_version;
    }
    rpc_reply_free(reply);
    return e;
}

enum err cluster_wipe(struct module *m, uint64_t version)
{
    struct wipe_call w;
    bool more = true;
    enum err e = ERR_OK;

    wipe_call_begin(&w, version);
    while (more) {
        Hsm__Reply *reply = NULL;
        e = cluster_ask_once(m, &w.request, HSM__REPLY__OF_WIPE, &reply);
        more = wipe_call_goes_on(&w, e, reply);
        rpc_reply_free(reply);
    }
    return e;
}
