/* C_DeriveKey. What the new key inherits: docs/decisions/009. Most mechanisms make one object; SP 800-108 makes as many as there are
 * templates, each from blocks of its own; CKM_TLS12_KEY_AND_MAC_DERIVE cuts its value into up to four keys and two initialization vectors,
 * which stand beside the objects in the reply. All are made, or none.
 *
 * A value is derived anew at each call: that is cheaper than to keep it. */
#include <string.h>

#include "proto/attribute.h"
#include "proto/key_kind.h"
#include "proto/limits.h"
#include "vault/object/key_use.h"
#include "vault/object/lineage.h"
#include "vault/object/material.h"
#include "vault/object/named.h"
#include "vault/object/permitted.h"
#include "vault/object/reply.h"
#include "vault/operation/operation.h"
#include "vault/provider/derive.h"

enum { TLS_KEYS = 4, MAC_KEYS = 2, VERSION_BYTES = 2, MAKERS_MAX = 1 + DERIVE_OTHERS_MAX };
enum { CLOSED_BYTES_MIN = 16 }; /* a shorter one could be tried out, and the next byte after it */

struct deriving {
    struct work *work;
    struct key_use base, others[DERIVE_OTHERS_MAX];
    const struct key *other_keys[DERIVE_OTHERS_MAX];
    struct named named[MAKERS_MAX]; /* the base key, then the others */
    size_t n_named;
    struct derive derive;
    struct lineage lineage;
    struct diag why;
    struct object *objects; /* room for DERIVED_KEYS_MAX, in the work's memory */
    size_t n;
    uint32_t template;      /* which one is looked at, from 1; 0: none */
    struct secret value; /* of which the objects are made */
};

static void close(struct deriving *d)
{
    secret_clear(&d->value);
    key_use_close(d->work, &d->base);
    for (size_t i = 0; i < DERIVE_OTHERS_MAX; i++)
        key_use_close(d->work, &d->others[i]);
}

static enum err open_others(struct deriving *d, const Hsm__Derive *call)
{
    enum err e = call->n_others <= DERIVE_OTHERS_MAX ? ERR_OK : ERR_MECHANISM_PARAM;

    for (size_t i = 0; e == ERR_OK && i < call->n_others; i++) {
        e = key_use_open(d->work, call->others[i], call->mechanism, CKF_DERIVE, &d->others[i]);
        if (e == ERR_OK)
            e = named_open(d->work, call->others[i], &d->named[d->n_named]);
        if (e != ERR_OK)
            break;
        d->other_keys[i] = d->others[i].key->key;
        lineage_derived_also(d->work, d->base.mechanism, &d->named[d->n_named++].object, &d->lineage);
    }
    return e;
}

static enum err open(struct deriving *d, struct work *w)
{
    const Hsm__Derive *call = work_request(w)->derive;
    enum err e;

    *d = (struct deriving){.work = w};
    e = key_use_open(w, call->key, call->mechanism, CKF_DERIVE, &d->base);
    if (e == ERR_OK)
        e = named_open(w, call->key, &d->named[0]);
    if (e != ERR_OK)
        return e;
    d->n_named = 1;
    lineage_derived(w, d->base.mechanism, &d->named[0].object, &d->lineage);
    if ((e = open_others(d, call)) != ERR_OK)
        return e;
    if ((d->objects = work_memory(w, DERIVED_KEYS_MAX * sizeof d->objects[0])) == NULL)
        return ERR_NO_MEMORY;
    d->derive = (struct derive){.libctx = work_vault(w)->libctx,
                                .mechanism = d->base.mechanism,
                                .given = call->mechanism,
                                .base = d->base.key->key,
                                .others = d->other_keys,
                                .n_others = call->n_others};
    return derive_check(&d->derive);
}

/* ---- one object */

/* How long the value is: as the template says, as keys of the type are, as the mechanism gives. */
static enum err length(struct deriving *d, const struct schema *s, const struct object *o, size_t *n)
{
    const struct key_kind *kind = key_kind_find(s->key_type);
    bool fixed = kind != NULL && kind->bytes_min == kind->bytes_max;

