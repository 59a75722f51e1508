/* What signs: op_sign, op_sign_recover, and op_authorized with the user's password. */
#ifndef CLUSTERHSM_VAULT_OPERATION_SIGN_ANSWER_H
#define CLUSTERHSM_VAULT_OPERATION_SIGN_ANSWER_H

#include "proto/pkcs11.h"
#include "vault/work.h"

/* The key found, permitted and put to use, and the reply. as: CKF_SIGN or CKF_SIGN_RECOVER; authorized: the user's password came along. */
enum err sign_answer(struct work *w, const Hsm__Sign *sign, CK_FLAGS as, bool authorized);

#endif
