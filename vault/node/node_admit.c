/* The leader's side of a join: who asks is checked, its grant is used up and its number taken in one command, then it is given the keys.
 *
 * An answer that is lost on its way is asked for again, when the grant is gone: so the cluster record remembers who was let in, and the
 * same node has the same number and the keys again. The certificate counts by its key: a node that was emptied has another one. */
#include <string.h>

#include "common/hex.h"
#include "proto/limits.h"
#include "vault/node/cluster_body.h"
#include "vault/node/join_keys.h"
#include "vault/node/join_request.h"
#include "vault/node/step.h"

/* Who asks, checked under the roots of the cluster record that the command will require. */
static enum err check_joiner(struct work *w, const struct identity *own, const Hsm__ClusterBody *body, struct joiner *to,
                             uint8_t fingerprint[DEVICE_HASH_BYTES])
{
    OSSL_LIB_CTX *libctx = work_vault(w)->libctx;
    uint8_t own_hash[DEVICE_HASH_BYTES];
    struct diag why = {0};
    enum err e = device_hash(libctx, &identity_state(own)->node_certificate, own_hash);

    if (e == ERR_OK)
        e = join_request_check(libctx, &work_node_call(w)->join_admit->request, &body->manufacturer_root, &body->operator_root, own_hash,
                               step_now_s(w), to, fingerprint, &why);
    return work_explain(w, e, &why);
}

static enum err give_keys(struct work *w, const struct identity *own, const struct joiner *to, uint64_t cluster_version)
{
    Hsm__NodeAnswer *answer = work_node_answer(w);
    struct buffer keys = {0};
    enum err e = join_keys_seal(work_vault(w)->libctx, own, to, cluster_version, &keys);

    if (e == ERR_OK)
        e = step_put(w, &answer->sealed_keys, keys.data, keys.len);
    if (e == ERR_OK)
        answer->node_id = to->node_id;
    buffer_clear(&keys);
    return e;
}

/* The grant's record, to be erased. The front looks the token up; what it finds speaks for itself. */
static enum err use_grant(struct work *w, const uint8_t fingerprint[DEVICE_HASH_BYTES])
{
    struct keyring *ring = work_vault(w)->keyring;
    const struct cluster_view *view = keyring_view(ring);
    uint8_t token[INDEX_TOKEN_BYTES];
    const struct opened_record *r = NULL;
    Hsm__NodeGrantBody *grant;
    const uint64_t *ids = NULL;
    size_t n = 0;
    bool more = false, granted;
    enum err e = ERR_WRONG_STATE;

    if (view != NULL)
        e = index_token(view->index, INDEX_PUBLIC, INDEX_GRANT, fingerprint, DEVICE_HASH_BYTES, token);
    keyring_view_done(ring, view);
    if (e == ERR_OK)
        e = work_lookup(w, token, 0, 1, &ids, &n, &more);
    if (e == ERR_OK)
        e = n > 0 ? work_record(w, ids[0], HSM__RECORD_KIND__RECORD_GRANT, &r) : ERR_NOT_FOUND;
    if (e == ERR_OK) {
        grant = hsm__node_grant_body__unpack(NULL, r->text.len, r->text.bytes);
        granted = grant != NULL && grant->fingerprint.len == DEVICE_HASH_BYTES &&
                  memcmp(grant->fingerprint.data, fingerprint, DEVICE_HASH_BYTES) == 0;
        if (grant != NULL)
            hsm__node_grant_body__free_unpacked(grant, NULL);
        return granted ? work_erase(w, ids[0], r->header->version) : ERR_GRANT;
    }
    return e == ERR_NOT_FOUND ? ERR_GRANT : e;
}

/* The record with one member more. */
static enum err put_member(struct work *w, const Hsm__ClusterBody *body, uint64_t version, const uint8_t fingerprint[DEVICE_HASH_BYTES])
{
    Hsm__ClusterMember one = HSM__CLUSTER_MEMBER__INIT, *members[NODES_MAX];
    Hsm__ClusterBody more = *body; /* borrows */

    for (size_t i = 0; i < body->n_members; i++)
        members[i] = body->members[i];
    members[more.n_members++] = &one;
    more.members = members;
    one.node_id = more.next_node_id++;
    one.fingerprint = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)fingerprint, .len = DEVICE_HASH_BYTES};
    return cluster_body_put(w, &more, version);
}

static enum err let_in(struct work *w, const Hsm__ClusterBody *body, uint64_t version, const uint8_t fingerprint[DEVICE_HASH_BYTES])
{
    char text[2 * DEVICE_HASH_BYTES + 1];
    enum err e;

    if (body->n_members >= NODES_MAX) {
        work_detail(w, "the cluster has %zu nodes, the limit is %u", body->n_members, NODES_MAX);
        return ERR_LIMIT;
    }
    e = use_grant(w, fingerprint);
    if (e == ERR_GRANT) {
        hex_encode(fingerprint, DEVICE_HASH_BYTES, text);
        work_detail(w, "no grant for this node: an admin runs hsmctl cluster grant %s", text);
    }
    return e == ERR_OK ? put_member(w, body, version, fingerprint) : e;
}

/* In decide: the command, or for a node that is in already, the keys. In answer: the keys. */
static enum err admit(struct work *w, bool applied)
{
    struct identity *own = keyring_identity(work_vault(w)->keyring);
    uint8_t fingerprint[DEVICE_HASH_BYTES];
    const Hsm__ClusterMember *member;
    Hsm__ClusterBody *body = NULL;
    struct joiner to = {0};
    uint64_t version = 0;
    enum err e = own != NULL ? cluster_body_read(w, &body, &version) : ERR_VAULT_LOCKED;

    if (e == ERR_NOT_FOUND || (e == ERR_OK && !body->activated)) {
        work_detail(w, "nodes join an active cluster: initialize and activate it first");
        e = ERR_NOT_ACTIVE;
    }
    if (e == ERR_OK)
        e = check_joiner(w, own, body, &to, fingerprint);
    if (e == ERR_OK) {
        member = cluster_body_member(body, fingerprint);
        to.node_id = member != NULL ? member->node_id : 0;
        if (member != NULL)
            e = give_keys(w, own, &to, version);
        else
            e = applied ? ERR_GRANT : let_in(w, body, version, fingerprint);
    }
    keyring_identity_done(own);
    return e;
}

enum err node_join_admit_decide(struct work *w)
{
    return admit(w, false);
}

/* The command's own record says which number the joiner has now. */
enum err node_join_admit_answer(struct work *w)
{
    enum err e = admit(w, true);

    return e == ERR_OK ? step_note_cluster(w) : e;
}
