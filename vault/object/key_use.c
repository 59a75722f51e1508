#include "vault/object/key_use.h"

#include <string.h>

#include "common/big_endian.h"
#include "proto/attribute.h"
#include "proto/derivation.h"
#include "vault/object/material.h"
#include "vault/object/named.h"
#include "vault/object/permitted.h"
#include "vault/object/reply.h"

/* What a request names a key by, opened: the body is authentic, and the name stands for it. */
struct opened_key {
    struct key_cache_name name;
    const uint8_t *body;
    size_t body_n;
    struct secret own; /* a session object's text */
};

static enum err open_token_key(struct work *w, uint64_t id, struct opened_key *k)
{
    const struct opened_record *r;
    enum err e = named_record(w, id, &r);

    if (e != ERR_OK)
        return e;
    k->name.id = id;
    k->name.version = r->header->version;
    memcpy(k->name.tag, r->tag, KEY_CACHE_TAG_BYTES);
    k->body = r->text.bytes;
    k->body_n = r->text.len;
    return ERR_OK;
}

static enum err open_session_key(struct work *w, const ProtobufCBinaryData *sealed, struct opened_key *k)
{
    enum err e = named_session_text(w, sealed, &k->own);

    if (e != ERR_OK)
        return e;
    memcpy(k->name.tag, sealed->data + sealed->len - KEY_CACHE_TAG_BYTES, KEY_CACHE_TAG_BYTES);
    k->body = k->own.bytes;
    k->body_n = k->own.len;
    return ERR_OK;
}

static void take_allowed(const struct object *o, struct cached_key *k)
{
    const struct object_attribute *a = object_find(o, CKA_ALLOWED_MECHANISMS);

    for (size_t at = 0; a != NULL && at + 8 <= a->n && k->n_allowed < ALLOWED_MECHANISMS_MAX; at += 8)
        k->allowed[k->n_allowed++] = (CK_MECHANISM_TYPE)u64_get(a->value + at);
}

static bool is_allowed(const struct cached_key *k, CK_MECHANISM_TYPE type)
{
    for (size_t i = 0; i < k->n_allowed; i++)
        if (k->allowed[i] == type)
            return true;
    return k->n_allowed == 0;
}

static enum err load(struct work *w, const struct opened_key *k, const struct cached_key **out)
{
    struct object o;
    struct cached_key made = {.may = 0};
    struct key *key = NULL;
    enum err e;

    object_init(&o, reply_memory(w));
    if ((e = object_read(&o, k->body, k->body_n)) != ERR_OK || (e = named_complete(w, &o)) != ERR_OK)
        return e;
    made.reference = o.reference;
    take_allowed(&o, &made);
    made.always_authenticate = object_bool(&o, CKA_ALWAYS_AUTHENTICATE);
    made.object_class = object_ulong(&o, CKA_CLASS, CK_UNAVAILABLE_INFORMATION);
    if (made.object_class == CKO_PUBLIC_KEY)
        return ERR_KEY_FUNCTION; /* the module verifies with public keys itself */
    if ((attribute_class_bit(made.object_class) & (CLASS_PRIVATE | CLASS_SECRET | CLASS_OTP)) == 0)
        return ERR_KEY_HANDLE;
    for (size_t i = 0; attribute_use_at(i) != 0; i++)
        if (object_bool(&o, attribute_of_use(attribute_use_at(i))))
            made.may |= attribute_use_at(i);
    if ((e = material_load(work_vault(w)->libctx, &o, &key)) != ERR_OK)
        return e == ERR_NO_MEMORY ? e : ERR_CORRUPT; /* it was checked when it was made */
    made.key = key;
    return key_cache_put(work_vault(w)->key_cache, &k->name, &made, out);
}

static enum err find_key(struct work *w, const Hsm__KeyRef *ref, const struct cached_key **out)
{
    struct opened_key k = {.body = NULL};
    enum err e = ERR_KEY_HANDLE;

    if (ref != NULL && ref->id != 0 && ref->sealed.len == 0)
        e = open_token_key(w, ref->id, &k);
    else if (ref != NULL && ref->id == 0 && ref->sealed.len > 0)
        e = open_session_key(w, &ref->sealed, &k);
    if (e == ERR_OK && (*out = key_cache_borrow(work_vault(w)->key_cache, &k.name)) == NULL)
        e = load(w, &k, out);
    secret_clear(&k.own);
    if (e == ERR_OK)
        e = named_reference_lives(w, (*out)->reference);
    return e == ERR_OBJECT_HANDLE ? ERR_KEY_HANDLE : e;
}

enum err key_use_open_authorized(struct work *w, const Hsm__KeyRef *ref, const Hsm__Mechanism *mechanism, CK_FLAGS use,
                                 struct key_use *u)
{
    enum err e;

    *u = (struct key_use){.given = mechanism};
    if ((e = permitted_mechanism(w, mechanism, use, &u->mechanism)) != ERR_OK || (e = find_key(w, ref, &u->key)) != ERR_OK)
        return e;
    /* Digests and derivations take keys of any type; what they make of this one's value would be worth all its passwords. */
    if (u->key->object_class == CKO_OTP_KEY && !mechanism_takes_key(u->mechanism, key_type(u->key->key)))
        return ERR_KEY_TYPE;
    if (derivation_is_use(u->mechanism, use) && attribute_of_use(use) != CK_UNAVAILABLE_INFORMATION && (u->key->may & use) == 0) {
        work_detail(w, "the key's %s is not true", attribute_find(attribute_of_use(use))->name);
        return ERR_KEY_FUNCTION;
    }
    if (!is_allowed(u->key, u->mechanism->type)) {
        work_detail(w, "%s is not among the key's CKA_ALLOWED_MECHANISMS", u->mechanism->name);
        return ERR_MECHANISM;
    }
    /* The size of another type of key is another thing: the family's check says so. */
    return mechanism_takes_key(u->mechanism, key_type(u->key->key)) ? permitted_size(w, u->mechanism, key_size(u->key->key)) : ERR_OK;
}

enum err key_use_open(struct work *w, const Hsm__KeyRef *ref, const Hsm__Mechanism *mechanism, CK_FLAGS use,
                      struct key_use *u)
{
    enum err e = key_use_open_authorized(w, ref, mechanism, use, u);

    return e == ERR_OK && u->key->always_authenticate && derivation_is_use(u->mechanism, use) ? ERR_REAUTHENTICATE : e;
}

void key_use_close(struct work *w, struct key_use *u)
{
    key_cache_give_back(work_vault(w)->key_cache, u->key);
    u->key = NULL;
}
