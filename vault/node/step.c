#include "vault/node/step.h"

#include <string.h>

#include "certs/issue.h"
#include "common/hex.h"
#include "vault/node/node_key.h"
#include "vault/node/permit.h"
#include "vault/provider/agree.h"
#include "vault/seen.h"

int64_t step_now_s(const struct work *w)
{
    return (int64_t)(work_vault(w)->now_ms() / 1000);
}

enum err step_put(struct work *w, ProtobufCBinaryData *field, const void *bytes, size_t n)
{
    uint8_t *copy = work_memory(w, n > 0 ? n : 1);

    if (copy == NULL)
        return ERR_NO_MEMORY;
    if (n > 0)
        memcpy(copy, bytes, n);
    *field = (ProtobufCBinaryData){.data = copy, .len = n};
    return ERR_OK;
}

/* ---- what follows from a state */

static enum err read_masters(OSSL_LIB_CTX *libctx, const Hsm__ClusterKeys *keys, struct master **out)
{
    struct master *m = NULL;
    enum err e = master_new(libctx, &m);

    for (size_t i = 0; e == ERR_OK && i < keys->n_masters; i++) {
        struct secret key = {0};
        e = secret_copy(&key, keys->masters[i]->key.data, keys->masters[i]->key.len) ? ERR_OK : ERR_NO_MEMORY;
        if (e == ERR_OK)
            e = master_add(m, keys->masters[i]->epoch, &key);
        secret_clear(&key);
    }
    if (e == ERR_OK)
        *out = m;
    else
        master_free(m);
    return e == ERR_ARGUMENTS ? ERR_CORRUPT : e;
}

/* The cluster's keys into the keyring. */
static enum err install_cluster(struct vault *v, const Hsm__NodeState *state)
{
    const Hsm__ClusterKeys *keys = state->keys;
    struct master *master = NULL;
    struct secret login = {0};
    enum err e;

    if (state->cluster_id.len != CLUSTER_ID_BYTES || keys->login_private.len != AGREE_KEY_BYTES)
        return ERR_CORRUPT;
    e = read_masters(v->libctx, keys, &master);
    if (e != ERR_OK)
        return e;
    if (secret_copy(&login, keys->login_private.data, keys->login_private.len)) {
        e = keyring_set_cluster(v->keyring, state->cluster_id.data, master, &login); /* transferred */
    } else {
        master_free(master);
        e = ERR_NO_MEMORY;
    }
    secret_clear(&login);
    return e == ERR_FORGED ? ERR_CORRUPT : e;
}

enum err step_install(struct vault *v, Hsm__NodeState *state)
{
    const struct cluster_view *view = keyring_view(v->keyring);
    struct identity *identity = NULL;
    enum err e = identity_new(v->libctx, state, &identity);

    if (e == ERR_OK && state->keys != NULL && view == NULL)
        e = install_cluster(v, state);
    keyring_view_done(v->keyring, view);
    if (e == ERR_OK) {
        if (state->cluster_version > 0)
            (void)seen_note(v->seen, CLUSTER_RECORD_ID, state->cluster_version);
        keyring_set_identity(v->keyring, identity); /* transferred */
    } else {
        keyring_identity_done(identity);
    }
    return e;
}

static enum err commit(struct work *w, Hsm__NodeState *next)
{
    struct vault *v = work_vault(w);
    struct buffer sealed = {0};
    ProtobufCBinaryData state = {0};
    enum err e = identity_seal(v->libctx, keyring_seal(v->keyring), next, &sealed);

    if (e == ERR_OK)
        e = step_put(w, &state, sealed.data, sealed.len);
    if (e == ERR_OK)
        e = step_install(v, next); /* transferred */
    else
        identity_state_free(next);
    if (e == ERR_OK)
        work_node_answer(w)->state = state;
    buffer_clear(&sealed);
    return e;
}

enum err step_take(struct work *w, step_fn *fn)
{
    struct keyring *ring = work_vault(w)->keyring;
    struct identity *now;
    Hsm__NodeState *next = NULL;
    bool changed = true;
    enum err e = ERR_OK;

    keyring_change_begin(ring);
    now = keyring_identity(ring);
    if (now == NULL)
        e = ERR_VAULT_LOCKED;
    else if ((next = identity_copy(now)) == NULL)
        e = ERR_NO_MEMORY;
    if (e == ERR_OK)
        e = fn(w, next, &changed);
    if (e == ERR_OK && changed)
        e = commit(w, next); /* transferred */
    else
        identity_state_free(next);
    keyring_identity_done(now);
    keyring_change_end(ring);
    return e;
}

static enum err note_cluster(struct work *w, Hsm__NodeState *next, bool *changed)
{
    const struct cluster_view *view = keyring_view(work_vault(w)->keyring);

    *changed = view != NULL && view->version > next->cluster_version;
    if (*changed)
        next->cluster_version = view->version;
    keyring_view_done(work_vault(w)->keyring, view);
    return ERR_OK;
}

enum err step_note_cluster(struct work *w)
{
    return step_take(w, note_cluster);
}

/* ---- the HSM certificate */

enum err step_issue_hsm(struct work *w, Hsm__NodeState *next, struct diag *why)
{
    OSSL_LIB_CTX *libctx = work_vault(w)->libctx;
    struct identity *now = keyring_identity(work_vault(w)->keyring);
    struct permit_key hardware = permit_key(libctx, now, IDENTITY_HARDWARE);
    struct cert_order order = {.libctx = libctx, .role = CERT_HSM, .now_s = step_now_s(w), .days = NODE_CERTIFICATE_DAYS};
    struct buffer der = {0};
    struct key *cluster = NULL;
    char name[CLUSTER_NAME_BYTES];
    X509 *issuer = NULL, *cert = NULL;
    enum err e = node_key_load(libctx, &next->keys->cluster_private, &cluster);

    cluster_name(next->cluster_id.data, name);
    if (e == ERR_OK)
        e = cert_read(libctx, "the manufacturer hardware certificate", next->manufacturer_hardware.data,
                      next->manufacturer_hardware.len, &issuer, why);
    if (e == ERR_OK) {
        order.name = name;
        order.issuer = issuer;
        order.subject_key = key_evp(cluster);
        e = permit_certificate(&hardware, &order, &cert, why);
    }
    if (e == ERR_OK)
        e = cert_write(cert, &der);
    if (e == ERR_OK && !identity_set(&next->hsm_certificate, der.data, der.len))
        e = ERR_NO_MEMORY;
    X509_free(cert);
    X509_free(issuer);
    key_free(cluster);
    buffer_clear(&der);
    keyring_identity_done(now);
    return e;
}
