/* A wipe as its client asks for it, request by request, until there is no more. For the module and hsmctl, which ask in ways of their own:
 *
 *   wipe_call_begin(&w, version);
 *   do
 *       e = ask(&w.request, &reply);
 *   while (wipe_call_goes_on(&w, e, reply));
 */
#ifndef CLUSTERHSM_MODULE_RPC_WIPE_CALL_H
#define CLUSTERHSM_MODULE_RPC_WIPE_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/error.h"
#include "proto/request.pb-c.h"

enum { WIPE_CALL_MISSES_MAX = 2 }; /* in a row; each has been tried as long as any call is */

/* Stays where it is: the request points into it. */
struct wipe_call {
    Hsm__Request request;
    Hsm__Wipe wipe;
    uint64_t objects, users; /* that are known to have gone by it; less than all where an answer was lost */
    unsigned misses;
};

/* version: of the cluster, as the vault has told it (StatusReply). Until a first answer is there each request names it: so none
 * begins a wipe of another cluster than was looked at, and where one is going on it goes on with that. */
void wipe_call_begin(struct wipe_call *w, uint64_t version);

/* Takes an answer. False: that was all, done or failed. That nobody can tell what came of the request, or that others were
 * faster again and again, is no failure yet: the same is asked once more, under an id of its own, WIPE_CALL_MISSES_MAX times.
 * reply: looked at for ERR_OK. */
bool wipe_call_goes_on(struct wipe_call *w, enum err e, const Hsm__Reply *reply);

#endif
