/* Login: who the client is, whose password it is, and a ticket for what follows.
 *
 * A wrong name, a wrong password and a wrong role are one error, at one cost; a certificate that does not hold is another, and says why.
 * The answer is made from the command's verdict, so that a repeated request is answered alike and not counted again; but who the client is
 * is found out on each channel anew. */
#include <string.h>

#include "vault/access/access.h"
#include "vault/access/client.h"
#include "vault/access/password_try.h"
#include "vault/access/ticket.h"
#include "vault/access/verdict.h"
#include "vault/operation/operation.h"

enum err op_login_decide(struct work *w)
{
    const Hsm__Login *login = work_request(w)->login;
    struct client client;
    struct password_try try = {.name = login->name,
                               .password = login->password.data,
                               .password_bytes = login->password.len,
                               .client = client.hash,
                               .role = login->admin ? ROLE_ADMIN : ROLE_CRYPTO_USER};
    enum err e = client_check(w, login, &client);

    if (e == ERR_OK && !login->admin && access_is_closed(w)) {
        work_detail(w, "the cluster is being wiped, and crypto users are not served: an admin ends that (hsmctl cluster wipe "
                       "--yes) or calls it off (--never)");
        e = ERR_WRONG_STATE;
    }
    return e == ERR_OK ? password_verdict(w, &try) : e;
}

enum err op_login_answer(struct work *w)
{
    struct client client;
    struct verdict verdict;
    struct login login = {0};
    enum err e = client_check(w, work_request(w)->login, &client);

    if (e == ERR_OK)
        e = verdict_get(w, &verdict);
    if (e != ERR_OK)
        return e;
    if (!verdict.right)
        return ERR_PIN_INCORRECT;
    login.user_id = verdict.user_id;
    login.role = verdict.role;
    login.password_epoch = verdict.password_epoch;
    login.trust_epoch = client.trust_epoch;
    memcpy(login.client, client.hash, sizeof login.client);
    memcpy(login.anchor, client.anchor, sizeof login.anchor);
    e = ticket_reply(w, &login);
    if (e == ERR_OK)
        *work_login(w) = login;
    return e;
}
