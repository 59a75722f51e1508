/* The cluster record as apply has put it: told on the check pair, in order, before anybody can be served by it.
 *
 * After a start the log is applied again from the newest snapshot on: versions that are older than the one in the sealed state pass by,
 * and are never shown to anybody. */
#include <string.h>

#include "vault/node/step.h"
#include "vault/record.h"
#include "vault/seen.h"

static bool is_cluster_record(const Hsm__RecordHeader *h, const struct cluster_view *view)
{
    return h->id == CLUSTER_RECORD_ID && h->kind == HSM__RECORD_KIND__RECORD_CLUSTER && h->version > 0 &&
           h->cluster_id.len == sizeof view->cluster_id && memcmp(h->cluster_id.data, view->cluster_id, sizeof view->cluster_id) == 0;
}

static enum err take(struct work *w, uint64_t version, const struct secret *text, uint64_t version_min)
{
    struct vault *v = work_vault(w);
    Hsm__ClusterBody *body;

    if (version < version_min)
        return ERR_OK;
    body = hsm__cluster_body__unpack(NULL, text->len, text->bytes);
    if (body == NULL)
        return ERR_CORRUPT;
    (void)seen_note(v->seen, CLUSTER_RECORD_ID, version);
    return keyring_set_body(v->keyring, version, body); /* transferred */
}

enum err node_cluster_record_decide(struct work *w)
{
    struct vault *v = work_vault(w);
    const ProtobufCBinaryData *record = &work_node_call(w)->cluster_record->record;
    const struct cluster_view *view = keyring_view(v->keyring);
    struct identity *i = keyring_identity(v->keyring);
    Hsm__RecordHeader *header = NULL;
    struct secret text = {0};
    enum err e = view != NULL && i != NULL ? ERR_OK : ERR_VAULT_LOCKED;

    if (e == ERR_OK)
        e = record_open(view->master, record->data, record->len, &header, &text);
    if (e == ERR_OK && !is_cluster_record(header, view))
        e = ERR_FORGED;
    if (e == ERR_OK && header->version < view->version) {
        work_detail(w, "a cluster record of version %llu comes after one of version %llu", (unsigned long long)header->version,
                    (unsigned long long)view->version);
        e = ERR_STALE;
    }
    if (e == ERR_OK)
        e = take(w, header->version, &text, identity_state(i)->cluster_version);
    if (header != NULL)
        hsm__record_header__free_unpacked(header, NULL);
    secret_clear(&text);
    keyring_identity_done(i);
    keyring_view_done(v->keyring, view);
    return e;
}
