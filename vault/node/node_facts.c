/* What a node and its cluster show of themselves, and the call that asks for it. Nothing in here is secret. */
#include <stdlib.h>

#include "vault/node/device.h"
#include "vault/node/statement.h"
#include "vault/node/step.h"

static const char *state_name(const Hsm__NodeState *s, const struct cluster_view *view)
{
    if (s->node_certificate.len == 0)
        return "unprovisioned";
    if (s->keys == NULL)
        return "provisioned";
    if (view != NULL && view->body != NULL)
        return view->body->activated ? "active" : "initialized";
    return s->cluster_version > 0 ? "initialized" : "uninitialized"; /* the record is known to be there, and not applied yet */
}

static enum err copy(struct work *w, const ProtobufCBinaryData *from, ProtobufCBinaryData *to)
{
    return from->len > 0 ? step_put(w, to, from->data, from->len) : ERR_OK;
}

/* The node's own. */
static enum err tell_node(struct work *w, const Hsm__NodeState *s, Hsm__NodeFacts *f)
{
    const struct {
        const ProtobufCBinaryData *from;
        ProtobufCBinaryData *to;
    } fields[] = {
        {&s->node_certificate, &f->node_certificate},
        {&s->hsm_certificate, &f->hsm_certificate},
        {&s->manufacturer_hardware, &f->manufacturer_hardware},
        {&s->manufacturer_root, &f->manufacturer_root},
        {&s->operator_hardware, &f->operator_hardware},
        {&s->operator_root, &f->operator_root},
        {&s->cluster_id, &f->cluster_id},
        {&s->cluster_csr, &f->cluster_csr},
    };
    struct device_der der = {.node = s->node_certificate};
    uint8_t fingerprint[DEVICE_HASH_BYTES];
    struct device d = {0};
    struct diag why = {0};
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < sizeof fields / sizeof fields[0]; i++)
        e = copy(w, fields[i].from, fields[i].to);
    if (e == ERR_OK && s->node_certificate.len == 0)
        return copy(w, &s->hardware_csr, &f->hardware_csr);
    if (e == ERR_OK)
        e = device_read(work_vault(w)->libctx, &der, &d, &why);
    if (e == ERR_OK)
        e = device_fingerprint(work_vault(w)->libctx, d.node, fingerprint);
    if (e == ERR_OK)
        e = step_put(w, &f->fingerprint, fingerprint, sizeof fingerprint);
    f->node_id = s->node_id;
    device_clear(&d);
    return e;
}

static enum err tell_members(struct work *w, const Hsm__ClusterBody *body, Hsm__NodeFacts *f)
{
    size_t n = body->n_members;
    Hsm__NodeIdentity *rows = work_memory(w, (n + 1) * sizeof *rows);
    enum err e = ERR_OK;

    f->members = work_memory(w, (n + 1) * sizeof *f->members);
    if (rows == NULL || f->members == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        hsm__node_identity__init(&rows[i]);
        rows[i].node_id = body->members[i]->node_id;
        e = copy(w, &body->members[i]->fingerprint, &rows[i].fingerprint);
        f->members[f->n_members++] = &rows[i];
    }
    return e;
}

/* The cluster's, as of its record. */
static enum err tell_cluster(struct work *w, const struct cluster_view *view, Hsm__NodeFacts *f)
{
    const Hsm__ClusterBody *body = view->body;
    enum err e = copy(w, &body->cluster_certificate, &f->cluster_certificate);

    if (e == ERR_OK)
        e = copy(w, &body->customer_anchor, &f->customer_anchor);
    f->client_anchors = work_memory(w, (body->n_client_anchors + 1) * sizeof *f->client_anchors);
    if (f->client_anchors == NULL)
        e = ERR_NO_MEMORY;
    for (size_t i = 0; e == ERR_OK && i < body->n_client_anchors; i++)
        e = copy(w, &body->client_anchors[i], &f->client_anchors[f->n_client_anchors++]);
    return e == ERR_OK ? tell_members(w, body, f) : e;
}

static enum err tell_statement(struct work *w, const struct identity *i, const struct cluster_view *view, Hsm__NodeFacts *f)
{
    struct buffer statement = {0}, signature = {0};
    enum err e = statement_make(work_vault(w)->libctx, i, view, step_now_s(w), &statement, &signature);

    if (e == ERR_OK)
        e = step_put(w, &f->login_statement, statement.data, statement.len);
    if (e == ERR_OK)
        e = step_put(w, &f->login_statement_signature, signature.data, signature.len);
    buffer_clear(&statement);
    buffer_clear(&signature);
    return e;
}

enum err node_facts(struct work *w, Hsm__NodeFacts **out)
{
    struct keyring *ring = work_vault(w)->keyring;
    Hsm__NodeFacts *f = work_memory(w, sizeof *f);
    struct identity *i = keyring_identity(ring);
    const struct cluster_view *view = keyring_view(ring);
    enum err e = f != NULL ? ERR_OK : ERR_NO_MEMORY;

    if (e == ERR_OK) {
        hsm__node_facts__init(f);
        f->locked = i == NULL;
        *out = f;
    }
    if (e == ERR_OK && i != NULL) {
        f->state = (char *)(uintptr_t)state_name(identity_state(i), view);
        e = tell_node(w, identity_state(i), f);
        if (e == ERR_OK && view != NULL && view->body != NULL)
            e = tell_cluster(w, view, f);
        if (e == ERR_OK && view != NULL && view->body != NULL)
            e = tell_statement(w, i, view, f);
    }
    keyring_view_done(ring, view);
    keyring_identity_done(i);
    return e;
}

/* Also where the vault learns to remember the record: the front asks after each change of it, and stores the state that it gets. */
enum err node_info_decide(struct work *w)
{
    enum err e = step_note_cluster(w);

    return e == ERR_VAULT_LOCKED ? ERR_OK : e;
}
