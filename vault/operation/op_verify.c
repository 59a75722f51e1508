/* Of MACs alone: what a private key has signed is verified in the module. */
#include "proto/limits.h"
#include "proto/parameter.h"
#include "vault/access/body.h"
#include "vault/object/key_use.h"
#include "vault/object/lineage.h"
#include "vault/object/named.h"
#include "vault/operation/operation.h"
#include "vault/provider/mac.h"

/* Of a key that only verifies, a MAC of one byte would be tried out, then one of two, and so on until it is whole, as if it
 * had been signed. Held to it under any policy are CBC-MACs, which of one block are the block cipher itself, and keys with a
 * CKA_DERIVE_TEMPLATE: a MAC is what they derive, and that is not the caller's to read. */
enum { GUESSED_BYTES_MIN = 8 };

static enum err is_guarded(struct work *w, const struct key_use *use, bool *guarded)
{
    struct named named;
    enum err e = ERR_OK;

    *guarded = work_policy(w) == POLICY_MODERN || use->mechanism->family == FAMILY_CBC_MAC;
    if (!*guarded && (e = named_open(w, work_request(w)->verify->key, &named)) == ERR_OK)
        *guarded = lineage_has_a_say(&named.object, CKA_DERIVE_TEMPLATE);
    return e;
}

static enum err check_length(struct work *w, const struct key_use *use)
{
    bool signs = (use->key->may & CKF_SIGN) != 0, guarded;
    enum err e;

    if (signs || parameter_signature_bytes(use->mechanism, use->given, key_size(use->key->key)) >= GUESSED_BYTES_MIN)
        return ERR_OK;
    if ((e = is_guarded(w, use, &guarded)) != ERR_OK || !guarded)
        return e;
    work_detail(w, "a key without CKA_SIGN verifies MACs of %d bytes and more", GUESSED_BYTES_MIN);
    return ERR_MECHANISM_PARAM;
}

enum err op_verify_decide(struct work *w)
{
    const Hsm__Verify *verify = work_request(w)->verify;
    struct key_use use;
    enum err e;

    if (verify->data.len > SIGN_DATA_BYTES_MAX)
        return ERR_TOO_LARGE;
    if ((e = key_use_open(w, verify->key, verify->mechanism, CKF_VERIFY, &use)) == ERR_OK) {
        struct mac mac = {
            .libctx = work_vault(w)->libctx, .mechanism = use.mechanism, .given = use.given, .key = use.key->key};
        e = check_length(w, &use);
        if (e == ERR_OK)
            e = mac_verify(&mac, verify->data.data, verify->data.len, verify->signature.data, verify->signature.len);
    }
    key_use_close(w, &use);
    return e == ERR_OK ? reply_empty(w) : e;
}
