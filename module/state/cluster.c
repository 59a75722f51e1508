#include "module/state/cluster.h"

#include "module/state/cluster_ask.h"

/* ---- finding */

/* Objects of a page go into the cache; `found` may be NULL. */
static enum err take_objects(struct module *m, unsigned epoch, const Hsm__ObjectsReply *reply, struct found *found)
{
    for (size_t i = 0; i < reply->n_objects; i++) {
        const Hsm__Object *wire = reply->objects[i];
        struct known *o;
        enum err e = wire->id != 0 && wire->id < OBJECT_ID_LIMIT ? known_from_wire(wire, &o) : ERR_MALFORMED;
        if (e != ERR_OK)
            return e;
        objects_put(&m->objects, epoch, o);
        if (found != NULL && found->n < FIND_IDS_MAX)
            found->handles[found->n++] = wire->id;
    }
    return ERR_OK;
}

enum err cluster_find(struct module *m, const struct template *t, uint64_t *after, struct found *found)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Find find = HSM__FIND__INIT;
    Hsm__Reply *reply = NULL;
    unsigned epoch = objects_epoch(&m->objects);
    enum err e;

    request.of_case = HSM__REQUEST__OF_FIND;
    request.find = &find;
    find.template_ = template_wire(t);
    if (find.template_ == NULL)
        return ERR_NO_MEMORY;
    find.after_id = *after;
    find.limit = FIND_IDS_MAX;
    e = cluster_ask(m, &request, NULL, 0, HSM__REPLY__OF_OBJECTS, &reply);
    if (e == ERR_OK && reply->objects->n_objects > FIND_IDS_MAX)
        e = ERR_MALFORMED;
    if (e == ERR_OK)
        e = take_objects(m, epoch, reply->objects, found);
    if (e == ERR_OK && reply->objects->next_after_id != 0 && reply->objects->next_after_id <= *after)
        e = ERR_MALFORMED; /* it would never end */
    if (e == ERR_OK)
        *after = reply->objects->next_after_id;
    rpc_reply_free(reply);
    template_wire_free(find.template_);
    return e;
}

enum err cluster_get(struct module *m, CK_OBJECT_HANDLE handle)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Get get = HSM__GET__INIT;
    uint64_t id = handle;
    Hsm__Reply *reply = NULL;
    unsigned epoch = objects_epoch(&m->objects);
    enum err e;

    request.of_case = HSM__REQUEST__OF_GET;
    request.get = &get;
    get.ids = &id;
    get.n_ids = 1;
    e = cluster_ask(m, &request, &id, 1, HSM__REPLY__OF_OBJECTS, &reply);
    if (e == ERR_OK && reply->objects->n_objects == 0) {
        objects_drop(&m->objects, handle);
        e = ERR_OBJECT_HANDLE;
    }
    if (e == ERR_OK && (reply->objects->n_objects != 1 || reply->objects->objects[0]->id != id))
        e = ERR_MALFORMED;
    if (e == ERR_OK)
        e = take_objects(m, epoch, reply->objects, NULL);
    rpc_reply_free(reply);
    return e;
}

/* ---- making */

CK_RV cluster_create(struct module *m, CK_SESSION_HANDLE session, const struct template *t, CK_OBJECT_HANDLE *out)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Create create = HSM__CREATE__INIT;
    CK_RV rv;

    request.of_case = HSM__REQUEST__OF_CREATE;
    request.create = &create;
    create.template_ = template_wire(t);
    if (create.template_ == NULL)
        return CKR_HOST_MEMORY;
    rv = cluster_ask_made(m, session, &request, NULL, 0, out);
    template_wire_free(create.template_);
    return rv;
}

CK_RV cluster_generate_pair(struct module *m, CK_SESSION_HANDLE session, const Hsm__Mechanism *mechanism,
                            const struct template *public_half, const struct template *private_half, CK_OBJECT_HANDLE *public_key,
                            CK_OBJECT_HANDLE *private_key)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__GeneratePair generate = HSM__GENERATE_PAIR__INIT;
    CK_OBJECT_HANDLE handles[2] = {0};
    Hsm__Reply *reply = NULL;
    unsigned epoch = objects_epoch(&m->objects);
    CK_RV rv = CKR_HOST_MEMORY;

    request.of_case = HSM__REQUEST__OF_GENERATE_PAIR;
    request.generate_pair = &generate;
    generate.mechanism = (Hsm__Mechanism *)(uintptr_t)mechanism; /* only read */
    generate.public_template = template_wire(public_half);
    generate.private_template = template_wire(private_half);
    if (generate.public_template != NULL && generate.private_template != NULL)
        rv = err_to_rv(cluster_ask(m, &request, NULL, 0, HSM__REPLY__OF_OBJECTS, &reply));
    if (rv == CKR_OK && reply->objects->n_objects != 2)
        rv = CKR_GENERAL_ERROR;
    for (size_t i = 0; rv == CKR_OK && i < 2; i++)
        rv = cluster_keep_made(m, epoch, session, reply->objects->objects[i], &handles[i]);
    if (rv == CKR_OK) {
        *public_key = handles[0];
        *private_key = handles[1];
    } else if (objects_is_session(handles[0])) {
        objects_drop(&m->objects, handles[0]);
    }
    rpc_reply_free(reply);
    template_wire_free(generate.public_template);
    template_wire_free(generate.private_template);
    return rv;
}

CK_RV cluster_generate(struct module *m, CK_SESSION_HANDLE session, const Hsm__Mechanism *mechanism, const struct template *t,
                       CK_OBJECT_HANDLE *out)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Generate generate = HSM__GENERATE__INIT;
    CK_RV rv;

    request.of_case = HSM__REQUEST__OF_GENERATE;
    request.generate = &generate;
    generate.mechanism = (Hsm__Mechanism *)(uintptr_t)mechanism; /* only read */
    generate.template_ = template_wire(t);
    if (generate.template_ == NULL)
        return CKR_HOST_MEMORY;
    rv = cluster_ask_made(m, session, &request, NULL, 0, out);
    template_wire_free(generate.template_);
    return rv;
}

enum err cluster_destroy(struct module *m, CK_OBJECT_HANDLE handle)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Destroy destroy = HSM__DESTROY__INIT;
    uint64_t id = handle;
    enum err e;

    request.of_case = HSM__REQUEST__OF_DESTROY;
    request.destroy = &destroy;
    destroy.id = id;
    e = cluster_ask_done(m, &request, &id, 1);
    if (e == ERR_OK || e == ERR_OBJECT_HANDLE)
        objects_drop(&m->objects, handle);
    return e;
}

/* The cheapest question that any vault answers to anybody, at any time. */
enum err cluster_hear(struct module *m)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__GenerateRandom random = HSM__GENERATE_RANDOM__INIT;
    Hsm__Reply *reply = NULL;
    enum err e;

    request.of_case = HSM__REQUEST__OF_GENERATE_RANDOM;
    request.generate_random = &random;
    random.bytes = 1;
    e = cluster_ask_once(m, &request, HSM__REPLY__OF_BYTES, &reply);
    rpc_reply_free(reply);
    return e;
}
