/* The joiner's side: it asks one member in particular to be let in, and takes the cluster's keys from it. */
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "vault/node/device.h"
#include "vault/node/join_keys.h"
#include "vault/node/join_request.h"
#include "vault/node/permit.h"
#include "vault/node/step.h"

static enum err may_join(struct work *w, const Hsm__NodeState *s)
{
    if (s->node_certificate.len > 0 && s->keys == NULL)
        return ERR_OK;
    work_detail(w, s->keys != NULL ? "this node belongs to a cluster already: to join another, start it with an empty data folder"
                                   : "this node is not provisioned yet");
    return ERR_WRONG_STATE;
}

/* ---- join_ask */

static enum err ask(struct work *w, const struct identity *own)
{
    OSSL_LIB_CTX *libctx = work_vault(w)->libctx;
    const ProtobufCBinaryData *peer = &work_node_call(w)->join_ask->peer_certificate_hash;
    struct permit_key node = permit_key(libctx, own, IDENTITY_NODE);
    Hsm__JoinRequest r = HSM__JOIN_REQUEST__INIT;
    uint8_t nonce[JOIN_NONCE_BYTES], text[JOIN_TEXT_BYTES];
    struct buffer signature = {0};
    Hsm__NodeAnswer *answer = work_node_answer(w);
    enum err e;

    if (peer->len != DEVICE_HASH_BYTES)
        return ERR_ARGUMENTS;
    if (RAND_bytes_ex(libctx, nonce, sizeof nonce, 0) != 1) {
        ERR_clear_error();
        return ERR_BUG;
    }
    join_text(nonce, peer->data, text);
    e = permit_sign_text(&node, PERMIT_JOIN_REQUEST, text, sizeof text, &signature);
    if (e == ERR_OK) {
        const Hsm__NodeState *s = identity_state(own);
        r.node_certificate = s->node_certificate;
        r.manufacturer_hardware = s->manufacturer_hardware;
        r.operator_hardware = s->operator_hardware;
        r.nonce = (ProtobufCBinaryData){.data = nonce, .len = sizeof nonce};
        r.signature = (ProtobufCBinaryData){.data = signature.data, .len = signature.len};
        answer->ask.len = hsm__join_request__get_packed_size(&r);
        answer->ask.data = work_memory(w, answer->ask.len);
        if (answer->ask.data != NULL)
            hsm__join_request__pack(&r, answer->ask.data);
        else
            e = ERR_NO_MEMORY;
    }
    if (e != ERR_OK)
        answer->ask = (ProtobufCBinaryData){0};
    buffer_clear(&signature);
    return e;
}

enum err node_join_ask_decide(struct work *w)
{
    struct identity *own = keyring_identity(work_vault(w)->keyring);
    enum err e = own != NULL ? may_join(w, identity_state(own)) : ERR_VAULT_LOCKED;

    if (e == ERR_OK)
        e = ask(w, own);
    keyring_identity_done(own);
    return e;
}

/* ---- join_take */

/* Both chains of the sender hold under the roots of our own provisioning. */
static enum err check_sender(struct work *w, const Hsm__NodeState *own, struct device *d)
{
    const Hsm__JoinTake *call = work_node_call(w)->join_take;
    const struct device_der der = {.node = call->sender_node_certificate, .manufacturer_hardware = call->sender_manufacturer_hardware,
                                   .operator_hardware = call->sender_operator_hardware, .manufacturer_root = own->manufacturer_root,
                                   .operator_root = own->operator_root};
    struct diag why = {0};
    enum err e = device_read(work_vault(w)->libctx, &der, d, &why);

    if (e == ERR_OK)
        e = device_check(work_vault(w)->libctx, d, step_now_s(w), &why);
    return work_explain(w, e, &why);
}

static enum err take(struct work *w, Hsm__NodeState *next, bool *changed)
{
    const Hsm__JoinTake *call = work_node_call(w)->join_take;
    struct device sender = {0};
    struct diag why = {0};
    enum err e = may_join(w, next);

    (void)changed;
    if (e == ERR_OK)
        e = check_sender(w, next, &sender);
    if (e == ERR_OK) {
        e = join_keys_open(work_vault(w)->libctx, X509_get0_pubkey(sender.node), call->node_id, &call->sealed_keys, next);
        if (e == ERR_FORGED || e == ERR_MALFORMED)
            work_detail(w, "the cluster's keys that the member sent are not by its vault, or not for this node: ask again");
    }
    if (e == ERR_OK)
        e = work_explain(w, step_issue_hsm(w, next, &why), &why);
    device_clear(&sender);
    return e;
}

enum err node_join_take_decide(struct work *w)
{
    return step_take(w, take);
}
