#include "module/state/cluster_kem.h"

#include <string.h>

#include "module/state/cluster_ask.h"

/* One object, and `beside` bytes with it. */
static CK_RV ask_for_key(struct module *m, CK_SESSION_HANDLE session, const Hsm__Request *request, const uint64_t *ids, size_t n_ids,
                         uint8_t *beside, size_t n, CK_OBJECT_HANDLE *out)
{
    unsigned epoch = objects_epoch(&m->objects);
    Hsm__Reply *reply = NULL;
    CK_RV rv = err_to_rv(cluster_ask(m, request, ids, n_ids, HSM__REPLY__OF_OBJECTS, &reply));

    if (rv == CKR_OK && (reply->objects->n_objects != 1 || reply->objects->beside.len != n))
        rv = CKR_GENERAL_ERROR;
    if (rv == CKR_OK)
        rv = cluster_keep_made(m, epoch, session, reply->objects->objects[0], out);
    if (rv == CKR_OK && n > 0)
        memcpy(beside, reply->objects->beside.data, n);
    rpc_reply_free(reply);
    return rv;
}

CK_RV cluster_encapsulate(struct module *m, CK_SESSION_HANDLE session, const Hsm__Mechanism *mechanism, const struct known *public_key,
                          const struct template *t, uint8_t *ciphertext, size_t n, CK_OBJECT_HANDLE *out)
{
    const struct known_value *info = known_value(public_key, CKA_PUBLIC_KEY_INFO);
    Hsm__KeyRef key = cluster_key_ref(public_key);
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Encapsulate encapsulate = HSM__ENCAPSULATE__INIT;
    CK_RV rv;

    if (info == NULL)
        return CKR_KEY_TYPE_INCONSISTENT;
    if (key.id == 0 && key.sealed.len == 0) /* without a record it goes along as it is */
        key.info = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)info->bytes, .len = info->n};
    request.of_case = HSM__REQUEST__OF_ENCAPSULATE;
    request.encapsulate = &encapsulate;
    encapsulate.mechanism = (Hsm__Mechanism *)(uintptr_t)mechanism; /* only read, as is the key */
    encapsulate.public_key = &key;
    if ((encapsulate.template_ = template_wire(t)) == NULL)
        return CKR_HOST_MEMORY;
    rv = ask_for_key(m, session, &request, &key.id, key.id != 0 ? 1 : 0, ciphertext, n, out);
    template_wire_free(encapsulate.template_);
    return rv;
}

CK_RV cluster_decapsulate(struct module *m, CK_SESSION_HANDLE session, const Hsm__Mechanism *mechanism, const struct known *private_key,
                          const struct template *t, const uint8_t *ciphertext, size_t n, CK_OBJECT_HANDLE *out)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Decapsulate decapsulate = HSM__DECAPSULATE__INIT;
    Hsm__KeyRef key = cluster_key_ref(private_key);
    CK_RV rv;

    request.of_case = HSM__REQUEST__OF_DECAPSULATE;
    request.decapsulate = &decapsulate;
    decapsulate.mechanism = (Hsm__Mechanism *)(uintptr_t)mechanism; /* only read, as is the ciphertext */
    decapsulate.key = &key;
    decapsulate.ciphertext = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)ciphertext, .len = n};
    if ((decapsulate.template_ = template_wire(t)) == NULL)
        return CKR_HOST_MEMORY;
    rv = ask_for_key(m, session, &request, &key.id, key.id != 0 ? 1 : 0, NULL, 0, out);
    template_wire_free(decapsulate.template_);
    return rv;
}
