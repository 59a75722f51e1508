#include "vault/object/named.h"

#include "proto/attribute.h"
#include "vault/keyring.h"
#include "vault/object/reply.h"
#include "vault/object/session_object.h"

static bool is_secret_part(CK_ATTRIBUTE_TYPE type)
{
    const struct attribute *row = attribute_find(type);

    return row != NULL && row->flags & ATTRIBUTE_MATERIAL && row->flags & ATTRIBUTE_SENSITIVE;
}

void named_strip(const struct object *o, struct object *out)
{
    object_init(out, o->memory);
    out->reference = o->reference;
    for (size_t i = 0; i < o->n; i++)
        if (o->reference == 0 || !is_secret_part(o->attributes[i].type))
            out->attributes[out->n++] = o->attributes[i];
}

enum err named_record(struct work *w, uint64_t id, const struct opened_record **out)
{
    enum err e = work_record(w, id, HSM__RECORD_KIND__RECORD_OBJECT, out);

    return e == ERR_NOT_FOUND || (e == ERR_OK && (*out)->header->owner != work_login(w)->user_id) ? ERR_OBJECT_HANDLE : e;
}

enum err named_session_text(struct work *w, const ProtobufCBinaryData *sealed, struct secret *out)
{
    const struct cluster_view *view = keyring_view(work_vault(w)->keyring);
    enum err e = ERR_WRONG_STATE;

    if (view != NULL)
        e = session_object_open(view->master, work_login(w)->user_id, sealed->data, sealed->len, out);
    keyring_view_done(work_vault(w)->keyring, view);
    return e == ERR_FORGED ? ERR_OBJECT_HANDLE : e; /* another user's, or of a cluster that is no more */
}

/* What a copy refers to. A copy from before an admin has trusted the key has uses that he has not seen. */
static enum err open_original(struct work *w, uint64_t reference, struct object *out)
{
    const struct opened_record *r;
    enum err e = named_record(w, reference, &r);

    object_init(out, reply_memory(w));
    if (e == ERR_OK)
        e = object_read(out, r->text.bytes, r->text.len);
    return e == ERR_OK && object_bool(out, CKA_TRUSTED) ? ERR_OBJECT_HANDLE : e;
}

enum err named_reference_lives(struct work *w, uint64_t reference)
{
    struct object original;

    return reference == 0 ? ERR_OK : open_original(w, reference, &original);
}

/* A copy from before its original was closed is closed with it. */
static enum err put_stricter(struct object *o, const struct object *original)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        bool strict;
    } flags[] = {{CKA_SENSITIVE, true}, {CKA_EXTRACTABLE, false}, {CKA_WRAP_WITH_TRUSTED, true}, {CKA_COPYABLE, false}};
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < sizeof flags / sizeof flags[0]; i++)
        if (object_has(original, flags[i].type) && object_bool(original, flags[i].type) == flags[i].strict)
            e = object_put_bool(o, flags[i].type, flags[i].strict);
    return e;
}

enum err named_complete(struct work *w, struct object *o)
{
    struct object original;
    enum err e;

    if (o->reference == 0)
        return ERR_OK;
    e = open_original(w, o->reference, &original);
    for (size_t i = 0; e == ERR_OK && i < original.n; i++)
        if (is_secret_part(original.attributes[i].type))
            e = object_put(o, original.attributes[i].type, original.attributes[i].value, original.attributes[i].n);
    return e == ERR_OK ? put_stricter(o, &original) : e;
}

static enum err open_session(struct work *w, const ProtobufCBinaryData *sealed, struct named *out)
{
    struct secret text = {0};
    enum err e = named_session_text(w, sealed, &text);

    object_init(&out->object, reply_memory(w));
    if (e == ERR_OK)
        e = object_read(&out->object, text.bytes, text.len);
    secret_clear(&text);
    return e == ERR_OK ? named_complete(w, &out->object) : e;
}

static enum err not_there(enum err e)
{
    return e == ERR_NOT_FOUND ? ERR_OBJECT_HANDLE : e;
}

enum err named_open(struct work *w, const Hsm__KeyRef *ref, struct named *out)
{
    *out = (struct named){.id = ref != NULL ? ref->id : 0};
    if (ref != NULL && ref->id == 0 && ref->sealed.len > 0)
        return open_session(w, &ref->sealed, out);
    if (ref == NULL || ref->id == 0 || ref->sealed.len > 0)
        return ERR_OBJECT_HANDLE;
    return not_there(reply_find(w, ref->id, &out->record, &out->object));
}

enum err named_open_any(struct work *w, const Hsm__KeyRef *ref, struct named *out)
{
    enum err e;

    *out = (struct named){.id = ref != NULL ? ref->id : 0};
    if (ref == NULL || ref->id == 0 || ref->sealed.len > 0)
        return ERR_OBJECT_HANDLE;
    e = not_there(work_record(w, ref->id, HSM__RECORD_KIND__RECORD_OBJECT, &out->record));
    object_init(&out->object, reply_memory(w));
    return e == ERR_OK ? object_read(&out->object, out->record->text.bytes, out->record->text.len) : e;
}
