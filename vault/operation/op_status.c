/* What the front says of the node and its cluster, told under the channel's seal. The front's word, not the vault's; but for the
 * policy, and whether the cluster may be wiped. */
#include "vault/keyring.h"
#include "vault/operation/operation.h"

#include <stdlib.h>
#include <string.h>

#include "vault/work_state.h"

/* The unpacked message belongs to the work, as its reply does. */
static void release(void *status)
{
    hsm__status_reply__free_unpacked(status, NULL);
}

static void say_of_wiping(struct work *w, Hsm__StatusReply *status)
{
    struct keyring *keyring = work_vault(w)->keyring;
    const struct cluster_view *view = keyring_view(keyring);
    bool known = view != NULL && view->body != NULL;

    status->wipeable = known && view->body->wipeable;
    status->wiping = known && view->body->wiping;
    status->cluster_version = known ? view->version : 0;
    keyring_view_done(keyring, view);
}

enum err op_status_decide(struct work *w)
{
    const struct buffer *told = work_status(w);
    Hsm__StatusReply *status;

    if (told->len == 0)
        return ERR_TRY_ANOTHER;
    status = hsm__status_reply__unpack(NULL, told->len, told->data);
    if (status == NULL)
        return ERR_MALFORMED;
    work_keep(w, status, release);
    say_of_wiping(w, status);
    if (status->policy != (const char *)protobuf_c_empty_string)
        free(status->policy);
    if ((status->policy = strdup(policy_name(work_policy(w)))) == NULL)
        return ERR_NO_MEMORY;
    work_reply(w)->of_case = HSM__REPLY__OF_STATUS;
    work_reply(w)->status = status;
    return ERR_OK;
}
