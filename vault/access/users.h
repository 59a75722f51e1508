/* The list of users (UsersBody) and a user's own record, read and changed through a work.
 *
 * Who makes or removes a user changes the list too, under compare-and-set: so a name is one user's, and there is always an admin. */
#ifndef CLUSTERHSM_VAULT_ACCESS_USERS_H
#define CLUSTERHSM_VAULT_ACCESS_USERS_H

#include "vault/access/password.h"
#include "vault/work.h"

/* As in requests, replies and records. */
const char *role_name(enum role role);
enum role role_of(const char *name); /* ROLE_NONE: there is no such role */

/* The list, in the work's memory. */
struct users {
    const Hsm__UsersBody *body;
    uint64_t id, version;
};

/* ERR_NEED; ERR_NOT_ACTIVE. */
enum err users_read(struct work *w, struct users *out);

/* Its record's id and version without reading it. */
enum err users_id(struct work *w, uint64_t *id);

/* `name` as name_form gives it. NULL: there is none. */
const Hsm__UserEntry *users_find(const struct users *u, const char *name);

/* Is this the only admin? */
bool users_last_admin(const struct users *u, const Hsm__UserEntry *entry);

/* Puts the list with one user more. users: version 0: the first list. */
enum err users_put_with(struct work *w, const struct users *u, const Hsm__UserEntry *more);

/* Users go: the list without them, and their records. Who still owns an object stays, and the others with him, as apply refuses all of it
 * then (ERR_USER_OWNS_KEYS). ERR_NEED, ERR_CORRUPT, ERR_LIMIT. */
enum err users_erase(struct work *w, const struct users *u, const Hsm__UserEntry *const *gone, size_t n);

/* A new user: record, counter and a place in the list. ERR_PENDING: ids are being leased; what users_put_with returns. */
struct new_user {
    const char *name; /* by name_form */
    enum role role;
    struct password_hash *hash;
};
enum err users_add(struct work *w, const struct users *u, const struct new_user *n, uint64_t *user_id);

/* The user's record. ERR_NEED, ERR_NOT_FOUND, ERR_CORRUPT. */
enum err user_read(struct work *w, uint64_t id, const Hsm__UserBody **body, uint64_t *version);

/* The name of the user who asks; access_check has read the record. */
enum err user_own_name(struct work *w, const char **name);

/* Puts the user's record anew with another password: every ticket ends. */
enum err user_put_password(struct work *w, uint64_t id, const Hsm__UserBody *body, uint64_t version, struct password_hash *hash);

#endif
