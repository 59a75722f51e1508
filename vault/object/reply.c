#include "vault/object/reply.h"

#include <string.h>

#include "proto/limits.h"
#include "vault/object/named.h"
#include "vault/object/permitted.h"
#include "vault/object/session_object.h"
#include "vault/object/tokens.h"
#include "vault/object/validation.h"
#include "vault/object/view.h"

enum {
    ENVELOPE_BYTES_MAX = 1024, /* Reply, ObjectsReply and the channel's seal around the objects */
    REPLY_BYTES_MAX = FRAME_BYTES_MAX - FRAME_HEADER_BYTES_MAX - ENVELOPE_BYTES_MAX,
    ID_BYTES = 8
};

static void *take(void *work, size_t n)
{
    return work_memory(work, n);
}

struct object_memory reply_memory(struct work *w)
{
    return (struct object_memory){.take = take, .arg = w};
}

enum err reply_bytes(struct work *w, uint8_t *bytes, size_t n)
{
    Hsm__BytesReply *r = work_memory(w, sizeof *r);

    if (r == NULL)
        return ERR_NO_MEMORY;
    hsm__bytes_reply__init(r);
    r->value = (ProtobufCBinaryData){.data = bytes, .len = n};
    work_reply(w)->of_case = HSM__REPLY__OF_BYTES;
    work_reply(w)->bytes = r;
    return ERR_OK;
}

enum err reply_objects(struct work *w, size_t room, Hsm__ObjectsReply **out)
{
    Hsm__ObjectsReply *r = work_memory(w, sizeof *r);
    Hsm__Object **list = work_memory(w, (room + 1) * sizeof list[0]);

    if (r == NULL || list == NULL)
        return ERR_NO_MEMORY;
    hsm__objects_reply__init(r);
    r->objects = list;
    work_reply(w)->of_case = HSM__REPLY__OF_OBJECTS;
    work_reply(w)->objects = r;
    *out = r;
    return ERR_OK;
}

enum err reply_append(Hsm__ObjectsReply *r, Hsm__Object *object)
{
    r->objects[r->n_objects++] = object;
    if (r->n_objects == 1 || hsm__objects_reply__get_packed_size(r) <= REPLY_BYTES_MAX)
        return ERR_OK;
    r->n_objects--;
    return ERR_TOO_LARGE;
}

enum err reply_shown(const struct object *o, uint64_t id, uint64_t version, Hsm__Object **out)
{
    Hsm__Object *shown = o->memory.take(o->memory.arg, sizeof *shown);
    enum err e = shown != NULL ? view_object(o, id, version, shown) : ERR_NO_MEMORY;

    if (e == ERR_OK)
        *out = shown;
    return e;
}

enum err reply_add(Hsm__ObjectsReply *r, const struct object *o, uint64_t id, uint64_t version)
{
    Hsm__Object *shown;
    enum err e = reply_shown(o, id, version, &shown);

    return e == ERR_OK ? reply_append(r, shown) : e;
}

enum err reply_add_session(struct work *w, Hsm__ObjectsReply *r, const struct object *o)
{
    const struct cluster_view *view = keyring_view(work_vault(w)->keyring);
    Hsm__Object *object = work_memory(w, sizeof *object);
    struct buffer sealed = {0};
    struct object stripped;
    uint8_t *copy = NULL;
    enum err e = permitted_key(w, o);

    named_strip(o, &stripped);

    if (e == ERR_OK && view == NULL)
        e = ERR_WRONG_STATE;
    else if (e == ERR_OK && object == NULL)
        e = ERR_NO_MEMORY;
    else if (e == ERR_OK)
        e = session_object_seal(view->master, work_login(w)->user_id, &stripped, &sealed);
    keyring_view_done(work_vault(w)->keyring, view);
    if (e == ERR_OK && (copy = work_memory(w, sealed.len)) == NULL)
        e = ERR_NO_MEMORY;
    if (e == ERR_OK && (e = view_object(o, 0, 0, object)) == ERR_OK) {
        memcpy(copy, sealed.data, sealed.len);
        object->sealed = (ProtobufCBinaryData){.data = copy, .len = sealed.len};
        e = reply_append(r, object);
    }
    buffer_clear(&sealed);
    return e;
}

enum err reply_find(struct work *w, uint64_t id, const struct opened_record **r, struct object *o)
{
    enum err e = work_record(w, id, HSM__RECORD_KIND__RECORD_OBJECT, r);

