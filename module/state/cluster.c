#include "module/state/cluster.h"

#include <string.h>

#include "common/log.h"
#include "module/rpc/wipe_call.h"
#include "module/state/cluster_ask.h"
#include "module/state/login.h"
#include "module/state/policy.h"
#include "proto/request.h"

/* ---- a call and what is told of it */

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

/* Without a look at whether the login holds. */
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
    Hsm__Reply *reply = NULL;
    enum err e;

    request.of_case = HSM__REQUEST__OF_DESTROY;
    request.destroy = &destroy;
    destroy.id = id;
    e = cluster_ask(m, &request, &id, 1, HSM__REPLY__OF_EMPTY, &reply);
    if (e == ERR_OK || e == ERR_OBJECT_HANDLE)
        objects_drop(&m->objects, handle);
    rpc_reply_free(reply);
    return e;
}

/* ---- using keys */

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
    Hsm__Reply *reply = NULL;
    enum err e;

    request.of_case = HSM__REQUEST__OF_VERIFY;
    request.verify = &verify;
    verify.key = &ref;
    verify.mechanism = (Hsm__Mechanism *)(uintptr_t)k->mechanism;
    verify.data = cluster_bytes(k->data, k->data_bytes);
    verify.signature = cluster_bytes(signature, bytes);
    e = cluster_ask(m, &request, &ref.id, ref.id != 0, HSM__REPLY__OF_EMPTY, &reply);
    rpc_reply_free(reply);
    return e;
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
    Hsm__Reply *reply = NULL;
    enum err e;

    request.one_time = &call;
    call.verify = true;
    call.password = cluster_bytes(password, bytes);
    e = cluster_ask(m, &request, &ref.id, ref.id != 0, HSM__REPLY__OF_EMPTY, &reply);
    rpc_reply_free(reply);
    counted(m, &ref);
    return e;
}

/* The parts of a digest as they travel: each key with the bytes before it, then the bytes behind the last. */
struct digest_message {
    Hsm__DigestPart parts[2 * DIGEST_KEYS_MAX + 1];
    Hsm__DigestPart *list[2 * DIGEST_KEYS_MAX + 1];
    Hsm__KeyRef refs[DIGEST_KEYS_MAX];
    uint64_t ids[DIGEST_KEYS_MAX];
    size_t n, n_ids;
};

static Hsm__DigestPart *add_part(struct digest_message *d)
{
    Hsm__DigestPart *part = &d->parts[d->n];

    hsm__digest_part__init(part);
    d->list[d->n++] = part;
    return part;
}

static void add_key(struct digest_message *d, size_t i, const struct digest_part_key *k)
{
    const struct known_value *value = digest_part_value(k);
    Hsm__DigestPart *part = add_part(d);

    if (value != NULL) {
        part->data = cluster_bytes(value->bytes, value->n);
        return;
    }
    d->refs[i] = cluster_key_ref(k->key);
    part->key = &d->refs[i];
    if (d->refs[i].id != 0)
        d->ids[d->n_ids++] = d->refs[i].id;
}

static void fill_digest(const struct digest_parts *fed, struct digest_message *d)
{
    size_t from = 0;

    d->n = d->n_ids = 0;
    for (size_t i = 0; i < fed->n_keys; i++) {
        add_part(d)->data = cluster_bytes(fed->bytes.bytes + from, fed->keys[i].at - from);
        from = fed->keys[i].at;
        add_key(d, i, &fed->keys[i]);
    }
    add_part(d)->data = cluster_bytes(fed->bytes.bytes + from, fed->bytes.n - from);
}

enum err cluster_digest_key(struct module *m, const struct mechanism *digest, const struct digest_parts *fed, uint8_t *out, size_t *bytes)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__DigestKey digest_key = HSM__DIGEST_KEY__INIT;
    Hsm__Mechanism mechanism = HSM__MECHANISM__INIT;
    struct digest_message d;

    fill_digest(fed, &d);
    mechanism.type = digest->type;
    request.of_case = HSM__REQUEST__OF_DIGEST_KEY;
    request.digest_key = &digest_key;
    digest_key.mechanism = &mechanism;
    digest_key.parts = d.list;
    digest_key.n_parts = d.n;
    return cluster_ask_bytes(m, &request, d.ids, d.n_ids, out, bytes);
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
    e = ask_once(m, &request, NULL, 0, HSM__REPLY__OF_BYTES, &reply, NULL);
    rpc_reply_free(reply);
    return e;
}