    *n = object_has(o, CKA_VALUE_LEN) ? object_ulong(o, CKA_VALUE_LEN, 0)
         : fixed                      ? kind->bytes_min
                                      : derive_bytes(&d->derive);
    if (*n == 0) {
        diag_set(&d->why, "CKA_VALUE_LEN is missing, or 0: the mechanism gives as many bytes as are asked for");
        return object_has(o, CKA_VALUE_LEN) ? ERR_ATTRIBUTE_VALUE : ERR_TEMPLATE_INCOMPLETE;
    }
    if (kind != NULL && !key_kind_has_length(kind, *n)) {
        diag_set(&d->why, "CKA_VALUE_LEN: %s has %zu to %zu bytes, in steps of %zu", kind->name, kind->bytes_min,
                 kind->bytes_max, kind->bytes_step);
        return ERR_TEMPLATE_INCONSISTENT;
    }
    if (d->lineage.closed && *n < CLOSED_BYTES_MIN && !derive_is_whole(&d->derive, *n)) {
        diag_set(&d->why, "CKA_VALUE_LEN: below %d bytes, what is derived from a key that is not to be read could be tried out",
                 CLOSED_BYTES_MIN);
        return ERR_KEY_SIZE;
    }
    if (d->lineage.whole && !derive_is_whole(&d->derive, *n)) {
        diag_set(&d->why,
                 "a part of a key that is not to be read is not made a key of its own: its value could be tried out");
        return ERR_KEY_SIZE;
    }
    return ERR_OK;
}

/* A secret key's value in stored form; data as it is. */
static enum err put_value(struct deriving *d, const struct schema *s, struct object *o, const uint8_t *bytes, size_t n)
{
    struct key *k = NULL;
    enum err e = object_put(o, CKA_VALUE, bytes, n);

    if (e != ERR_OK || s->key_type == NO_KEY_TYPE)
        return e;
    e = material_load(s->libctx, o, &k);
    if (e == ERR_OK && (e = material_put(k, o)) == ERR_OK)
        e = permitted_key(d->work, o);
    else if (e == ERR_ATTRIBUTE_VALUE)
        diag_set(&d->why, "what was derived is no key of this CKA_KEY_TYPE");
    key_free(k);
    return e;
}

static struct schema schema_for(const struct deriving *d)
{
    bool data = d->derive.mechanism->family == FAMILY_HKDF_DATA;

    return (struct schema){.libctx = d->derive.libctx,
                           .way = SCHEMA_DERIVE,
                           .object_class = data ? CKO_DATA : CKO_SECRET_KEY,
                           .key_type = data ? NO_KEY_TYPE : CKK_GENERIC_SECRET,
                           .base = d->lineage.base};
}

static enum err read_template(struct deriving *d, const Hsm__Template *given, struct schema *s, struct object *o)
{
    CK_OBJECT_CLASS made = s->object_class;
    const Hsm__Template *t = given;
    enum err e = ERR_OK;

    object_init(o, reply_memory(d->work));
    for (size_t i = 0; e == ERR_OK && i < d->n_named; i++)
        e = lineage_merge(d->work, &d->named[i].object, CKA_DERIVE_TEMPLATE, t, &t, &d->why);
    if (e == ERR_OK)
        e = schema_read(s, t, o, &d->why);
    if (e == ERR_OK && s->object_class != made) {
        diag_set(&d->why, "CKA_CLASS is not what the mechanism makes");
        e = ERR_TEMPLATE_INCONSISTENT;
    }
    return e;
}

static enum err complete(struct deriving *d, const struct schema *s, struct object *o)
{
    enum err e = schema_complete(s, o, &d->why);

    for (size_t i = 0; e == ERR_OK && i < d->n_named; i++)
        e = lineage_obeys(&d->named[i].object, CKA_DERIVE_TEMPLATE, o, &d->why);
    return e;
}

/* The keys of the templates: the call's own first. Where there are several, each begins at a block (PKCS#11 v3.1 section 6.42.6). */
struct part {
    struct schema schema;
    size_t at, n;
};

static enum err plan_part(struct deriving *d, const Hsm__Template *given, struct part *p, struct object *o)
{
    enum err e;

    p->schema = schema_for(d);
    e = read_template(d, given, &p->schema, o);
    if (e == ERR_OK && p->schema.class_bit == CLASS_DATA && d->lineage.closed) {
        diag_set(&d->why, "data that anybody can read is not made of a sensitive key");
        e = ERR_KEY_FUNCTION;
    }
    return e == ERR_OK ? length(d, &p->schema, o, &p->n) : e;
}

