/* Users and clients of a fake cluster: what the tests of access control have in common. Users that world_add makes have a cheap hash, so
 * that hundreds of logins take seconds. */
#ifndef CLUSTERHSM_TESTS_UNIT_ACCESS_WORLD_H
#define CLUSTERHSM_TESTS_UNIT_ACCESS_WORLD_H

#include <openssl/x509.h>

#include "tests/unit/fake_work.h"
#include "vault/access/access.h"
#include "vault/access/login.h"

enum { WORLD_CLIENTS = 8, WORLD_RSA = 6, WORLD_STRANGER = 7, WORLD_NO_CERTIFICATE = 100, WORLD_BYTES = 2048 };

struct access_world {
    struct fake fake;
    struct world_client {
        EVP_PKEY *key;
        uint8_t der[WORLD_BYTES];
        size_t n;
    } clients[WORLD_CLIENTS]; /* under the first anchor, but the stranger */
    struct world_client anchors[2];

    /* How the next request is made. */
    unsigned client, signer;
    bool other_hash;           /* signatures and MACs are over mac_hash, not the channel's */
    uint8_t mac_hash[32];
    const uint8_t *request_id; /* NULL: a fresh one */

    /* What the last answers held. */
    char listed[4096];
    size_t n_listed;
    uint64_t next_after_id;
    uint8_t ticket[WORLD_BYTES], k[32];
    size_t ticket_n;
};

void world_init(struct access_world *x);
void world_clear(struct access_world *x);

/* A fresh channel with one of the vaults. */
struct fake_channel world_channel(struct access_world *x, unsigned vault);

/* Activates the cluster; the channel is logged in as admin, whose password is "password". */
struct fake_channel world_admin(struct access_world *x);

/* A user with a cheap hash; his id. */
uint64_t world_add(struct access_world *x, const char *name, enum role role, const char *password);

/* Gives a user that there is a cheap hash. */
void world_make_cheap(struct access_world *x, const char *name, const char *password);

/* Which of the two anchors are registered. */
void world_anchors(struct access_world *x, bool first, bool second);

/* Requests under way. */
struct work *world_begin_login(struct access_world *x, struct fake_channel *c, const char *name, const char *password, bool admin);
struct work *world_begin_activate(struct access_world *x, struct fake_channel *c, const char *password);
struct work *world_begin_create(struct access_world *x, struct fake_channel *c, const char *name, const char *role, const char *password);
struct work *world_begin_delete(struct access_world *x, struct fake_channel *c, const char *name);
struct work *world_begin_change(struct access_world *x, struct fake_channel *c, const char *name, const char *old, const char *new_one);

/* Ends a work that is at its end: keeps a ticket from its reply. */
enum err world_end(struct access_world *x, struct work *w);

/* From begin to end. */
enum err world_login(struct access_world *x, struct fake_channel *c, const char *name, const char *password, bool admin);
enum err world_resume(struct access_world *x, struct fake_channel *c);
enum err world_activate(struct access_world *x, struct fake_channel *c, const char *password);
enum err world_create(struct access_world *x, struct fake_channel *c, const char *name, const char *role, const char *password);
enum err world_delete(struct access_world *x, struct fake_channel *c, const char *name);
enum err world_change(struct access_world *x, struct fake_channel *c, const char *name, const char *old, const char *new_one);
enum err world_list(struct access_world *x, struct fake_channel *c, uint64_t after);
enum err world_grant(struct access_world *x, struct fake_channel *c, size_t fingerprint_bytes);
enum err world_sign(struct access_world *x, struct fake_channel *c); /* a crypto user's request that does nothing */

#endif
