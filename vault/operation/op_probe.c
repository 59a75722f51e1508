/* Is the login still good? access_check has answered by the time that this is called. */
#include "vault/operation/operation.h"

static Hsm__Empty nothing = HSM__EMPTY__INIT;

enum err op_probe_decide(struct work *w)
{
    Hsm__Reply *reply = work_reply(w);

    reply->of_case = HSM__REPLY__OF_EMPTY;
    reply->empty = &nothing;
    return ERR_OK;
}
