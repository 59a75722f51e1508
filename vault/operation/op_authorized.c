/* One use of a key whose CKA_ALWAYS_AUTHENTICATE is true (PKCS#11 v3.1 section 4.9): the user's password comes along with the use itself,
 * so there is nothing that could be used again (docs/decisions/010).
 *
 * The password is a try like a login's, counted by the cluster before and settled by the request's own command; the key is used when that
 * is applied. A request that is repeated gets the verdict of its first try, which holds for this request alone, and the same use again. */
#include "vault/access/body.h"
#include "vault/access/password_try.h"
#include "vault/access/verdict.h"
#include "vault/operation/cipher_answer.h"
#include "vault/operation/operation.h"
#include "vault/operation/sign_answer.h"

enum err op_authorized_decide(struct work *w)
{
    const Hsm__Authorized *request = work_request(w)->authorized;
    const struct login *login = work_login(w);
    struct password_try try = {.password = request->password.data,
                               .password_bytes = request->password.len,
                               .client = login->client,
                               .role = login->role};
    enum err e = user_own_name(w, &try.name);

    return e == ERR_OK ? password_verdict(w, &try) : e;
}

static enum err decrypt(struct work *w, const Hsm__Decrypt *call)
{
    const struct cipher_call cipher = {.key = call->key, .mechanism = call->mechanism, .data = &call->data, .more = call->more,
                                       .authorized = true};

    return cipher_answer(w, &cipher);
}

enum err op_authorized_answer(struct work *w)
{
    const Hsm__Authorized *request = work_request(w)->authorized;
    struct verdict verdict;
    enum err e = verdict_get(w, &verdict);

    if (e != ERR_OK)
        return e;
    if (!verdict.right)
        return ERR_PIN_INCORRECT;
    if (verdict.user_id != work_login(w)->user_id)
        return ERR_FORGED;
    switch ((int)request->use_case) {
    case HSM__AUTHORIZED__USE_SIGN:
        return sign_answer(w, request->sign, CKF_SIGN, true);
    case HSM__AUTHORIZED__USE_SIGN_RECOVER:
        return sign_answer(w, request->sign_recover, CKF_SIGN_RECOVER, true);
    case HSM__AUTHORIZED__USE_DECRYPT:
        return decrypt(w, request->decrypt);
    case HSM__AUTHORIZED__USE__NOT_SET:
    default:
        return reply_empty(w);
    }
}
