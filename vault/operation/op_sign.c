#include "proto/limits.h"
#include "vault/object/signing.h"
#include "vault/operation/operation.h"

static enum err reply_signature(struct work *w, const struct sign *s, const ProtobufCBinaryData *data)
{
    Hsm__BytesReply *reply = work_memory(w, sizeof *reply);
    uint8_t *signature = work_memory(w, SIGNATURE_BYTES_MAX);
    size_t n = 0;
    enum err e;

    if (reply == NULL || signature == NULL)
        return ERR_NO_MEMORY;
    if ((e = sign_data(s, data->data, data->len, signature, &n)) != ERR_OK)
        return e;
    hsm__bytes_reply__init(reply);
    reply->value = (ProtobufCBinaryData){.data = signature, .len = n};
    work_reply(w)->of_case = HSM__REPLY__OF_BYTES;
    work_reply(w)->bytes = reply;
    return ERR_OK;
}

enum err op_sign_decide(struct work *w)
{
    const Hsm__Sign *sign = work_request(w)->sign;
    struct key_use use;
    struct sign s;
    enum err e;

    if (sign->data.len > SIGN_DATA_BYTES_MAX)
        return ERR_TOO_LARGE;
    e = signing_open(w, sign->key, sign->mechanism, CKF_SIGN, &use, &s);
    if (e == ERR_OK && mechanism_is_dear(s.mechanism, key_size(s.key)))
        e = work_dear(w);
    if (e == ERR_OK)
        e = reply_signature(w, &s, &sign->data);
    key_use_close(w, &use);
    return e;
}
