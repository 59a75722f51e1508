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

static CK_RV keep_all(struct module *m, unsigned epoch, CK_SESSION_HANDLE session, size_t wanted, const Hsm__ObjectsReply *reply,
                      struct cluster_derived *out)
{
    CK_RV rv =
        reply->n_objects == wanted && wanted <= DERIVED_KEYS_MAX && reply->beside.len <= sizeof out->beside
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

static void free_templates(Hsm__Template **wire, size_t n)
{
    for (size_t i = 0; i < n; i++)
        template_wire_free(wire[i]);
}

CK_RV cluster_derive(struct module *m, CK_SESSION_HANDLE session, const struct cluster_deriving *d, struct cluster_derived *out)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Derive derive = HSM__DERIVE__INIT;
    Hsm__KeyRef refs[1 + DERIVE_OTHERS_MAX], *others[DERIVE_OTHERS_MAX];
    const Hsm__KeyRef *all[1 + DERIVE_OTHERS_MAX];
    Hsm__Template *templates[DERIVED_KEYS_MAX];
    uint64_t ids[1 + DERIVE_OTHERS_MAX];
    Hsm__Reply *reply = NULL;
    unsigned epoch = objects_epoch(&m->objects);
    CK_RV rv = CKR_OK;
    size_t n = 0;

    *out = (struct cluster_derived){.n = 0};
    request.of_case = HSM__REQUEST__OF_DERIVE;
    request.derive = &derive;
    derive.mechanism = (Hsm__Mechanism *)(uintptr_t)d->mechanism; /* only read */
    refs[0] = cluster_key_ref(d->base);
    all[0] = derive.key = &refs[0];
    derive.others = others;
    derive.n_others = d->others_n;
    for (size_t i = 0; i < d->others_n; i++) {
        refs[1 + i] = cluster_key_ref(d->others[i]);
        all[1 + i] = others[i] = &refs[1 + i];
    }
    while (rv == CKR_OK && n < d->templates_n) {
        if ((templates[n] = template_wire(&d->templates[n])) == NULL)
            rv = CKR_HOST_MEMORY;
        else
            n++;
    }
    if (rv == CKR_OK) {
        derive.template_ = templates[0];
        derive.additional = templates + 1;
        derive.n_additional = n - 1;
        rv = err_to_rv(cluster_ask_which(m, &request, ids, ids_of(all, 1 + d->others_n, ids), HSM__REPLY__OF_OBJECTS, &reply, &out->which));
    }
    if (rv == CKR_OK)
        rv = keep_all(m, epoch, session, d->keys, reply->objects, out);
    rpc_reply_free(reply);
    free_templates(templates, n);
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
