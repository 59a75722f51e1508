#include "vault/access/users.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>

#include "vault/access/body.h"
#include "vault/keyring.h"

static const char *const role_names[] = {[ROLE_ADMIN] = "admin", [ROLE_CRYPTO_USER] = "crypto-user"};

const char *role_name(enum role role)
{
    return role_names[role];
}

enum role role_of(const char *name)
{
    for (int role = ROLE_ADMIN; role <= ROLE_CRYPTO_USER; role++)
        if (strcmp(name, role_names[role]) == 0)
            return (enum role)role;
    return ROLE_NONE;
}

/* ---- the list ----------------------------------------------------------------------------------------------- */

enum err users_id(struct work *w, uint64_t *id)
{
    struct keyring *keyring = work_vault(w)->keyring;
    const struct cluster_view *view = keyring_view(keyring);
    uint64_t found = view != NULL && view->body != NULL && view->body->activated ? view->body->users : 0;

    keyring_view_done(keyring, view);
    if (found == 0)
        return ERR_NOT_ACTIVE;
    *id = found;
    return ERR_OK;
}

enum err users_read(struct work *w, struct users *out)
{
    const struct opened_record *r = NULL;
    ProtobufCMessage *body = NULL;
    uint64_t id = 0;
    enum err e = users_id(w, &id);

    if (e == ERR_OK)
        e = work_record(w, id, HSM__RECORD_KIND__RECORD_USERS, &r);
    if (e == ERR_NOT_FOUND)
        e = ERR_CORRUPT; /* the cluster record names it, and it is never erased */
    if (e == ERR_OK)
        e = body_read(w, r, &hsm__users_body__descriptor, &body);
    if (e == ERR_OK)
        *out = (struct users){.body = (const Hsm__UsersBody *)body, .id = id, .version = r->header->version};
    return e;
}

const Hsm__UserEntry *users_find(const struct users *u, const char *name)
{
    for (size_t i = 0; i < u->body->n_users; i++)
        if (strcmp(u->body->users[i]->name, name) == 0)
            return u->body->users[i];
    return NULL;
}

bool users_last_admin(const struct users *u, const Hsm__UserEntry *entry)
{
    size_t admins = 0;

    for (size_t i = 0; i < u->body->n_users; i++)
        admins += u->body->users[i]->admin != 0;
    return entry->admin && admins == 1;
}

static enum err put_list(struct work *w, const struct users *u, Hsm__UserEntry **list, size_t n)
{
    Hsm__UsersBody body = HSM__USERS_BODY__INIT;

    body.users = list;
    body.n_users = n;
    return body_put(w, u->id, HSM__RECORD_KIND__RECORD_USERS, u->version + 1, &body.base);
}

enum err users_put_with(struct work *w, const struct users *u, const Hsm__UserEntry *more)
{
    size_t n = u->body != NULL ? u->body->n_users : 0, at = 0;
    Hsm__UserEntry **list = work_memory(w, (n + 1) * sizeof *list);

    if (n >= USERS_MAX) {
        work_detail(w, "there are %u users already: delete some first", USERS_MAX);
        return ERR_LIMIT;
    }
    if (list == NULL)
        return ERR_NO_MEMORY;
    while (at < n && u->body->users[at]->id < more->id) {
        list[at] = u->body->users[at];
        at++;
    }
    list[at] = (Hsm__UserEntry *)(uintptr_t)more; /* only packed */
    for (size_t i = at; i < n; i++)
        list[i + 1] = u->body->users[i];
    return put_list(w, u, list, n + 1);
}

static bool is_among(const Hsm__UserEntry *const *list, size_t n, const Hsm__UserEntry *entry)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == entry)
            return true;
    return false;
}

static enum err put_without(struct work *w, const struct users *u, const Hsm__UserEntry *const *gone, size_t n_gone)
{
    Hsm__UserEntry **list = work_memory(w, u->body->n_users * sizeof *list);
    size_t n = 0;

    if (list == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < u->body->n_users; i++)
        if (!is_among(gone, n_gone, u->body->users[i]))
            list[n++] = u->body->users[i];
    return put_list(w, u, list, n);
}

static enum err erase(struct work *w, uint64_t id, Hsm__RecordKind kind)
{
    const struct opened_record *r;
    enum err e = work_record(w, id, kind, &r);

    return e == ERR_OK ? work_erase(w, id, r->header->version) : e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
}

enum err users_erase(struct work *w, const struct users *u, const Hsm__UserEntry *const *gone, size_t n)
{
    enum err e = ERR_OK, all = ERR_OK;

