/* hsmctl cluster wipe: a cluster that was activated as one that may be wiped loses its crypto users and all that is theirs, or the leave to
 * be wiped. The cluster does it part by part; this asks until there is no more. */
#include <inttypes.h>
#include <stdio.h>

#include "tools/hsmctl.h"

struct wiped {
    uint64_t objects, users;
};

static enum status wipe_all(const struct invocation *call, struct remote *r, struct wiped *wiped)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Wipe wipe = HSM__WIPE__INIT;
    bool more = true;
    enum status s = STATUS_DONE;

    request.of_case = HSM__REQUEST__OF_WIPE;
    request.wipe = &wipe;
    while (s == STATUS_DONE && more) {
        Hsm__Reply *reply = NULL;
        char text[80];

        snprintf(text, sizeof text, "wiping: %" PRIu64 " objects, %" PRIu64 " users", wiped->objects, wiped->users);
        progress(call, text);
        s = remote_call(call, r, "the cluster was not wiped to the end", &request, HSM__REPLY__OF_WIPE, &reply);
        if (s != STATUS_DONE)
            return s;
        more = reply->wipe->more;
        wiped->objects += reply->wipe->objects;
        wiped->users += reply->wipe->users;
        rpc_reply_free(reply);
    }
    return s;
}

static enum status forbid(const struct invocation *call, struct remote *r)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__WipeForbid never = HSM__WIPE_FORBID__INIT;
    Hsm__Reply *reply = NULL;
    enum status s;

    request.of_case = HSM__REQUEST__OF_WIPE_FORBID;
    request.wipe_forbid = &never;
    s = remote_call(call, r, "the cluster may still be wiped", &request, HSM__REPLY__OF_EMPTY, &reply);
    rpc_reply_free(reply);
    return s;
}

enum status cluster_wipe(const struct invocation *call)
{
    bool yes = call->options[OPTION_yes] != NULL, never = call->options[OPTION_never] != NULL;
    struct wiped wiped = {0};
    struct diag why = {0};
    struct remote r;
    struct output *o;
    enum status s;

    if (yes == never) {
        diag_set(&why, "this destroys all users' keys and cannot be undone");
        diag_remedy(&why, "say --yes if that is meant; or --never, and nobody can any more");
        return complain(call, STATUS_USAGE, "nothing was wiped", &why);
    }
    s = remote_open(call, &r);
    if (s == STATUS_DONE)
        s = remote_login(call, &r, true, "admin");
    if (s == STATUS_DONE)
        s = never ? forbid(call, &r) : wipe_all(call, &r, &wiped);
    remote_close(&r);
    if (s != STATUS_DONE)
        return s;
    o = output_new();
    if (never) {
        output_flag(o, "wipeable", false);
    } else {
        output_number(o, "objects", wiped.objects);
        output_number(o, "users", wiped.users);
        output_text(o, "next", "make users (\"hsmctl user create\", or C_InitPIN as SO)");
    }
    return answer(call, o);
}
