/* The connections of one process: which nodes there are, which connection a call takes, and the login that each of them resumes.
 * See rpc.h for threads; the pool's own lock is never held across the network. */
#ifndef CLUSTERHSM_MODULE_RPC_POOL_H
#define CLUSTERHSM_MODULE_RPC_POOL_H

#include "module/rpc/connection.h"
#include "module/rpc/rpc.h"

struct pool;

/* One place for a connection. `login` is the login's generation that the channel has resumed; who has borrowed it may read
 * it and, under slot_login_lock, write it. */
struct slot;

enum err pool_new(const struct rpc_config *config, struct pool **out);
void pool_free(struct pool *p);
void pool_after_fork(struct pool *p);

/* A connection that works, dialled if need be, by the deadline (clock_boot_ms). Give it back with pool_give_back. */
enum err pool_borrow(struct pool *p, uint64_t deadline_ms, struct slot **out, struct diag *why);

/* Why the newest dialling that failed did: which address, what, what to do. Untouched where none has. */
void pool_last_failure(struct pool *p, struct diag *why);

/* `avoid`: its node should not be asked again for a while (it was lost, or may not serve). */
void pool_give_back(struct pool *p, struct slot *s, bool avoid);

/* No call that begins later uses a connection of now: their channels know a login that is over. Waits for nothing. */
void pool_drop_all(struct pool *p);

struct connection *slot_connection(struct slot *s);
unsigned slot_login(const struct slot *s);
void slot_set_login(struct slot *s, unsigned generation);
void slot_login_lock(struct slot *s);
void slot_login_unlock(struct slot *s);

#endif
