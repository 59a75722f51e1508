/* hsmctl cluster wipe: a cluster that was activated as one that may be wiped loses its crypto users and all that is theirs, or the leave to
 * be wiped. The cluster does it part by part; this asks until there is no more. */
#include <inttypes.h>
#include <stdio.h>

#include "module/rpc/wipe_call.h"
#include "tools/hsmctl.h"

static const char not_wiped[] = "the cluster was not wiped to the end", nothing_wiped[] = "nothing was wiped";

/* The cluster as it is now: no other is wiped. A node of an older version says nothing of it. */
static enum status look(const struct invocation *call, struct remote *r, uint64_t *version)
{
    Hsm__Reply *reply = NULL;
    struct diag why = {0};
    enum status s = remote_status(call, r, nothing_wiped, &reply);

    if (s != STATUS_DONE)
        return s;
    *version = reply->status->cluster_version;
    rpc_reply_free(reply);
    return *version != 0 ? STATUS_DONE : complain_err(call, nothing_wiped, ERR_VERSION, &why);
}

static enum status wipe(const struct invocation *call, struct remote *r, struct wipe_call *w)
{
    struct diag why = {0};
    bool more = true;
    enum err e = ERR_OK;

    while (more) {
        Hsm__Reply *reply = NULL;
        char text[80];

        snprintf(text, sizeof text, "wiping: %" PRIu64 " objects, %" PRIu64 " users", w->objects, w->users);
        progress(call, text);
        why = (struct diag){0};
        e = remote_try(call, r, &w->request, HSM__REPLY__OF_WIPE, &reply, &why);
        more = wipe_call_goes_on(w, e, reply);
        rpc_reply_free(reply);
    }
    if (e == ERR_OK)
        return STATUS_DONE;
    if (e == ERR_WRONG_STATE)
        diag_remedy(&why, "\"hsmctl cluster status\" says whether it may be wiped; where not, users delete their objects (such as with "
                          "pkcs11-tool --delete-object), and an admin the users (\"hsmctl user delete\")");
    return complain_err(call, e == ERR_WRONG_STATE && w->objects + w->users == 0 ? nothing_wiped : not_wiped, e, &why);
}

static enum status wipe_all(const struct invocation *call)
{
    uint64_t version = 0;
    struct wipe_call w;
    struct remote r;
    struct output *o;
    enum status s = remote_open(call, &r);

    if (s == STATUS_DONE)
        s = look(call, &r, &version);
    if (s == STATUS_DONE)
        s = remote_login(call, &r, true, "admin");
    wipe_call_begin(&w, version);
    if (s == STATUS_DONE)
        s = wipe(call, &r, &w);
    remote_close(&r);
    if (s != STATUS_DONE)
        return s;
    o = output_new();
    output_number(o, "objects", w.objects);
    output_number(o, "users", w.users);
    output_text(o, "next", "make users (\"hsmctl user create\", or C_InitPIN as SO)");
    return answer(call, o);
}

static enum status forbid(const struct invocation *call)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__WipeForbid never = HSM__WIPE_FORBID__INIT;
    Hsm__Reply *reply = NULL;
    struct output *o;
    enum status s;

    request.of_case = HSM__REQUEST__OF_WIPE_FORBID;
    request.wipe_forbid = &never;
    s = remote_as_admin(call, "the cluster may still be wiped", &request, HSM__REPLY__OF_EMPTY, &reply);
    if (s != STATUS_DONE)
        return s;
    rpc_reply_free(reply);
    o = output_new();
    output_flag(o, "wipeable", false);
    return answer(call, o);
}

enum status cluster_wipe(const struct invocation *call)
{
    bool yes = call->options[OPTION_yes] != NULL, never = call->options[OPTION_never] != NULL;
    struct diag why = {0};

    if (yes != never)
        return never ? forbid(call) : wipe_all(call);
    diag_set(&why, yes ? "--yes and --never contradict each other" : "this destroys all users' keys and cannot be undone");
    diag_remedy(&why, "say --yes if that is meant; or --never, and nobody can any more");
    return complain(call, STATUS_USAGE, nothing_wiped, &why);
}
