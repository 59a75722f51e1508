#include "module/state/cluster_key.h"

#include <string.h>

#include "module/state/cluster_ask.h"

static size_t ids_of(const Hsm__KeyRef *const *refs, size_t n, uint64_t *ids)
{
    size_t found = 0;

    for (size_t i = 0; i < n; i++)
        if (refs[i] != NULL && refs[i]->id != 0)
            ids[found++] = refs[i]->id;
    return found;
}

static CK_RV keep_all(struct module *m, unsigned epoch, CK_SESSION_HANDLE session, const Hsm__ObjectsReply *reply,
                      struct cluster_derived *out)
{
    CK_RV rv =
        reply->n_objects > 0 && reply->n_objects <= CLUSTER_DERIVED_MAX && reply->beside.len <= sizeof out->beside
            ? CKR_OK
            : CKR_GENERAL_ERROR;

    for (size_t i = 0; rv == CKR_OK && i < reply->n_objects; i++)
        if ((rv = cluster_keep_made(m, epoch, session, reply->objects[i], &out->handles[i])) == CKR_OK)
            out->n++;
    if (rv == CKR_OK && reply->beside.len > 0)
        memcpy(out->beside, reply->beside.data, reply->beside.len);
    if (rv == CKR_OK)
        out->beside_n = reply->beside.len;
    for (size_t i = 0; rv != CKR_OK && i < out->n; i++)
        if (objects_is_session(out->handles[i]))
            objects_drop(&m->objects, out->handles[i]);
    return rv;
}

CK_RV cluster_derive(struct module *m, CK_SESSION_HANDLE session, const Hsm__Mechanism *mechanism,
                     const struct known *base, const struct known *other, const struct template *t,
                     struct cluster_derived *out)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Derive derive = HSM__DERIVE__INIT;
    Hsm__KeyRef base_ref = cluster_key_ref(base), other_ref = HSM__KEY_REF__INIT;
    const Hsm__KeyRef *refs[] = {&base_ref, other != NULL ? &other_ref : NULL};
    Hsm__Reply *reply = NULL;
    unsigned epoch = objects_epoch(&m->objects);
    uint64_t ids[2];
    CK_RV rv;

    *out = (struct cluster_derived){.n = 0};
    request.of_case = HSM__REQUEST__OF_DERIVE;
    request.derive = &derive;
    derive.mechanism = (Hsm__Mechanism *)(uintptr_t)mechanism; /* only read */
    derive.key = &base_ref;
    if (other != NULL) {
        other_ref = cluster_key_ref(other);
        derive.other = &other_ref;
    }
    if ((derive.template_ = template_wire(t)) == NULL)
        return CKR_HOST_MEMORY;
    rv = err_to_rv(cluster_ask(m, &request, ids, ids_of(refs, 2, ids), HSM__REPLY__OF_OBJECTS, &reply));
    if (rv == CKR_OK)
        rv = keep_all(m, epoch, session, reply->objects, out);
    rpc_reply_free(reply);
    template_wire_free(derive.template_);
    return rv;
}

enum err cluster_wrap(struct module *m, const Hsm__Mechanism *mechanism, const struct known *wrapping, const struct buffer *info,
                      const struct known *key, struct cluster_wrapped *out)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Wrap wrap = HSM__WRAP__INIT;
    Hsm__KeyRef wrapping_ref = cluster_key_ref(wrapping), key_ref = cluster_key_ref(key);
    const Hsm__KeyRef *refs[] = {&wrapping_ref, &key_ref};
    Hsm__Reply *reply = NULL;
    uint64_t ids[2];
    enum err e;

    request.of_case = HSM__REQUEST__OF_WRAP;
    request.wrap = &wrap;
    wrap.mechanism = (Hsm__Mechanism *)(uintptr_t)mechanism; /* only read */
    wrapping_ref.info = (ProtobufCBinaryData){.data = info->data, .len = info->len};
    wrap.wrapping_key = &wrapping_ref;
    wrap.key = &key_ref;
    e = cluster_ask(m, &request, ids, ids_of(refs, 2, ids), HSM__REPLY__OF_CIPHER, &reply);
    if (e == ERR_OK && (reply->cipher->value.len == 0 || reply->cipher->iv.len > sizeof out->iv))
        e = ERR_MALFORMED;
    if (e == ERR_OK && !buffer_put(&out->bytes, reply->cipher->value.data, reply->cipher->value.len))
        e = ERR_NO_MEMORY;
    if (e == ERR_OK && (out->iv_n = reply->cipher->iv.len) > 0)
        memcpy(out->iv, reply->cipher->iv.data, out->iv_n);
    rpc_reply_free(reply);
    return e;
}

CK_RV cluster_unwrap(struct module *m, CK_SESSION_HANDLE session, const Hsm__Mechanism *mechanism, const struct known *unwrapping,
                     const uint8_t *wrapped, size_t n, const struct template *t, CK_OBJECT_HANDLE *out)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Unwrap unwrap = HSM__UNWRAP__INIT;
    Hsm__KeyRef ref = cluster_key_ref(unwrapping);
    CK_RV rv;

    request.of_case = HSM__REQUEST__OF_UNWRAP;
    request.unwrap = &unwrap;
    unwrap.mechanism = (Hsm__Mechanism *)(uintptr_t)mechanism; /* only read */
    unwrap.unwrapping_key = &ref;
    unwrap.wrapped = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)wrapped, .len = n};
    if ((unwrap.template_ = template_wire(t)) == NULL)
        return CKR_HOST_MEMORY;
    rv = cluster_ask_made(m, session, &request, &ref.id, ref.id != 0, out);
    template_wire_free(unwrap.template_);
    return rv;
}
