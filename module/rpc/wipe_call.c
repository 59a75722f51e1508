#include "module/rpc/wipe_call.h"

void wipe_call_begin(struct wipe_call *w, uint64_t version)
{
    *w = (struct wipe_call){.request = HSM__REQUEST__INIT, .wipe = HSM__WIPE__INIT};
    w->request.of_case = HSM__REQUEST__OF_WIPE;
    w->request.wipe = &w->wipe;
    w->wipe.version = version;
}

static bool may_ask_again(enum err e)
{
    return e == ERR_CONFLICT || e == ERR_UNKNOWN_OUTCOME || e == ERR_BORN_TOO_OLD;
}

bool wipe_call_goes_on(struct wipe_call *w, enum err e, const Hsm__Reply *reply)
{
    if (e != ERR_OK)
        return may_ask_again(e) && ++w->misses <= WIPE_CALL_MISSES_MAX;
    w->misses = 0;
    w->wipe.version = 0;
    w->objects += reply->wipe->objects;
    w->users += reply->wipe->users;
    return reply->wipe->more;
}
