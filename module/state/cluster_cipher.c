#include "module/state/cluster_cipher.h"

#include <string.h>

#include "module/state/cluster_ask.h"

static enum err take_cipher(const Hsm__CipherReply *reply, struct cluster_cipher *c)
{
    c->n = reply->value.len;
    if (c->iv != NULL && reply->iv.len != c->iv_n)
        return ERR_MALFORMED;
    if (c->iv != NULL)
        memcpy(c->iv, reply->iv.data, c->iv_n);
    if (c->n > 0 && c->n <= c->room)
        memcpy(c->out, reply->value.data, c->n);
    return ERR_OK;
}

enum err cluster_cipher(struct module *m, const struct key_request *k, struct cluster_cipher *c)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Encrypt encrypt = HSM__ENCRYPT__INIT;
    Hsm__Decrypt decrypt = HSM__DECRYPT__INIT;
    Hsm__Authorized authorized = HSM__AUTHORIZED__INIT;
    Hsm__KeyRef ref = cluster_key_ref(k->key);
    Hsm__Mechanism *mechanism = (Hsm__Mechanism *)(uintptr_t)k->mechanism; /* only read */
    Hsm__Reply *reply = NULL;
    enum err e;

    if (c->encrypt) {
        request.of_case = HSM__REQUEST__OF_ENCRYPT;
        request.encrypt = &encrypt;
        encrypt.key = &ref;
        encrypt.mechanism = mechanism;
        encrypt.data = cluster_bytes(k->data, k->data_bytes);
        encrypt.more = c->more;
    } else {
        request.of_case = HSM__REQUEST__OF_DECRYPT;
        request.decrypt = &decrypt;
        decrypt.key = &ref;
        decrypt.mechanism = mechanism;
        decrypt.data = cluster_bytes(k->data, k->data_bytes);
        decrypt.more = c->more;
    }
    if (!c->encrypt && k->password != NULL) {
        authorized.use_case = HSM__AUTHORIZED__USE_DECRYPT;
        authorized.decrypt = &decrypt;
        cluster_authorize(&request, &authorized, k->password);
    }
    e = cluster_ask(m, &request, &ref.id, ref.id != 0, HSM__REPLY__OF_CIPHER, &reply);
    if (e == ERR_OK)
        e = take_cipher(reply->cipher, c);
    rpc_reply_free(reply);
    return e;
}
