/* Leave for one node to join, once: whoever lets it in erases the record. Granted twice is granted. */
#include <string.h>

#include "vault/access/body.h"
#include "vault/access/users.h"
#include "vault/keyring.h"
#include "vault/operation/operation.h"

enum { FINGERPRINT_BYTES = 32 };

static enum err grant_token(struct work *w, const ProtobufCBinaryData *fingerprint, uint8_t out[INDEX_TOKEN_BYTES])
{
    struct keyring *keyring = work_vault(w)->keyring;
    const struct cluster_view *view = keyring_view(keyring);
    enum err e = view != NULL ? index_token(view->index, INDEX_PUBLIC, INDEX_GRANT, fingerprint->data, fingerprint->len, out)
                              : ERR_NOT_ACTIVE;

    keyring_view_done(keyring, view);
    return e;
}

static enum err put_grant(struct work *w, const Hsm__NodeGrantBody *body, const uint8_t token[1][INDEX_TOKEN_BYTES])
{
    struct put put = {.kind = HSM__RECORD_KIND__RECORD_GRANT, .version = 1, .n_tokens = 1};
    uint8_t *packed;
    enum err e;

    put.tokens = token;
    put.body_bytes = hsm__node_grant_body__get_packed_size(body);
    packed = work_memory(w, put.body_bytes);
    if (packed == NULL)
        return ERR_NO_MEMORY;
    hsm__node_grant_body__pack(body, packed);
    put.body = packed;
    e = work_new_id(w, &put.id);
    return e == ERR_OK ? work_put(w, &put) : e;
}

/* The index is the front's to answer from; the record it names speaks for itself. */
static enum err is_granted(struct work *w, const ProtobufCBinaryData *fingerprint, const uint8_t *token, bool *granted)
{
    const struct opened_record *r = NULL;
    ProtobufCMessage *m = NULL;
    const uint64_t *ids;
    size_t n = 0;
    bool more;
    enum err e = work_lookup(w, token, 0, 1, &ids, &n, &more);

    *granted = false;
    if (e != ERR_OK || n == 0)
        return e;
    e = work_record(w, ids[0], HSM__RECORD_KIND__RECORD_GRANT, &r);
    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    if (e == ERR_OK)
        e = body_read(w, r, &hsm__node_grant_body__descriptor, &m);
    if (e == ERR_OK) {
        const Hsm__NodeGrantBody *grant = (const Hsm__NodeGrantBody *)m;
        *granted = grant->fingerprint.len == fingerprint->len &&
                   memcmp(grant->fingerprint.data, fingerprint->data, fingerprint->len) == 0;
    }
    return e;
}

enum err op_node_grant_decide(struct work *w)
{
    const Hsm__NodeGrant *request = work_request(w)->node_grant;
    Hsm__NodeGrantBody body = HSM__NODE_GRANT_BODY__INIT;
    const Hsm__UserBody *admin = NULL;
    uint8_t token[1][INDEX_TOKEN_BYTES];
    uint64_t version;
    bool granted = false;
    enum err e;

    if (request->fingerprint.len != FINGERPRINT_BYTES) {
        work_detail(w, "a node's fingerprint has %d bytes: hsmctl node status shows it", FINGERPRINT_BYTES);
        return ERR_ARGUMENTS;
    }
    e = grant_token(w, &request->fingerprint, token[0]);
    if (e == ERR_OK)
        e = is_granted(w, &request->fingerprint, token[0], &granted);
    if (e == ERR_OK && granted)
        return reply_empty(w);
    if (e == ERR_OK)
        e = user_read(w, work_login(w)->user_id, &admin, &version);
    if (e != ERR_OK)
        return e;
    body.fingerprint = request->fingerprint;
    body.granted_by = admin->name;
    return put_grant(w, &body, (const uint8_t(*)[INDEX_TOKEN_BYTES])token);
}

enum err op_node_grant_answer(struct work *w)
{
    return reply_empty(w);
}
