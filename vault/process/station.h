/* One vault thread: a pair to the front with an engine behind it.
 *
 *   poll: the pair, jobs that come back from the pool, the process's end
 *     -> jobs done: their answers
 *     -> what is in the pair: each whole message to the engine, whose answers collect
 *     -> all answers in one write
 * A pair that is closed, or carries what is no message, ends the process: its front is gone, or is none. */
#ifndef CLUSTERHSM_VAULT_PROCESS_STATION_H
#define CLUSTERHSM_VAULT_PROCESS_STATION_H

#include <stdbool.h>

#include "common/diag.h"
#include "vault/engine.h"
#include "vault/process/pool.h"

/* The process's end, asked for by any thread: `fd` is readable from then on. */
struct ending {
    int fd; /* eventfd */
};

bool ending_init(struct ending *e);
void ending_clear(struct ending *e);
void ending_ask(const struct ending *e);

struct station;

struct station_setup {
    int fd;                       /* the pair; borrowed */
    struct vault *vault;
    const struct engine_parts *parts;
    struct pool *pool;            /* NULL: dear work is done at once */
    const struct ending *ending;
};

/* NULL and why. Before the sandbox: it opens a descriptor. */
struct station *station_new(const struct station_setup *setup, struct diag *why);

/* The station's thread is gone, and no job of it runs. */
void station_free(struct station *s);

/* The thread's life, until the ending, which it asks for itself where its pair is closed. False: it was not closed but broken. */
bool station_run(struct station *s);

/* A job is back from the pool. Any thread. */
void station_job_done(struct station *s, struct engine_job *job);

#endif
