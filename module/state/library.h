/* The module in its process: initialized or not, and what a fork makes of it.
 *
 *   down ──C_Initialize──► up ──C_Finalize──► down
 *                          │
 *                        fork: in the child, inherited
 *                          ├──any call──► up, with sessions and login (fork.mode strict: CKR_CRYPTOKI_NOT_INITIALIZED)
 *                          ├──C_Initialize──► up, fresh
 *                          └──C_Finalize──► down
 *
 * A call holds the module while it runs, so that C_Finalize need not wait for it: the last one out frees it. A child is noticed by a
 * handler of pthread_atfork and, where a process was made without those, by its number. */
#ifndef CLUSTERHSM_MODULE_STATE_LIBRARY_H
#define CLUSTERHSM_MODULE_STATE_LIBRARY_H

#include "module/state/module.h"

/* C_Initialize: arguments as the standard has them (locks of the application's are never used: ours are the system's whatever the flags
 * say); pReserved may be the path of the configuration. CKR_CRYPTOKI_ALREADY_INITIALIZED, CKR_ARGUMENTS_BAD, CKR_HOST_MEMORY;
 * CKR_FUNCTION_FAILED: the configuration is missing or wrong, and the log or the system's log says what and where. */
CK_RV library_initialize(const CK_C_INITIALIZE_ARGS *args);

/* C_Finalize. Never waits for the network. */
CK_RV library_finalize(void);

/* CKR_CRYPTOKI_NOT_INITIALIZED. Give the module back with library_leave. */
CK_RV library_enter(struct module **out);
void library_leave(struct module *m);

/* Until C_Finalize takes the module, which the caller holds, away. */
void library_wait(const struct module *m);

/* How C_Initialize comes to its client, in place of client_open: for a program that links the module's parts and has its own way to the
 * nodes. Before the first C_Initialize. */
typedef bool library_open_fn(void *arg, const char *path, OSSL_LIB_CTX *libctx, struct client **out, struct diag *why);
void library_use(library_open_fn *open, void *arg);

#endif
