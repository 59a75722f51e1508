/* The first call after each start: the sealed state opened, or a new one begun. */
#include <string.h>

#include "vault/node/step.h"

/* The seal's own errors as the node's operator needs them. */
static enum err explain_seal(struct work *w, const struct seal *seal, enum err e)
{
    switch ((int)e) {
    case ERR_VAULT_LOCKED:
        work_detail(w, "no seal was given: the vault waits for its passphrase or its key file; restart hsmd and give it");
        return e;
    case ERR_FORGED:
        if (seal->kind == SEAL_PASSPHRASE) {
            work_detail(w, "the passphrase does not open this node's state: restart hsmd and give the one that it was sealed with");
            return ERR_VAULT_LOCKED;
        }
        work_detail(w, "this node's state (node.state) was sealed with another key file, or is damaged: put the right file at seal.file, "
                       "or empty the data folder and let the node join again");
        return e;
    case ERR_WRONG_STATE:
        work_detail(w, "this node's state (node.state) was sealed with %s: set seal.kind to that",
                    seal->kind == SEAL_PASSPHRASE ? "a key file" : "a passphrase");
        return e;
    case ERR_MALFORMED:
        work_detail(w, "this node's state (node.state) is no node state: restore it, or empty the data folder and let the node join again");
        return ERR_CORRUPT;
    default:
        return e;
    }
}

static enum err start(struct work *w, struct keyring *ring)
{
    struct vault *v = work_vault(w);
    const ProtobufCBinaryData *sealed = &work_node_call(w)->start->state;
    struct seal *seal = keyring_seal(ring);
    struct identity *there = keyring_identity(ring);
    Hsm__NodeState *state = NULL;
    enum err e = there == NULL ? ERR_OK : ERR_WRONG_STATE;

    keyring_identity_done(there);
    if (e != ERR_OK) {
        work_detail(w, "the vault has been started already: it takes its state once");
        return e;
    }
    if (sealed->len > 0)
        e = identity_open(v->libctx, seal, sealed->data, sealed->len, &state);
    else if ((e = seal_begin(seal, v->libctx)) == ERR_OK && (state = identity_new_state()) == NULL)
        e = ERR_NO_MEMORY;
    if (e != ERR_OK)
        return explain_seal(w, seal, e);
    return step_install(v, state);
}

enum err node_start_decide(struct work *w)
{
    struct keyring *ring = work_vault(w)->keyring;
    enum err e;

    keyring_change_begin(ring);
    e = start(w, ring);
    keyring_change_end(ring);
    return e;
}
