/* One try of a user's password, as login and change_password make it: counted by the cluster before scrypt says anything.
 *
 *   read       the list of users, the user, the counter (vault/access/attempts.h); or a bucket in place of one who does not exist
 *   time       the leader's, as the vault remembers it from the last stamp; else a step that changes nothing and brings one
 *   reserve    locked, or full: ERR_PIN_LOCKED, ERR_BUSY. Else a step that puts the counter with this request's reservation; another who
 *              was first: from the beginning
 *   judge      scrypt, once: the verdict is kept over conflicts, unless the user's record has changed
 *   settle     the counter again, as part of the request's own command. Here a work does not give up soon: its client would wait with
 *              the reservation open, and a hundred who do so are slower than their reservations last
 * A client that asks again with the same request id, at whichever vault, finds its reservation there and goes on at `judge`; where the
 * command itself was done it gets its verdict (vault/access/verdict.h). So it is counted once.
 *
 * A name that does not exist takes the same road, with the same number of records, steps and scrypt runs. */
#ifndef CLUSTERHSM_VAULT_ACCESS_PASSWORD_TRY_H
#define CLUSTERHSM_VAULT_ACCESS_PASSWORD_TRY_H

#include "vault/access/attempts.h"
#include "vault/access/users.h"

struct password_try {
    const char *name; /* as the client gave it */
    const uint8_t *password;
    size_t password_bytes;
    const uint8_t *client; /* SHA-256 of the client certificate */
    enum role role;        /* that the user must have; a wrong one is a wrong password */
};

/* Whose password it is, in the work's memory. */
struct subject {
    struct users users;
    const Hsm__UserEntry *entry; /* NULL: nobody's */
    const Hsm__UserBody *user;   /* NULL: the same */
    uint64_t user_version;
    struct attempts *attempts;
    uint64_t attempts_id, attempts_version; /* version 0: a bucket that is not there yet */
    uint8_t name_token[INDEX_TOKEN_BYTES];
    enum attempts_kind kind;
};

/* By name, in whatever form. ERR_NEED, ERR_NOT_ACTIVE, ERR_CORRUPT, ERR_NO_MEMORY. */
enum err subject_find(struct work *w, const char *name, struct subject *out);

/* ERR_OK: *right is known; now the caller collects either password_settle or password_forgive. ERR_NEED, ERR_PENDING; ERR_BUSY: the same
 * again, later; ERR_PIN_LOCKED. */
enum err password_try(struct work *w, const struct password_try *t, struct subject *s, bool *right);

/* Collects the counter with this try settled. */
enum err password_settle(struct work *w, const struct password_try *t, struct subject *s, bool right);

/* Both, and the verdict (vault/access/verdict.h) as the command's result: for a request that is about the password alone. */
enum err password_verdict(struct work *w, const struct password_try *t);

/* Collects the counter with nothing in it: the password is another one now. */
enum err password_forgive(struct work *w, struct subject *s);

/* The hash of a new password, made once a request. Borrowed. */
enum err password_make(struct work *w, const uint8_t *password, size_t n, struct password_hash **out);

#endif