    if (e != ERR_OK)
        return e;
    object_init(o, reply_memory(w));
    if ((e = object_read(o, (*r)->text.bytes, (*r)->text.len)) != ERR_OK)
        return e;
    return view_may_see(o, (*r)->header->owner, work_login(w)) ? ERR_OK : ERR_NOT_FOUND;
}

/* Under an id in a version, for an owner. */
static enum err store(struct work *w, const struct object *o, struct put *put)
{
    const struct cluster_view *view = keyring_view(work_vault(w)->keyring);
    struct object_tokens tokens;
    struct secret body = {0};
    enum err e = view != NULL ? tokens_of(view->index, o, put->owner, &tokens) : ERR_WRONG_STATE;

    keyring_view_done(work_vault(w)->keyring, view);
    if (e == ERR_OK && (e = object_pack(o, &body)) == ERR_OK) {
        put->kind = HSM__RECORD_KIND__RECORD_OBJECT;
        put->tokens = (const uint8_t (*)[INDEX_TOKEN_BYTES])tokens.list;
        put->n_tokens = tokens.n;
        put->body = body.bytes;
        put->body_bytes = body.len;
        e = work_put(w, put);
    }
    secret_clear(&body);
    return e;
}

enum err reply_store(struct work *w, const struct object *o, uint64_t *id)
{
    struct put put = {.version = 1, .owner = validation_is(o) ? 0 : work_login(w)->user_id}; /* it outlives the admin who made it */
    enum err e = permitted_key(w, o);

    if (e == ERR_OK)
        e = work_new_id(w, id);
    put.id = *id;
    return e == ERR_OK ? store(w, o, &put) : e;
}

enum err reply_store_changed(struct work *w, const struct object *o, const struct opened_record *now)
{
    struct put put = {.id = now->header->id, .version = now->header->version + 1, .owner = now->header->owner};

    return store(w, o, &put);
}

enum err reply_ids_put(struct work *w, const uint64_t *ids, size_t n)
{
    struct buffer bytes = {0};
    enum err e;

    for (size_t i = 0; i < n; i++)
        buffer_put_u64(&bytes, ids[i]);
    e = bytes.failed ? ERR_NO_MEMORY : work_result(w, bytes.data, bytes.len);
    buffer_clear(&bytes);
    return e;
}

enum err reply_ids_get(struct work *w, uint64_t *ids, size_t room, size_t *n)
{
    const Hsm__Outcome *outcome = work_outcome(w);
    struct cursor c;

    if (outcome->result.len == 0 || outcome->result.len % ID_BYTES != 0 || outcome->result.len / ID_BYTES > room)
        return ERR_CORRUPT;
    *n = outcome->result.len / ID_BYTES;
    cursor_init(&c, outcome->result.data, outcome->result.len);
    for (size_t i = 0; i < *n; i++)
        ids[i] = cursor_u64(&c);
    return ERR_OK;
}

enum err reply_add_made(struct work *w, Hsm__ObjectsReply *r, uint64_t id)
{
    const struct opened_record *record;
    struct object o;
    Hsm__Object *gone;
    enum err e = reply_find(w, id, &record, &o);

    if (e == ERR_OK)
        return reply_add(r, &o, id, record->header->version);
    if (e != ERR_NOT_FOUND)
        return e;
    if ((gone = work_memory(w, sizeof *gone)) == NULL)
        return ERR_NO_MEMORY;
    hsm__object__init(gone);
    gone->id = id;
    return reply_append(r, gone);
}

enum err reply_made(struct work *w, const struct object *o)
{
    Hsm__ObjectsReply *reply;
    uint64_t id;
    enum err e;

    if (object_bool(o, CKA_TOKEN)) {
        e = reply_store(w, o, &id);
        return e == ERR_OK ? reply_ids_put(w, &id, 1) : e;
    }
    e = reply_objects(w, 1, &reply);
    return e == ERR_OK ? reply_add_session(w, reply, o) : e;
}

enum err reply_made_answer(struct work *w)
{
    Hsm__ObjectsReply *reply;
    uint64_t id = 0;
    size_t n = 0;
    enum err e = reply_ids_get(w, &id, 1, &n);

    if (e == ERR_OK)
        e = reply_objects(w, 1, &reply);
    return e == ERR_OK ? reply_add_made(w, reply, id) : e;
}