    for (size_t i = 0; i < n && (e == ERR_OK || e == ERR_NEED); i++)
        if ((e = work_want(w, (uint64_t[]){gone[i]->id, gone[i]->attempts}, 2)) != ERR_OK)
            all = e;
    if (all == ERR_OK)
        all = put_without(w, u, gone, n);
    for (size_t i = 0; i < n && all == ERR_OK; i++) {
        all = erase(w, gone[i]->id, HSM__RECORD_KIND__RECORD_USER);
        if (all == ERR_OK)
            all = erase(w, gone[i]->attempts, HSM__RECORD_KIND__RECORD_ATTEMPTS);
    }
    return all;
}

/* ---- one user ----------------------------------------------------------------------------------------------- */

/* Fresh ids come by the front's hands. The cluster would refuse one that is used, but the record would be sealed by then, and our own front
 * could show it to us in the place of the other user's. */
static bool is_taken(const struct users *u, uint64_t id)
{
    for (size_t i = 0; u->body != NULL && i < u->body->n_users; i++)
        if (u->body->users[i]->id == id || u->body->users[i]->attempts == id)
            return true;
    return id == u->id;
}

/* No two users' epochs begin alike, so that a ticket holds for this very record, and for no other that was sealed under its id. */
static enum err first_epoch(struct work *w, uint64_t *epoch)
{
    uint8_t bytes[8];

    if (RAND_bytes_ex(work_vault(w)->libctx, bytes, sizeof bytes, 0) != 1) {
        ERR_clear_error();
        return ERR_BUG;
    }
    memcpy(epoch, bytes, sizeof bytes);
    *epoch = *epoch >> 2 | 1; /* far from the end of the numbers, and not 0 */
    return ERR_OK;
}

enum err users_add(struct work *w, const struct users *u, const struct new_user *n, uint64_t *user_id)
{
    Hsm__UserEntry entry = HSM__USER_ENTRY__INIT;
    Hsm__UserBody user = HSM__USER_BODY__INIT;
    Hsm__AttemptsBody attempts = HSM__ATTEMPTS_BODY__INIT;
    enum err e = work_new_id(w, &entry.id);

    if (e == ERR_OK)
        e = work_new_id(w, &entry.attempts);
    if (e == ERR_OK && (is_taken(u, entry.id) || is_taken(u, entry.attempts)))
        e = ERR_FORGED;
    if (e == ERR_OK)
        e = first_epoch(w, &user.password_epoch);
    if (e != ERR_OK)
        return e;
    entry.name = user.name = (char *)(uintptr_t)n->name;
    entry.admin = n->role == ROLE_ADMIN;
    user.role = (char *)(uintptr_t)role_name(n->role);
    password_to_body(n->hash, &user);
    attempts.user_id = entry.id;
    e = users_put_with(w, u, &entry);
    if (e == ERR_OK)
        e = body_put(w, entry.id, HSM__RECORD_KIND__RECORD_USER, 1, &user.base);
    if (e == ERR_OK)
        e = body_put(w, entry.attempts, HSM__RECORD_KIND__RECORD_ATTEMPTS, 1, &attempts.base);
    if (e == ERR_OK)
        *user_id = entry.id;
    return e;
}

enum err user_read(struct work *w, uint64_t id, const Hsm__UserBody **body, uint64_t *version)
{
    const struct opened_record *r = NULL;
    ProtobufCMessage *m = NULL;
    enum err e = work_record(w, id, HSM__RECORD_KIND__RECORD_USER, &r);

    if (e == ERR_OK)
        e = body_read(w, r, &hsm__user_body__descriptor, &m);
    if (e != ERR_OK)
        return e;
    *body = (const Hsm__UserBody *)m;
    *version = r->header->version;
    return ERR_OK;
}

enum err user_own_name(struct work *w, const char **name)
{
    const Hsm__UserBody *user = NULL;
    uint64_t version;
    enum err e = user_read(w, work_login(w)->user_id, &user, &version);

    if (e == ERR_OK)
        *name = user->name;
    return e;
}

enum err user_put_password(struct work *w, uint64_t id, const Hsm__UserBody *body, uint64_t version, struct password_hash *hash)
{
    Hsm__UserBody changed = *body;

    changed.password_epoch++;
    password_to_body(hash, &changed);
    return body_put(w, id, HSM__RECORD_KIND__RECORD_USER, version + 1, &changed.base);
}
