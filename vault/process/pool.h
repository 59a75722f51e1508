/* The threads for dear work: key generation, passwords, large RSA keys. They run at a lower priority, so that a signature that is cheap
 * never waits for a processor that makes a key. Of lengthy jobs one runs at a time, whatever is free: so whoever logs in does not wait
 * for one, where there are two workers or more.
 *
 * A job belongs to the station whose engine has made it, and comes back to it. */
#ifndef CLUSTERHSM_VAULT_PROCESS_POOL_H
#define CLUSTERHSM_VAULT_PROCESS_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "vault/engine.h"

struct pool;
struct station;

/* Room for `jobs_max` that wait. NULL: no memory. */
struct pool *pool_new(size_t jobs_max);

/* All threads that worked in it are gone. Jobs that still waited are dropped. */
void pool_free(struct pool *p);

/* Any thread. The pool is never full: it has room for all works of all stations. */
void pool_put(struct pool *p, struct station *from, struct engine_job *job);

/* A worker's life: until pool_stop. */
void pool_work(struct pool *p);

/* Workers end after the job that they have. */
void pool_stop(struct pool *p);

#endif
