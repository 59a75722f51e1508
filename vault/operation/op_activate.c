/* The first admin: once, while the cluster is initialized and not active. The command puts the cluster record with the list of users, the
 * list and the user, so of two who activate at once the second is told that it is active. */
#include "vault/access/body.h"
#include "vault/access/password_try.h"
#include "vault/access/users.h"
#include "vault/node/cluster_body.h"
#include "vault/operation/operation.h"

static enum err read_cluster(struct work *w, Hsm__ClusterBody **body, uint64_t *version)
{
    enum err e = cluster_body_read(w, body, version);

    if (e == ERR_NOT_FOUND) {
        work_detail(w, "the cluster is not initialized yet: run hsmctl cluster initialize on its first node");
        return ERR_WRONG_STATE;
    }
    return e == ERR_OK && (*body)->activated ? ERR_ALREADY_ACTIVE : e;
}

enum err op_activate_decide(struct work *w)
{
    const Hsm__Activate *request = work_request(w)->activate;
    struct new_user admin = {.name = "admin", .role = ROLE_ADMIN};
    Hsm__ClusterBody *body = NULL;
    struct users users = {0};
    uint64_t version = 0, id;
    enum err e = read_cluster(w, &body, &version);

    if (e == ERR_OK && (e = password_form(request->password.len)) != ERR_OK)
        work_detail(w, "a password has %u to %u bytes", PASSWORD_BYTES_MIN, PASSWORD_BYTES_MAX);
    if (e == ERR_OK)
        e = work_new_id(w, &users.id);
    if (e == ERR_OK)
        e = password_make(w, request->password.data, request->password.len, &admin.hash);
    if (e == ERR_OK)
        e = users_add(w, &users, &admin, &id);
    if (e != ERR_OK)
        return e;
    body->activated = true;
    body->wipeable = request->wipeable;
    body->users = users.id;
    return cluster_body_put(w, body, version);
}

enum err op_activate_answer(struct work *w)
{
    return reply_empty(w);
}
