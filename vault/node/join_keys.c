#include "vault/node/join_keys.h"

#include <string.h>

#include "proto/memory.h"
#include "vault/master.h"
#include "vault/node/kem.h"
#include "vault/node/permit.h"

enum { CLUSTER_ID_LEN = 16, SCALAR_BYTES = 32 };

/* What both ends put around the seal. */
static bool context_of(const Hsm__JoinKeysBody *b, struct buffer *out)
{
    static const char label[] = "clusterhsm join keys";

    return buffer_put(out, label, sizeof label) && buffer_put_bytes(out, b->cluster_id.data, b->cluster_id.len) &&
           buffer_put_u64(out, b->node_id) && buffer_put_bytes(out, b->certificate_hash.data, b->certificate_hash.len);
}

static bool pack(const ProtobufCMessage *m, struct buffer *out)
{
    uint8_t *to = buffer_extend(out, protobuf_c_message_get_packed_size(m));

    if (to == NULL)
        return false;
    protobuf_c_message_pack(m, to);
    return true;
}

/* ---- sender */

static enum err pack_package(const Hsm__NodeState *state, uint64_t cluster_version, struct secret *out)
{
    Hsm__JoinPackage p = HSM__JOIN_PACKAGE__INIT;

    p.keys = state->keys;
    p.cluster_version = cluster_version;
    if (!secret_new(out, hsm__join_package__get_packed_size(&p)))
        return ERR_NO_MEMORY;
    hsm__join_package__pack(&p, out->bytes);
    return ERR_OK;
}

enum err join_keys_seal(OSSL_LIB_CTX *libctx, const struct identity *own, const struct joiner *to, uint64_t cluster_version,
                        struct buffer *out)
{
    const Hsm__NodeState *state = identity_state(own);
    struct permit_key node = permit_key(libctx, own, IDENTITY_NODE);
    struct buffer context = {0}, sealed = {0}, body = {0}, signature = {0};
    Hsm__JoinKeysBody b = HSM__JOIN_KEYS_BODY__INIT;
    Hsm__JoinKeys keys = HSM__JOIN_KEYS__INIT;
    struct secret text = {0};
    enum err e = state->keys != NULL ? pack_package(state, cluster_version, &text) : ERR_WRONG_STATE;

    b.cluster_id = state->cluster_id;
    b.node_id = to->node_id;
    b.certificate_hash = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)to->certificate_hash, .len = sizeof to->certificate_hash};
    if (e == ERR_OK && !context_of(&b, &context))
        e = ERR_NO_MEMORY;
    if (e == ERR_OK)
        e = kem_seal(libctx, to->kem_public, (struct gcm_aad){context.data, context.len}, &text, &sealed);
    b.sealed = (ProtobufCBinaryData){.data = sealed.data, .len = sealed.len};
    if (e == ERR_OK && !pack(&b.base, &body))
        e = ERR_NO_MEMORY;
    if (e == ERR_OK)
        e = permit_sign_text(&node, PERMIT_JOIN_KEYS, body.data, body.len, &signature);
    keys.body = (ProtobufCBinaryData){.data = body.data, .len = body.len};
    keys.signature = (ProtobufCBinaryData){.data = signature.data, .len = signature.len};
    if (e == ERR_OK && !pack(&keys.base, out))
        e = ERR_NO_MEMORY;
    secret_clear(&text);
    buffer_clear(&context);
    buffer_clear(&sealed);
    buffer_clear(&body);
    buffer_clear(&signature);
    return e;
}

/* ---- joiner */

static bool is_whole(const Hsm__JoinPackage *p)
{
    const Hsm__ClusterKeys *k = p != NULL ? p->keys : NULL;

    if (k == NULL || p->cluster_version == 0 || k->cluster_private.len != SCALAR_BYTES || k->login_private.len != AGREE_KEY_BYTES ||
        k->n_masters == 0 || k->n_masters > MASTER_EPOCHS_MAX)
        return false;
    for (size_t i = 0; i < k->n_masters; i++)
        if (k->masters[i]->key.len != MASTER_KEY_BYTES || k->masters[i]->epoch <= (i > 0 ? k->masters[i - 1]->epoch : 0))
            return false;
    return true;
}

static enum err take_package(const struct secret *text, const Hsm__JoinKeysBody *b, Hsm__NodeState *state)
{
    Hsm__JoinPackage *p = hsm__join_package__unpack(memory_wiping(), text->len, text->bytes);
    enum err e = is_whole(p) ? ERR_OK : ERR_FORGED;

    if (e == ERR_OK && !identity_set(&state->cluster_id, b->cluster_id.data, b->cluster_id.len))
        e = ERR_NO_MEMORY;
    if (e == ERR_OK) {
        state->node_id = b->node_id;
        state->cluster_version = p->cluster_version;
        state->keys = p->keys;
        p->keys = NULL; /* transferred */
    }
    if (p != NULL)
        hsm__join_package__free_unpacked(p, memory_wiping());
    return e;
}

static enum err open_body(OSSL_LIB_CTX *libctx, uint64_t node_id, const Hsm__JoinKeysBody *b, Hsm__NodeState *state)
{
    uint8_t own[DEVICE_HASH_BYTES];
    struct secret kem = {0}, text = {0};
    struct buffer context = {0};
    enum err e = device_hash(libctx, &state->node_certificate, own);

    if (e == ERR_OK && (b->node_id == 0 || b->node_id != node_id || b->cluster_id.len != CLUSTER_ID_LEN ||
                        b->certificate_hash.len != sizeof own || memcmp(b->certificate_hash.data, own, sizeof own) != 0))
        e = ERR_FORGED;
    if (e == ERR_OK && (!secret_copy(&kem, state->kem_private.data, state->kem_private.len) || !context_of(b, &context)))
        e = ERR_NO_MEMORY;
    if (e == ERR_OK)
        e = kem_open(libctx, &kem, (struct gcm_aad){context.data, context.len}, b->sealed.data, b->sealed.len, &text);
    if (e == ERR_OK)
        e = take_package(&text, b, state);
    secret_clear(&kem);
    secret_clear(&text);
    buffer_clear(&context);
    return e;
}

enum err join_keys_open(OSSL_LIB_CTX *libctx, EVP_PKEY *sender, uint64_t node_id, const ProtobufCBinaryData *packed,
                        Hsm__NodeState *state)
{
    Hsm__JoinKeys *keys = hsm__join_keys__unpack(NULL, packed->len, packed->data);
    Hsm__JoinKeysBody *b = NULL;
    enum err e = ERR_MALFORMED;

    if (keys != NULL)
        e = permit_verify_text(libctx, sender, PERMIT_JOIN_KEYS, keys->body.data, keys->body.len, keys->signature.data,
                               keys->signature.len);
    if (e == ERR_SIGNATURE || e == ERR_KEY_TYPE)
        e = ERR_FORGED;
    if (e == ERR_OK && (b = hsm__join_keys_body__unpack(NULL, keys->body.len, keys->body.data)) == NULL)
        e = ERR_MALFORMED;
    if (e == ERR_OK)
        e = open_body(libctx, node_id, b, state);
    if (b != NULL)
        hsm__join_keys_body__free_unpacked(b, NULL);
    if (keys != NULL)
        hsm__join_keys__free_unpacked(keys, NULL);
    return e;
}
