#include "vault/operation/cipher_answer.h"
#include "vault/operation/operation.h"

enum err op_decrypt_decide(struct work *w)
{
    const Hsm__Decrypt *call = work_request(w)->decrypt;
    const struct cipher_call cipher = {.encrypt = false, .key = call->key, .mechanism = call->mechanism,
                                       .data = &call->data, .more = call->more};

    return cipher_answer(w, &cipher);
}
