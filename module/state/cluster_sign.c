#include "module/state/cluster_sign.h"

#include "module/state/cluster_ask.h"

enum err cluster_sign(struct module *m, const struct key_request *k, uint8_t *signature, size_t *bytes)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Authorized authorized = HSM__AUTHORIZED__INIT;
    Hsm__Sign sign = HSM__SIGN__INIT;
    Hsm__KeyRef ref = cluster_key_ref(k->key);

    request.of_case = k->recover ? HSM__REQUEST__OF_SIGN_RECOVER : HSM__REQUEST__OF_SIGN;
    if (k->recover)
        request.sign_recover = &sign;
    else
        request.sign = &sign;
    if (k->password != NULL) {
        authorized.use_case = k->recover ? HSM__AUTHORIZED__USE_SIGN_RECOVER : HSM__AUTHORIZED__USE_SIGN;
        authorized.sign = &sign; /* the same place, whichever it is */
        cluster_authorize(&request, &authorized, k->password);
    }
    sign.key = &ref;
    sign.mechanism = (Hsm__Mechanism *)(uintptr_t)k->mechanism;
    sign.data = cluster_bytes(k->data, k->data_bytes);
    return cluster_ask_bytes(m, &request, &ref.id, ref.id != 0, signature, bytes);
}

enum err cluster_verify(struct module *m, const struct key_request *k, const uint8_t *signature, size_t bytes)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Verify verify = HSM__VERIFY__INIT;
    Hsm__KeyRef ref = cluster_key_ref(k->key);

    request.of_case = HSM__REQUEST__OF_VERIFY;
    request.verify = &verify;
    verify.key = &ref;
    verify.mechanism = (Hsm__Mechanism *)(uintptr_t)k->mechanism;
    verify.data = cluster_bytes(k->data, k->data_bytes);
    verify.signature = cluster_bytes(signature, bytes);
    return cluster_ask_done(m, &request, &ref.id, ref.id != 0);
}

static Hsm__OneTime one_time(const struct key_request *k, Hsm__KeyRef *ref, Hsm__Request *request)
{
    Hsm__OneTime call = HSM__ONE_TIME__INIT;

    *ref = cluster_key_ref(k->key);
    call.key = ref;
    call.mechanism = (Hsm__Mechanism *)(uintptr_t)k->mechanism; /* only read */
    hsm__request__init(request);
    request->of_case = HSM__REQUEST__OF_ONE_TIME;
    return call;
}

/* What was known of the key's counter is past; it stays known, as other threads may be at it. */
static void counted(struct module *m, const Hsm__KeyRef *ref)
{
    struct known *known = ref->id != 0 ? objects_find(&m->objects, ref->id) : NULL;

    if (known != NULL)
        known_set_seen(known, 0);
    known_release(known);
}

enum err cluster_one_time(struct module *m, const struct key_request *k, uint8_t *password, size_t *bytes)
{
    Hsm__Request request;
    Hsm__KeyRef ref;
    Hsm__OneTime call = one_time(k, &ref, &request);
    enum err e;

    request.one_time = &call;
    e = cluster_ask_bytes(m, &request, &ref.id, ref.id != 0, password, bytes);
    counted(m, &ref);
    return e;
}

enum err cluster_one_time_verify(struct module *m, const struct key_request *k, const uint8_t *password, size_t bytes)
{
    Hsm__Request request;
    Hsm__KeyRef ref;
    Hsm__OneTime call = one_time(k, &ref, &request);
    enum err e;

    request.one_time = &call;
    call.verify = true;
    call.password = cluster_bytes(password, bytes);
    e = cluster_ask_done(m, &request, &ref.id, ref.id != 0);
    counted(m, &ref);
    return e;
}
