#include "vault/operation/cipher_answer.h"

#include "proto/limits.h"
#include "vault/object/key_use.h"
#include "vault/operation/own_iv.h"
#include "vault/provider/cipher.h"
#include "vault/provider/decrypt.h"

static enum err secret_key(struct work *w, const struct cipher_call *call, const struct key_use *use, Hsm__CipherReply *reply)
{
    Hsm__Mechanism given;
    Hsm__AeadParams aead;
    struct cipher c = {.libctx = work_vault(w)->libctx, .mechanism = use->mechanism, .given = &given, .key = use->key->key,
                       .encrypt = call->encrypt, .more = call->more};
    enum err e = call->encrypt ? own_iv_make(w, use->given, &given, &aead) : ERR_OK;

    if (!call->encrypt)
        given = *use->given;
    if (e == ERR_OK)
        e = cipher_check(&c);
    if (e == ERR_OK && (reply->value.data = work_memory(w, cipher_room(&c, call->data->len) + 1)) == NULL)
        e = ERR_NO_MEMORY;
    if (e == ERR_OK)
        e = cipher_run(&c, call->data->data, call->data->len, reply->value.data, &reply->value.len);
    if (e == ERR_OK && given.aead != use->given->aead)
        reply->iv = given.aead->iv;
    return e;
}

static enum err private_key(struct work *w, const struct cipher_call *call, const struct key_use *use, Hsm__CipherReply *reply)
{
    struct decrypt d = {
        .libctx = work_vault(w)->libctx, .mechanism = use->mechanism, .given = use->given, .key = use->key->key};
    enum err e = call->more || call->encrypt ? ERR_MECHANISM : decrypt_check(&d);

    if (e == ERR_OK && mechanism_is_dear(d.mechanism, key_size(d.key)))
        e = work_dear(w);
    if (e == ERR_OK && (reply->value.data = work_memory(w, RSA_BITS_MAX / 8)) == NULL)
        e = ERR_NO_MEMORY;
    return e == ERR_OK ? decrypt_data(&d, call->data->data, call->data->len, reply->value.data, &reply->value.len) : e;
}

enum err cipher_answer(struct work *w, const struct cipher_call *call)
{
    Hsm__CipherReply *reply = work_memory(w, sizeof *reply);
    CK_FLAGS as = call->encrypt ? CKF_ENCRYPT : CKF_DECRYPT;
    struct key_use use;
    enum err e;

    if (reply == NULL)
        return ERR_NO_MEMORY;
    if (call->data->len > CIPHER_BYTES_MAX + CIPHER_LONGER_BYTES_MAX)
        return ERR_TOO_LARGE;
    hsm__cipher_reply__init(reply);
    e = call->authorized ? key_use_open_authorized(w, call->key, call->mechanism, as, &use)
                         : key_use_open(w, call->key, call->mechanism, as, &use);
    if (e == ERR_OK)
        e = key_evp(use.key->key) == NULL ? secret_key(w, call, &use, reply) : private_key(w, call, &use, reply);
    key_use_close(w, &use);
    if (e == ERR_OK) {
        work_reply(w)->of_case = HSM__REPLY__OF_CIPHER;
        work_reply(w)->cipher = reply;
    }
    return e;
}
