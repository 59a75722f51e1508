/* Goes on with an earlier login on this channel. Whatever is wrong with ticket, MAC or user: log in again. */
#include "common/secret.h"
#include "vault/access/access.h"
#include "vault/access/body.h"
#include "vault/access/ticket.h"
#include "vault/operation/operation.h"

static enum err open_ticket(struct work *w, const Hsm__Resume *resume, struct ticket *t)
{
    struct keyring *keyring = work_vault(w)->keyring;
    const struct cluster_view *view = keyring_view(keyring);
    enum err e = view != NULL ? ticket_open(view, resume->ticket.data, resume->ticket.len, t) : ERR_NOT_ACTIVE;

    keyring_view_done(keyring, view);
    return e;
}

static enum err check_mac(struct work *w, const Hsm__Resume *resume, const struct ticket *t)
{
    uint8_t mac[RESUME_MAC_BYTES];
    enum err e = resume_mac(work_vault(w)->libctx, &t->k, work_channel_hash(w), mac);

    if (e != ERR_OK)
        return e;
    return resume->mac.len == sizeof mac && bytes_equal(mac, resume->mac.data, sizeof mac) ? ERR_OK : ERR_TICKET;
}

enum err op_resume_decide(struct work *w)
{
    const Hsm__Resume *resume = work_request(w)->resume;
    struct ticket t = {0};
    enum err e = open_ticket(w, resume, &t);

    if (e == ERR_OK)
        e = check_mac(w, resume, &t);
    if (e == ERR_OK)
        e = login_check(w, &t.login);
    if (e == ERR_OK)
        e = reply_empty(w);
    if (e == ERR_OK)
        *work_login(w) = t.login;
    secret_clear(&t.k);
    return e;
}
