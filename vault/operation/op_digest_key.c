/* C_DigestKey with keys that only the vault may see. The digest comes whole from here: its state, given back, would hold the last bytes of
 * a key as they are. */
#include "crypto/digest.h"
#include "proto/limits.h"
#include "vault/object/key_use.h"
#include "vault/object/lineage.h"
#include "vault/object/named.h"
#include "vault/object/reply.h"
#include "vault/operation/operation.h"
#include "vault/provider/digest_key.h"

static enum err check_size(const Hsm__DigestKey *request)
{
    size_t data = 0, keys = 0;

    for (size_t i = 0; i < request->n_parts; i++) {
        data += request->parts[i]->data.len;
        keys += request->parts[i]->key != NULL;
    }
    return data <= SIGN_DATA_BYTES_MAX && keys <= DIGEST_KEYS_MAX ? ERR_OK : ERR_TOO_LARGE;
}

/* What a key derives by a digest (CKM_SHA256_KEY_DERIVATION and its like) is told by its digest, and CKA_DERIVE may change: so only where
 * the policy leaves it to templates anyway whether that can be read (docs/decisions/009), and the key has none that says otherwise. */
static enum err put_key(struct work *w, const Hsm__DigestKey *request, const Hsm__KeyRef *key, struct digest *d)
{
    struct key_use use;
    struct named named;
    enum err e;

    if (work_policy(w) == POLICY_MODERN) {
        work_detail(w, "a key whose value is not shown is not digested under the modern policy");
        return ERR_KEY_INDIGESTIBLE;
    }
    e = key_use_open(w, key, request->mechanism, CKF_DIGEST, &use);
    if (e == ERR_OK)
        e = named_open(w, key, &named);
    if (e == ERR_OK && (use.key->may & CKF_DERIVE || lineage_has_a_say(&named.object, CKA_DERIVE_TEMPLATE)))
        e = ERR_KEY_INDIGESTIBLE;
    if (e == ERR_OK)
        e = digest_key(d, use.key->key);
    key_use_close(w, &use);
    return e;
}

static enum err put_parts(struct work *w, const Hsm__DigestKey *request, struct digest *d)
{
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < request->n_parts; i++) {
        const Hsm__DigestPart *part = request->parts[i];
        e = part->key != NULL ? put_key(w, request, part->key, d) : digest_update(d, part->data.data, part->data.len);
    }
    return e;
}

static enum err reply_digest(struct work *w, struct digest *d)
{
    uint8_t *bytes = work_memory(w, DIGEST_BYTES_MAX);
    enum err e = bytes != NULL ? digest_final(d, bytes) : ERR_NO_MEMORY;

    return e == ERR_OK ? reply_bytes(w, bytes, digest_bytes(d)) : e;
}

enum err op_digest_key_decide(struct work *w)
{
    const Hsm__DigestKey *request = work_request(w)->digest_key;
    const struct mechanism *row = request->mechanism != NULL ? mechanism_find(request->mechanism->type) : NULL;
    struct digest *d = NULL;
    enum err e;

    if (row == NULL || !mechanism_does(row, CKF_DIGEST))
        return ERR_MECHANISM;
    if ((e = check_size(request)) != ERR_OK)
        return e;
    e = digest_new(work_vault(w)->libctx, row->hash, &d);
    if (e == ERR_OK)
        e = put_parts(w, request, d);
    if (e == ERR_OK)
        e = reply_digest(w, d);
    digest_free(d);
    return e;
}
