/* What an initialized module holds: made by C_Initialize, passed down to everything, gone with the last call after C_Finalize. */
#ifndef CLUSTERHSM_MODULE_STATE_MODULE_H
#define CLUSTERHSM_MODULE_STATE_MODULE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "module/rpc/client.h"
#include "module/state/builtin.h"
#include "module/state/objects.h"
#include "module/state/saved.h"
#include "module/state/session.h"
#include "proto/alias.h"

struct module {
    OSSL_LIB_CTX *libctx; /* borrowed: it outlives every module */
    struct client *client;
    struct rpc *rpc;      /* the client's */
    struct sessions sessions;
    struct objects objects;
    struct saved saved;
    struct builtin builtin;
    struct aliases aliases; /* constant */
    _Atomic uint32_t policy; /* module/state/policy.h: as the last reply said, 0: none has */
    pthread_mutex_t login_turn; /* one login, logout or change of a password at a time; held while it waits for the cluster */
};

/* Takes the client over. NULL: no memory; the client is still the caller's then. */
struct module *module_new(OSSL_LIB_CTX *libctx, struct client *client);

/* Frees all but the client, which is the caller's again. No call may be under way; the login is forgotten. */
struct client *module_free(struct module *m);

/* In a child, before any other call: locks are made anew, the parent's connections closed without a word, what other threads had begun is
 * forgotten. Sessions, objects and the login are there as they were. */
void module_after_fork(struct module *m);

/* From this process' own generator; false: it failed. */
bool module_random(struct module *m, void *out, size_t n);

/* Mixes what a program gives into this thread's generator. False: it failed. */
bool module_seed(struct module *m, const void *seed, size_t n);

/* As it was after C_Initialize: no sessions, no login, no session objects. No call may be under way. */
void module_reset(struct module *m);

#endif
