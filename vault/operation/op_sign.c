#include "proto/limits.h"
#include "vault/object/key_use.h"
#include "vault/object/reply.h"
#include "vault/operation/operation.h"
#include "vault/operation/sign_answer.h"
#include "vault/provider/mac.h"
#include "vault/provider/sign.h"

static enum err make_mac(struct work *w, const struct key_use *use, const ProtobufCBinaryData *data, uint8_t *out, size_t *n)
{
    struct mac mac = {
        .libctx = work_vault(w)->libctx, .mechanism = use->mechanism, .given = use->given, .key = use->key->key};

    return mac_make(&mac, data->data, data->len, out, n);
}

static enum err make_signature(struct work *w, const struct key_use *use, const ProtobufCBinaryData *data, uint8_t *out, size_t *n)
{
    struct sign s = {
        .libctx = work_vault(w)->libctx, .mechanism = use->mechanism, .pss = use->given->pss, .eddsa = use->given->eddsa,
        .pq = use->given->pq, .key = use->key->key};
    enum err e = sign_check(&s);

    if (e == ERR_OK && mechanism_is_dear(s.mechanism, key_size(s.key)))
        e = work_dear(w);
    return e == ERR_OK ? sign_data(&s, data->data, data->len, out, n) : e;
}

static enum err reply_signature(struct work *w, const struct key_use *use, const ProtobufCBinaryData *data)
{
    uint8_t *signature = work_memory(w, sign_bytes_max(use->key->key));
    size_t n = 0;
    enum err e;

    if (signature == NULL)
        return ERR_NO_MEMORY;
    e = mechanism_is_mac(use->mechanism) ? make_mac(w, use, data, signature, &n) : make_signature(w, use, data, signature, &n);
    return e == ERR_OK ? reply_bytes(w, signature, n) : e;
}

enum err sign_answer(struct work *w, const Hsm__Sign *sign, CK_FLAGS as, bool authorized)
{
    struct key_use use;
    enum err e;

    if (sign->data.len > SIGN_DATA_BYTES_MAX)
        return ERR_TOO_LARGE;
    e = authorized ? key_use_open_authorized(w, sign->key, sign->mechanism, as, &use)
                   : key_use_open(w, sign->key, sign->mechanism, as, &use);
    if (e == ERR_OK)
        e = reply_signature(w, &use, &sign->data);
    key_use_close(w, &use);
    return e;
}

enum err op_sign_decide(struct work *w)
{
    return sign_answer(w, work_request(w)->sign, CKF_SIGN, false);
}

enum err op_sign_recover_decide(struct work *w)
{
    return sign_answer(w, work_request(w)->sign_recover, CKF_SIGN_RECOVER, false);
}
