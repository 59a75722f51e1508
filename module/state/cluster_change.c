#include "module/state/cluster_change.h"

#include "module/state/cluster_ask.h"

CK_RV cluster_copy(struct module *m, CK_SESSION_HANDLE session, const struct known *object, const struct template *t,
                   CK_OBJECT_HANDLE *out)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Copy copy = HSM__COPY__INIT;
    Hsm__KeyRef ref = cluster_key_ref(object);
    CK_RV rv;

    request.of_case = HSM__REQUEST__OF_COPY;
    request.copy = &copy;
    copy.object = &ref;
    if ((copy.template_ = template_wire(t)) == NULL)
        return CKR_HOST_MEMORY;
    rv = cluster_ask_made(m, session, &request, &ref.id, ref.id != 0, out);
    template_wire_free(copy.template_);
    return rv;
}

/* A token object that an admin has changed without seeing it comes back without anything but its id. */
static enum err keep_changed(struct module *m, unsigned epoch, CK_OBJECT_HANDLE handle, const Hsm__Object *wire)
{
    struct known *o;
    enum err e;

    if (wire->id != (objects_is_session(handle) ? 0 : handle))
        return ERR_MALFORMED;
    if (wire->id != 0 && wire->version == 0)
        return ERR_OK;
    if ((e = known_from_wire(wire, &o)) != ERR_OK)
        return e;
    if (wire->id != 0)
        objects_put(&m->objects, epoch, o);
    else if (!objects_replace(&m->objects, handle, o))
        e = ERR_OBJECT_HANDLE; /* destroyed meanwhile */
    return e;
}

enum err cluster_set_attributes(struct module *m, CK_OBJECT_HANDLE handle, const struct known *object, const struct template *t)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__SetAttributes set = HSM__SET_ATTRIBUTES__INIT;
    Hsm__KeyRef ref = HSM__KEY_REF__INIT;
    Hsm__Reply *reply = NULL;
    unsigned epoch = objects_epoch(&m->objects);
    enum err e;

    request.of_case = HSM__REQUEST__OF_SET_ATTRIBUTES;
    request.set_attributes = &set;
    if (object != NULL)
        ref = cluster_key_ref(object);
    else
        ref.id = handle;
    set.object = &ref;
    if ((set.template_ = template_wire(t)) == NULL)
        return ERR_NO_MEMORY;
    e = cluster_ask(m, &request, &ref.id, ref.id != 0, HSM__REPLY__OF_OBJECTS, &reply);
    if (e == ERR_OK && reply->objects->n_objects != 1)
        e = ERR_MALFORMED;
    if (e == ERR_OK)
        e = keep_changed(m, epoch, handle, reply->objects->objects[0]);
    rpc_reply_free(reply);
    template_wire_free(set.template_);
    return e;
}
