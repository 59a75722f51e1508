#include "vault/access/access.h"

#include <string.h>

#include "proto/record_id.h"
#include "vault/access/body.h"
#include "vault/access/client.h"
#include "vault/access/users.h"
#include "vault/keyring.h"

/* A record that is behind the login is one of a node that is behind: the client's next node will know. */
static enum err check_user(const struct login *login, const Hsm__UserBody *user)
{
    if (user->password_epoch < login->password_epoch)
        return ERR_TRY_ANOTHER;
    return user->password_epoch == login->password_epoch && role_of(user->role) == login->role ? ERR_OK : ERR_TICKET;
}

/* What the cluster record says: is the anchor there, and is this role served? */
static enum err check_by_cluster(struct work *w, struct login *login)
{
    struct vault *v = work_vault(w);
    const struct cluster_view *view = keyring_view(v->keyring);
    enum err e = ERR_OK;

    if (view == NULL || view->body == NULL)
        e = ERR_NOT_ACTIVE;
    else if (view->body->wiping && login->role != ROLE_ADMIN)
        e = ERR_TICKET;
    else if (view->body->trust_epoch != login->trust_epoch && !client_anchor_known(v, view->body, login->anchor))
        e = view->body->trust_epoch < login->trust_epoch ? ERR_TRY_ANOTHER : ERR_TICKET;
    else
        login->trust_epoch = view->body->trust_epoch; /* found: not looked for again until the next comes or goes */
    keyring_view_done(v->keyring, view);
    return e;
}

bool access_is_closed(struct work *w)
{
    struct keyring *keyring = work_vault(w)->keyring;
    const struct cluster_view *view = keyring_view(keyring);
    bool closed = view != NULL && view->body != NULL && view->body->wiping;

    keyring_view_done(keyring, view);
    return closed;
}

enum err login_check(struct work *w, struct login *login)
{
    const Hsm__UserBody *user = NULL;
    uint64_t version;
    enum err e = user_read(w, login->user_id, &user, &version);

    if (e == ERR_NOT_FOUND)
        return ERR_TICKET;
    if (e == ERR_OK)
        e = check_user(login, user);
    return e == ERR_OK ? check_by_cluster(w, login) : e;
}

static bool before_activation(const struct request *row)
{
    return row->number == REQUEST_status || row->number == REQUEST_activate || row->number == REQUEST_generate_random;
}

static bool begins_login(const struct request *row)
{
    return row->number == REQUEST_login || row->number == REQUEST_resume;
}

/* The cluster's state, as of the version that a change then requires. */
static enum err check_cluster(struct work *w)
{
    struct keyring *keyring = work_vault(w)->keyring;
    const struct cluster_view *view = keyring_view(keyring);
    const struct request *row = work_row(w);
    bool active = view != NULL && view->body != NULL && view->body->activated;
    uint64_t version = view != NULL ? view->version : 0;

    keyring_view_done(keyring, view);
    if (!active && !before_activation(row))
        return ERR_NOT_ACTIVE;
    return row->effect == EFFECT_CHANGE && version != 0 ? work_require(w, CLUSTER_RECORD_ID, version) : ERR_OK;
}

static enum err check_role(enum request_roles roles, const struct login *login)
{
    static const enum role needed[] = {[ROLES_CU] = ROLE_CRYPTO_USER, [ROLES_ADMIN] = ROLE_ADMIN};

    if (roles == ROLES_ANYONE)
        return ERR_OK;
    if (login->user_id == 0)
        return ERR_NOT_LOGGED_IN;
    return roles == ROLES_LOGGED_IN || needed[roles] == login->role ? ERR_OK : ERR_PERMISSION;
}

enum err access_check(struct work *w)
{
    const struct request *row = work_row(w);
    struct login *login = work_login(w);
    enum err e = check_cluster(w);

    if (e != ERR_OK || row->effect == EFFECT_LOCAL)
        return e != ERR_OK ? e : check_role(row->roles, login);
    if (login->user_id != 0)
        e = login_check(w, login);
    if (e == ERR_TICKET && row->roles == ROLES_ANYONE) {
        memset(login, 0, sizeof *login);
        if (begins_login(row))
            e = ERR_OK; /* what is over is not in the way of what comes */
    }
    return e == ERR_OK ? check_role(row->roles, login) : e;
}
