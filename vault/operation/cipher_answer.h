/* What op_encrypt and op_decrypt share: the key found, permitted and put to use, and the reply. */
#ifndef CLUSTERHSM_VAULT_OPERATION_CIPHER_ANSWER_H
#define CLUSTERHSM_VAULT_OPERATION_CIPHER_ANSWER_H

#include "vault/work.h"

struct cipher_call {
    bool encrypt;
    const Hsm__KeyRef *key;
    const Hsm__Mechanism *mechanism;
    const ProtobufCBinaryData *data;
    bool more;
};

/* A decide() of one hop. */
enum err cipher_answer(struct work *w, const struct cipher_call *call);

#endif
