/* Wrong passwords of one user, and logins that are under way: the rules, on a plain value. Reading and writing the record, scrypt and Raft
 * are elsewhere (vault/access/password_try.h).
 *
 * A login first reserves an attempt, then computes scrypt, then settles it. Failures and open reservations together never exceed
 * LOGIN_TRIES_MAX of one client certificate and LOGIN_TRIES_USER_MAX in all, so that many nodes, or many guesses at once, give no more
 * tries than one after another would. Where the room is taken by open reservations a login waits (ERR_BUSY): a hundred processes with the
 * right password do not lock themselves out. Where it is taken by failures, new logins are locked (ERR_PIN_LOCKED).
 *
 * A reservation that nobody settles, because its node died, becomes a failure LOGIN_RESERVATION_MS later. Time is the leader's, as the
 * vaults know it from stamps. Stamps of different leaders may lie far apart; either way is "too long ago", so that no clock keeps a
 * reservation open for ever.
 *
 * Three kinds of name:
 *   USER        as above
 *   LAST_ADMIN  who could unlock them? Beyond the limits a client still has one try each LOGIN_SLOW_MS
 *   BUCKET      names that do not exist share a record; `client` is of name and certificate together. There is no limit in all, or one
 *               made-up name would lock others. */
#ifndef CLUSTERHSM_VAULT_ACCESS_ATTEMPTS_H
#define CLUSTERHSM_VAULT_ACCESS_ATTEMPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "proto/error.h"
#include "proto/limits.h"

enum { ATTEMPTS_CLIENT_BYTES = 32, ATTEMPTS_ID_BYTES = 16 };

struct attempts {
    uint64_t user_id;
    uint32_t failures; /* in all; those of rows that made room for others stay in it */
    size_t n;
    struct attempts_row {
        uint8_t client[ATTEMPTS_CLIENT_BYTES];
        uint32_t failures;
        uint64_t last_failure_ms;
        size_t n_open;
        struct attempts_open {
            uint8_t id[ATTEMPTS_ID_BYTES];
            uint64_t time_ms;
        } open[LOGIN_TRIES_MAX];
    } rows[LOGIN_CLIENTS_MAX]; /* none without a failure or an open reservation */
};

enum attempts_kind { ATTEMPTS_USER, ATTEMPTS_LAST_ADMIN, ATTEMPTS_BUCKET };

/* A login that is under way. */
struct attempt {
    enum attempts_kind kind;
    const uint8_t *client;
    const uint8_t *id;
    uint64_t now_ms; /* by the leader's clock */
};

/* Is this attempt's reservation there? */
bool attempts_has(const struct attempts *a, const struct attempt *t);

/* Before the leader's time is asked for: ERR_PIN_LOCKED: locked by failures. ERR_BUSY: full of reservations none of which looks old by our
 * own clock. ERR_OK: ask, then attempts_reserve. */
enum err attempts_glance(const struct attempts *a, const struct attempt *t, uint64_t own_now_ms);

/* Turns what is too old into failures, then reserves. ERR_BUSY, ERR_PIN_LOCKED: *a is in no defined state. */
enum err attempts_reserve(struct attempts *a, const struct attempt *t);

/* Takes the reservation back and counts: a right password forgets the client's failures, a wrong one is one more. Where the
 * reservation is gone it has been counted as a failure already, and is not counted again. */
void attempts_settle(struct attempts *a, const struct attempt *t, bool right);

/* Would some client's next login be refused? For lists. */
bool attempts_locked(const struct attempts *a, enum attempts_kind kind);

/* The record's body. ERR_CORRUPT; ERR_NO_MEMORY, the buffer is as before. */
enum err attempts_read(const uint8_t *packed, size_t n, struct attempts *out);
enum err attempts_write(const struct attempts *a, struct buffer *out);

#endif
