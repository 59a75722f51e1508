#include "vault/operation/cipher_answer.h"
#include "vault/operation/operation.h"

enum err op_encrypt_decide(struct work *w)
{
    const Hsm__Encrypt *call = work_request(w)->encrypt;
    const struct cipher_call cipher = {.encrypt = true, .key = call->key, .mechanism = call->mechanism,
                                       .data = &call->data, .more = call->more};

    return cipher_answer(w, &cipher);
}