static enum err make_part(struct deriving *d, const struct part *p, struct object *o)
{
    enum err e = put_value(d, &p->schema, o, d->value.bytes + p->at, p->n);

    return e == ERR_OK ? complete(d, &p->schema, o) : e;
}

static enum err make_keys(struct deriving *d)
{
    const Hsm__Derive *call = work_request(d->work)->derive;
    size_t n = 1 + call->n_additional, block = derive_segment_bytes(&d->derive), whole = 0;
    struct part *parts;
    enum err e = ERR_OK;

    if (n > DERIVED_KEYS_MAX || (n > 1 && block == 0))
        return ERR_MECHANISM_PARAM;
    if ((parts = work_memory(d->work, n * sizeof parts[0])) == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        d->template = (uint32_t)i + 1;
        e = plan_part(d, i == 0 ? call->template_ : call->additional[i - 1], &parts[i], &d->objects[i]);
        if (e == ERR_OK && parts[i].n > DERIVE_BYTES_MAX)
            e = ERR_KEY_SIZE;
        if (e != ERR_OK)
            return e;
        parts[i].at = n > 1 ? (whole + block - 1) / block * block : 0;
        whole = parts[i].at + parts[i].n;
        d->derive.bytes_of_keys += parts[i].n;
    }
    d->template = 0;
    e = derive_value(&d->derive, whole, &d->value);
    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        d->template = (uint32_t)i + 1;
        e = make_part(d, &parts[i], &d->objects[i]);
    }
    d->n = n;
    return e;
}

/* ---- the four of TLS: MAC secrets, which are generic secrets, and keys as the template has them; client before server
 */

static enum err make_tls_key(struct deriving *d, bool mac, size_t at, size_t n)
{
    static const CK_ATTRIBUTE_TYPE mac_uses[] = {CKA_SIGN, CKA_VERIFY};
    struct schema s = schema_for(d);
    struct object *o = &d->objects[d->n++];
    enum err e = read_template(d, work_request(d->work)->derive->template_, &s, o);

    if (e == ERR_OK && object_has(o, CKA_VALUE_LEN) && object_ulong(o, CKA_VALUE_LEN, 0) != n && !mac)
        e = ERR_TEMPLATE_INCONSISTENT;
    if (e == ERR_OK && mac) {
        s.key_type = CKK_GENERIC_SECRET;
        e = object_put_ulong(o, CKA_KEY_TYPE, s.key_type);
        if (e == ERR_OK)
            e = object_put_ulong(o, CKA_VALUE_LEN, n);
        for (size_t i = 0; e == ERR_OK && i < sizeof mac_uses / sizeof mac_uses[0]; i++)
            e = object_put_bool(o, mac_uses[i], true);
    }
    if (e == ERR_OK && key_kind_find(s.key_type) != NULL && !key_kind_has_length(key_kind_find(s.key_type), n)) {
        diag_set(&d->why, "the parameter's sizes are none of this CKA_KEY_TYPE");
        e = ERR_TEMPLATE_INCONSISTENT;
    }
    if (e == ERR_OK)
        e = put_value(d, &s, o, d->value.bytes + at, n);
    return e == ERR_OK ? complete(d, &s, o) : e;
}

static enum err make_tls_keys(struct deriving *d)
{
    const Hsm__Tls12Params *p = d->derive.given->tls12;
    size_t sizes[] = {p->mac_bits / 8, p->mac_bits / 8, p->key_bits / 8, p->key_bits / 8}, at = 0;
    enum err e;

    if (work_request(d->work)->derive->n_additional > 0)
        return ERR_MECHANISM_PARAM;
    if (p->iv_bits > 0 && d->lineage.closed) {
        diag_set(
            &d->why,
            "initialization vectors are not given out of a sensitive key: with other sizes the same bytes are keys");
        return ERR_KEY_FUNCTION;
    }
    for (size_t i = 0; d->lineage.closed && i < TLS_KEYS; i++)
        if (sizes[i] > 0 && sizes[i] < CLOSED_BYTES_MIN) {
            diag_set(&d->why, "below %d bytes, a key made of a sensitive one could be tried out", CLOSED_BYTES_MIN);
            return ERR_KEY_SIZE;
        }
    e = derive_value(&d->derive, derive_bytes(&d->derive), &d->value);
    for (size_t i = 0; e == ERR_OK && i < TLS_KEYS; at += sizes[i++])
        if (sizes[i] > 0)
            e = make_tls_key(d, i < MAC_KEYS, at, sizes[i]);
    return e;
}