/* ---- users */

enum err cluster_change_password(struct module *m, const char *name, struct bytes old, struct bytes new)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__ChangePassword change = HSM__CHANGE_PASSWORD__INIT;
    bool own = name == NULL;
    Hsm__Reply *reply = NULL;
    enum err e;

    request.of_case = HSM__REQUEST__OF_CHANGE_PASSWORD;
    request.change_password = &change;
    if (!own)
        change.name = (char *)(uintptr_t)name;
    change.old_password = cluster_bytes(old.bytes, old.n);
    change.new_password = cluster_bytes(new.bytes, new.n);
    e = ask_once(m, &request, NULL, 0, own ? HSM__REPLY__OF_LOGIN : HSM__REPLY__OF_EMPTY, &reply, NULL);
    if (e == ERR_OK && own) {
        e = rpc_take_login(m->rpc, reply->login);
        bytes_wipe(reply->login->secret.data, reply->login->secret.len);
    }
    rpc_reply_free(reply);
    return e;
}

/* Of a request that is answered by nothing but that it is done. */
static enum err ask_done(struct module *m, const Hsm__Request *request)
{
    Hsm__Reply *reply = NULL;
    enum err e = ask_once(m, request, NULL, 0, HSM__REPLY__OF_EMPTY, &reply, NULL);

    rpc_reply_free(reply);
    return e;
}

enum err cluster_user_create(struct module *m, const char *name, struct bytes password)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__UserCreate create = HSM__USER_CREATE__INIT;

    request.of_case = HSM__REQUEST__OF_USER_CREATE;
    request.user_create = &create;
    create.name = (char *)(uintptr_t)name;
    create.role = (char *)(uintptr_t)"crypto-user";
    create.password = cluster_bytes(password.bytes, password.n);
    return ask_done(m, &request);
}

enum err cluster_check_password(struct module *m, const struct secret *password)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Authorized authorized = HSM__AUTHORIZED__INIT;
    Hsm__Reply *reply = NULL;
    enum err e;

    cluster_authorize(&request, &authorized, password);
    e = cluster_ask(m, &request, NULL, 0, HSM__REPLY__OF_EMPTY, &reply);
    rpc_reply_free(reply);
    return e;
}

enum err cluster_activate(struct module *m, struct bytes password)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Activate activate = HSM__ACTIVATE__INIT;

    request.of_case = HSM__REQUEST__OF_ACTIVATE;
    request.activate = &activate;
    activate.password = cluster_bytes(password.bytes, password.n);
    return ask_done(m, &request);
}

enum err cluster_is_wipeable(struct module *m, bool *wipeable, uint64_t *version)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Status status = HSM__STATUS__INIT;
    Hsm__Reply *reply = NULL;
    enum err e;

    request.of_case = HSM__REQUEST__OF_STATUS;
    request.status = &status;
    e = ask_once(m, &request, NULL, 0, HSM__REPLY__OF_STATUS, &reply, NULL);
    if (e == ERR_OK) {
        *wipeable = reply->status->wipeable;
        *version = reply->status->cluster_version;
    }
    rpc_reply_free(reply);
    return e;
}

enum err cluster_wipe(struct module *m, uint64_t version)
{
    struct wipe_call w;
    bool more = true;
    enum err e = ERR_OK;

    wipe_call_begin(&w, version);
    while (more) {
        Hsm__Reply *reply = NULL;
        e = ask_once(m, &w.request, NULL, 0, HSM__REPLY__OF_WIPE, &reply, NULL);
        more = wipe_call_goes_on(&w, e, reply);
        rpc_reply_free(reply);
    }
    return e;
}
