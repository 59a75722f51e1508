/* Of MACs alone: what a private key has signed is verified in the module. */
#include "proto/limits.h"
#include "vault/object/key_use.h"
#include "vault/operation/operation.h"
#include "vault/provider/mac.h"

enum err op_verify_decide(struct work *w)
{
    const Hsm__Verify *verify = work_request(w)->verify;
    Hsm__Empty *empty = work_memory(w, sizeof *empty);
    struct key_use use;
    enum err e;

    if (empty == NULL)
        return ERR_NO_MEMORY;
    if (verify->data.len > SIGN_DATA_BYTES_MAX)
        return ERR_TOO_LARGE;
    if ((e = key_use_open(w, verify->key, verify->mechanism, CKF_VERIFY, &use)) == ERR_OK) {
        struct mac mac = {
            .libctx = work_vault(w)->libctx, .mechanism = use.mechanism, .given = use.given, .key = use.key->key};
        e = mac_verify(&mac, verify->data.data, verify->data.len, verify->signature.data, verify->signature.len);
    }
    key_use_close(w, &use);
    if (e == ERR_OK) {
        hsm__empty__init(empty);
        work_reply(w)->of_case = HSM__REPLY__OF_EMPTY;
        work_reply(w)->empty = empty;
    }
    return e;
}