static enum err make(struct deriving *d)
{
    enum err e = d->derive.mechanism->family == FAMILY_TLS12_KEYS ? make_tls_keys(d) : make_keys(d);

    work_reply(d->work)->which = e != ERR_OK ? d->template : 0;
    return work_explain(d->work, e, &d->why);
}

/* ---- what stands beside the keys */

static enum err put_beside(const struct deriving *d, Hsm__ObjectsReply *reply)
{
    enum mechanism_family family = d->derive.mechanism->family;
    const uint8_t *from = NULL;
    size_t n = 0;

    if (family == FAMILY_TLS12_KEYS) {
        n = 2 * (size_t)(d->derive.given->tls12->iv_bits / 8);
        from = d->value.bytes + d->value.len - n;
    } else if ((family == FAMILY_TLS12_MASTER || family == FAMILY_TLS12_EXTENDED) && !d->lineage.sensitive) {
        n = VERSION_BYTES; /* the first bytes of what may be any key: only of one that can be read anyway */
        from = key_secret(d->derive.base)->bytes;
    }
    if (n == 0)
        return ERR_OK;
    if ((reply->beside.data = work_memory(d->work, n)) == NULL)
        return ERR_NO_MEMORY;
    memcpy(reply->beside.data, from, n);
    reply->beside.len = n;
    return ERR_OK;
}

/* ---- */

static bool is_token(const struct object *o)
{
    return object_bool(o, CKA_TOKEN);
}

/* The result of the change: an id for each key, 0 for a session object among them, which is made again where it is told of. */
static enum err store(struct deriving *d)
{
    uint64_t ids[DERIVED_KEYS_MAX] = {0};
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < d->n; i++)
        if (is_token(&d->objects[i]))
            e = reply_store(d->work, &d->objects[i], &ids[i]);
    return e == ERR_OK ? reply_ids_put(d->work, ids, d->n) : e;
}

static enum err tell(struct deriving *d)
{
    Hsm__ObjectsReply *reply;
    enum err e = reply_objects(d->work, DERIVED_KEYS_MAX, &reply);

    for (size_t i = 0; e == ERR_OK && i < d->n; i++)
        e = reply_add_session(d->work, reply, &d->objects[i]);
    return e == ERR_OK ? put_beside(d, reply) : e;
}

enum err op_derive_decide(struct work *w)
{
    struct deriving d;
    bool token = false;
    enum err e = open(&d, w);

    if (e == ERR_OK)
        e = make(&d);
    for (size_t i = 0; e == ERR_OK && i < d.n; i++)
        token = token || is_token(&d.objects[i]);
    if (e == ERR_OK)
        e = token ? store(&d) : tell(&d);
    close(&d);
    return e;
}

/* Token keys as they are now. The rest is derived again, from keys that may have gone meanwhile: then vectors and version are left out, and
 * session objects are no more. */
static enum err tell_made(struct deriving *d, enum err again, const uint64_t *ids, size_t n)
{
    Hsm__ObjectsReply *reply;
    enum err e = reply_objects(d->work, DERIVED_KEYS_MAX, &reply);

    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        if (ids[i] != 0)
            e = reply_add_made(d->work, reply, ids[i]);
        else
            e = again == ERR_OK && i < d->n ? reply_add_session(d->work, reply, &d->objects[i]) : ERR_OBJECT_HANDLE;
    }
    return e == ERR_OK && again == ERR_OK ? put_beside(d, reply) : e;
}

enum err op_derive_answer(struct work *w)
{
    struct deriving d;
    uint64_t ids[DERIVED_KEYS_MAX], wanted[DERIVED_KEYS_MAX];
    size_t n = 0, n_wanted = 0;
    enum err e = reply_ids_get(w, ids, DERIVED_KEYS_MAX, &n), again;

    for (size_t i = 0; i < n; i++)
        if (ids[i] != 0)
            wanted[n_wanted++] = ids[i];
    if (e == ERR_OK)
        e = work_want(w, wanted, n_wanted);
    if (e != ERR_OK)
        return e;
    again = open(&d, w);
    if (again == ERR_OK)
        again = make(&d);
    e = again == ERR_NEED || again == ERR_NO_MEMORY ? again : tell_made(&d, again, ids, n);
    close(&d);
    return e;
}
