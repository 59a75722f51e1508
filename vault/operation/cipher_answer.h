/* What op_encrypt, op_decrypt and op_authorized share: the key found, permitted and put to use, and the reply. */
#ifndef CLUSTERHSM_VAULT_OPERATION_CIPHER_ANSWER_H
#define CLUSTERHSM_VAULT_OPERATION_CIPHER_ANSWER_H

#include "vault/work.h"

struct cipher_call {
    bool encrypt;
    const Hsm__KeyRef *key;
    const Hsm__Mechanism *mechanism;
    const ProtobufCBinaryData *data;
    bool more;
    bool authorized; /* the user's password came along */
};

/* The answer to one request, at once. */
enum err cipher_answer(struct work *w, const struct cipher_call *call);

#endif
