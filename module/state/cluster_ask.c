#include "module/state/cluster_ask.h"

#include <string.h>

#include "common/log.h"
#include "module/state/login.h"
#include "module/state/policy.h"
#include "proto/request.h"

static void log_failure(struct module *m, const Hsm__Request *request, enum err e, const Hsm__Reply *reply)
{
    const struct request *row = request_find((uint32_t)request->of_case);
    struct diag why = {0};
    char text[DIAG_WHAT_BYTES + DIAG_WHERE_BYTES + DIAG_REMEDY_BYTES];

    if (e == ERR_LOST)
        rpc_last_failure(m->rpc, &why);
    if (reply != NULL && reply->detail[0] != '\0')
        diag_set(&why, "%s", reply->detail);
    if (why.what[0] == '\0')
        diag_set(&why, "%s", err_text(e));
    log_at(err_kind(e) == ERR_KIND_CALLER ? LOG_INFO : LOG_WARNING, "request_failed", "request=%s error=%s why=\"%s\"",
           row != NULL ? row->name : "?", err_name(e), diag_text(&why, text, sizeof text));
}

static enum err ask_once(struct module *m, const Hsm__Request *request, const uint64_t *ids, size_t n_ids, Hsm__Reply__OfCase wanted,
                         Hsm__Reply **out, uint32_t *which)
{
    struct rpc_call call = {.request = request, .ids = ids, .n_ids = n_ids};
    enum err e = rpc_call(m->rpc, &call, out);

    if (*out != NULL)
        policy_heard(m, (*out)->policy);
    if (e == ERR_OK && (*out)->of_case != wanted)
        e = ERR_MALFORMED;
    if (e != ERR_OK) {
        log_failure(m, request, e, *out);
        if (which != NULL)
            *which = *out != NULL ? (*out)->which : 0;
        rpc_reply_free(*out);
        *out = NULL;
    }
    return e;
}

/* A ticket that is refused may be that of a login which another thread has just renewed: then it is asked again under the new one. */
enum err cluster_ask_which(struct module *m, const Hsm__Request *request, const uint64_t *ids, size_t n_ids, Hsm__Reply__OfCase wanted,
                           Hsm__Reply **out, uint32_t *which)
{
    unsigned login = rpc_login_number(m->rpc);
    enum err e = ask_once(m, request, ids, n_ids, wanted, out, which);

    if ((e == ERR_TICKET || e == ERR_NOT_LOGGED_IN) && login != 0 && login_is_another(m, login))
        e = ask_once(m, request, ids, n_ids, wanted, out, which);
    return e;
}

enum err cluster_ask(struct module *m, const Hsm__Request *request, const uint64_t *ids, size_t n_ids, Hsm__Reply__OfCase wanted,
                     Hsm__Reply **out)
{
    return cluster_ask_which(m, request, ids, n_ids, wanted, out, NULL);
}

enum err cluster_ask_done(struct module *m, const Hsm__Request *request, const uint64_t *ids, size_t n_ids)
{
    Hsm__Reply *reply = NULL;
    enum err e = cluster_ask(m, request, ids, n_ids, HSM__REPLY__OF_EMPTY, &reply);

    rpc_reply_free(reply);
    return e;
}

enum err cluster_ask_once(struct module *m, const Hsm__Request *request, Hsm__Reply__OfCase wanted, Hsm__Reply **out)
{
    return ask_once(m, request, NULL, 0, wanted, out, NULL);
}

enum err cluster_ask_bytes(struct module *m, const Hsm__Request *request, const uint64_t *ids, size_t n_ids, uint8_t *out, size_t *n)
{
    Hsm__Reply *reply = NULL;
    enum err e = cluster_ask(m, request, ids, n_ids, HSM__REPLY__OF_BYTES, &reply);

    if (e == ERR_OK && (reply->bytes->value.len == 0 || reply->bytes->value.len > *n))
        e = ERR_MALFORMED;
    if (e == ERR_OK) {
        *n = reply->bytes->value.len;
        memcpy(out, reply->bytes->value.data, *n);
    }
    rpc_reply_free(reply);
    return e;
}

CK_RV cluster_ask_made(struct module *m, CK_SESSION_HANDLE session, const Hsm__Request *request, const uint64_t *ids, size_t n_ids,
                       CK_OBJECT_HANDLE *out)
{
    Hsm__Reply *reply = NULL;
    unsigned epoch = objects_epoch(&m->objects);
    CK_RV rv = err_to_rv(cluster_ask(m, request, ids, n_ids, HSM__REPLY__OF_OBJECTS, &reply));

    if (rv == CKR_OK && reply->objects->n_objects != 1)
        rv = CKR_GENERAL_ERROR;
    if (rv == CKR_OK)
        rv = cluster_keep_made(m, epoch, session, reply->objects->objects[0], out);
    rpc_reply_free(reply);
    return rv;
}

CK_RV cluster_keep_made(struct module *m, unsigned epoch, CK_SESSION_HANDLE session, const Hsm__Object *wire, CK_OBJECT_HANDLE *out)
{
    struct known *o;
    enum err e = wire->id < OBJECT_ID_LIMIT ? known_from_wire(wire, &o) : ERR_MALFORMED;

    if (e != ERR_OK)
        return err_to_rv(e);
    if (wire->id == 0)
        return objects_add(&m->objects, epoch, session, o, out);
    *out = wire->id;
    if (wire->version == 0)
        known_release(o); /* deleted again by the time that we heard of it */
    else
        objects_put(&m->objects, epoch, o);
    return CKR_OK;
}

/* ---- what requests are made of */

Hsm__KeyRef cluster_key_ref(const struct known *key)
{
    Hsm__KeyRef ref = HSM__KEY_REF__INIT;
    size_t n;
    const uint8_t *sealed = known_sealed(key, &n);

    ref.id = known_id(key);
    if (ref.id == 0)
        ref.sealed = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)sealed, .len = n};
    return ref;
}

void cluster_authorize(Hsm__Request *request, Hsm__Authorized *authorized, const struct secret *password)
{
    request->of_case = HSM__REQUEST__OF_AUTHORIZED;
    request->authorized = authorized;
    authorized->password = cluster_bytes(password->bytes, password->len);
}
