/* C_EncapsulateKey and C_DecapsulateKey (PKCS #11 3.2 sections 5.18.8 and 5.18.9). The secret is made here on both sides, so that it is an
 * object from its first moment and no application's process sees it unless its template says so. A public key that is in the module only
 * comes along as it is: whether it may encapsulate was the module's to ask.
 *
 * A command's result is the object's id and, of an encapsulation, the ciphertext: a retry is told the first one. */
#include <string.h>

#include "common/buffer.h"
#include "proto/key_kind.h"
#include "vault/object/key_use.h"
#include "vault/object/lineage.h"
#include "vault/object/material.h"
#include "vault/object/named.h"
#include "vault/object/permitted.h"
#include "vault/object/public_use.h"
#include "vault/object/reply.h"
#include "vault/object/schema.h"
#include "vault/operation/operation.h"
#include "vault/provider/ml_kem.h"

enum { ID_BYTES = 8 };

/* The whole secret is the key: a shorter one is derived from it. */
static enum err check_length(const struct schema *s, const struct object *o, struct diag *why)
{
    const struct key_kind *kind = key_kind_find(s->key_type);

    if (kind != NULL && key_kind_has_length(kind, ML_KEM_SECRET_BYTES) &&
        object_ulong(o, CKA_VALUE_LEN, ML_KEM_SECRET_BYTES) == ML_KEM_SECRET_BYTES)
        return ERR_OK;
    diag_set(why, "the new key has %d bytes: derive one of another length from it", ML_KEM_SECRET_BYTES);
    return ERR_TEMPLATE_INCONSISTENT;
}

static enum err read_template(struct work *w, const Hsm__Template *template, const struct schema_base *base, struct schema *s,
                              struct object *o, struct diag *why)
{
    enum err e;

    *s = (struct schema){.libctx = work_vault(w)->libctx,
                         .way = SCHEMA_ENCAPSULATE,
                         .object_class = CKO_SECRET_KEY,
                         .key_type = CKK_GENERIC_SECRET,
                         .base = *base};
    object_init(o, reply_memory(w));
    e = schema_read(s, template, o, why);
    if (e == ERR_OK && s->object_class != CKO_SECRET_KEY) {
        diag_set(why, "CKA_CLASS is not what the mechanism makes");
        e = ERR_TEMPLATE_INCONSISTENT;
    }
    return e == ERR_OK ? check_length(s, o, why) : e;
}

static enum err put_value(struct work *w, const struct schema *s, const struct secret *secret, struct object *o, struct diag *why)
{
    enum err e = material_put_value(s->libctx, secret->bytes, secret->len, o);

    if (e == ERR_OK)
        e = permitted_key(w, o);
    return e == ERR_OK ? schema_complete(s, o, why) : e;
}

/* The object, stored or attached, with the ciphertext beside it. */
static enum err give(struct work *w, const struct object *o, uint8_t *ciphertext, size_t n)
{
    Hsm__ObjectsReply *reply;
    struct buffer result = {0};
    uint64_t id;
    enum err e;

    if (!object_bool(o, CKA_TOKEN)) {
        if ((e = reply_objects(w, 1, &reply)) == ERR_OK && (e = reply_add_session(w, reply, o)) == ERR_OK)
            reply->beside = (ProtobufCBinaryData){.data = ciphertext, .len = n};
        return e;
    }
    if ((e = reply_store(w, o, &id)) != ERR_OK)
        return e;
    buffer_put_u64(&result, id);
    buffer_put(&result, ciphertext, n);
    e = result.failed ? ERR_NO_MEMORY : work_result(w, result.data, result.len);
    buffer_clear(&result);
    return e;
}

static enum err answer(struct work *w)
{
    const Hsm__Outcome *outcome = work_outcome(w);
    size_t n = outcome->result.len;
    Hsm__ObjectsReply *reply;
    struct cursor c;
    uint64_t id;
    enum err e;

    if (n <= ID_BYTES)
        return ERR_CORRUPT;
    cursor_init(&c, outcome->result.data, n);
    id = cursor_u64(&c);
    if ((e = reply_objects(w, 1, &reply)) != ERR_OK || (e = reply_add_made(w, reply, id)) != ERR_OK)
        return e;
    if ((reply->beside.data = work_memory(w, n - ID_BYTES)) == NULL)
        return ERR_NO_MEMORY;
    memcpy(reply->beside.data, outcome->result.data + ID_BYTES, n - ID_BYTES);
    reply->beside.len = n - ID_BYTES;
    return ERR_OK;
}

/* ---- a public key's side */

struct encapsulating {
    const struct mechanism *mechanism;
    struct public_key *key;
    struct named own;
    const struct object *object; /* NULL: the request brings the key along */
    struct secret secret;
    uint8_t *ciphertext;
    size_t n;
};

static enum err open_public(struct work *w, const Hsm__Encapsulate *call, struct encapsulating *p)
{
    const Hsm__KeyRef *ref = call->public_key;
    enum err e;

    if (!public_use_brings(ref)) {
        if (ref != NULL && ref->info.len > 0)
            return ERR_KEY_HANDLE;
        if ((e = named_open(w, ref, &p->own)) != ERR_OK)
            return e == ERR_OBJECT_HANDLE ? ERR_KEY_HANDLE : e;
        p->object = &p->own.object;
        if (object_ulong(p->object, CKA_CLASS, CK_UNAVAILABLE_INFORMATION) != CKO_PUBLIC_KEY)
            return ERR_KEY_FUNCTION;
    }
    e = public_use_open(w, ref, p->object, call->mechanism, CKF_ENCAPSULATE, &p->mechanism, &p->key);
    return e == ERR_OK && public_key_type(p->key) != p->mechanism->key_type ? ERR_KEY_TYPE : e;
}

static enum err encapsulate(struct work *w, struct encapsulating *p)
{
    p->n = public_key_set(p->key)->output_bytes;
    if ((p->ciphertext = work_memory(w, p->n)) == NULL)
        return ERR_NO_MEMORY;
    return ml_kem_encapsulate(work_vault(w)->libctx, p->key, &p->secret, p->ciphertext);
}

/* Nobody has had this secret before, so it owes nothing to any key: who wants it open could have made it outside. */
static const struct schema_base fresh = {.sensitive = false};

enum err op_encapsulate_decide(struct work *w)
{
    const Hsm__Encapsulate *call = work_request(w)->encapsulate;
    const Hsm__Template *template = call->template_;
    struct encapsulating p = {.n = 0};
    struct diag why = {0};
    struct object o;
    struct schema s;
    enum err e = open_public(w, call, &p);

    if (e == ERR_OK && p.object != NULL)
        e = lineage_merge(w, p.object, CKA_ENCAPSULATE_TEMPLATE, call->template_, &template, &why);
    if (e == ERR_OK)
        e = read_template(w, template, &fresh, &s, &o, &why);
    if (e == ERR_OK)
        e = encapsulate(w, &p);
    if (e == ERR_OK)
        e = put_value(w, &s, &p.secret, &o, &why);
    if (e == ERR_OK && p.object != NULL)
        e = lineage_obeys(p.object, CKA_ENCAPSULATE_TEMPLATE, &o, &why);
    if (e == ERR_OK)
        e = give(w, &o, p.ciphertext, p.n);
    secret_clear(&p.secret);
    public_key_free(p.key);
    return work_explain(w, e, &why);
}

enum err op_encapsulate_answer(struct work *w)
{
    return answer(w);
}

/* ---- a private key's side */

enum err op_decapsulate_decide(struct work *w)
{
    const Hsm__Decapsulate *call = work_request(w)->decapsulate;
    const Hsm__Template *template = NULL;
    struct secret secret = {0};
    struct diag why = {0};
    struct schema_base base;
    struct key_use use;
    struct named own;
    struct object o;
    struct schema s;
    enum err e = key_use_open(w, call->key, call->mechanism, CKF_DECAPSULATE, &use);

    if (e == ERR_OK && !mechanism_takes_key(use.mechanism, key_type(use.key->key)))
        e = ERR_KEY_TYPE;
    if (e == ERR_OK)
        e = named_open(w, call->key, &own);
    if (e == ERR_OK)
        e = lineage_merge(w, &own.object, CKA_DECAPSULATE_TEMPLATE, call->template_, &template, &why);
    if (e == ERR_OK)
        lineage_decapsulated(w, &own.object, &base);
    if (e == ERR_OK)
        e = read_template(w, template, &base, &s, &o, &why);
    if (e == ERR_OK)
        e = ml_kem_decapsulate(s.libctx, use.key->key, call->ciphertext.data, call->ciphertext.len, &secret);
    if (e == ERR_OK)
        e = put_value(w, &s, &secret, &o, &why);
    if (e == ERR_OK)
        e = lineage_obeys(&own.object, CKA_DECAPSULATE_TEMPLATE, &o, &why);
    if (e == ERR_OK)
        e = reply_made(w, &o);
    secret_clear(&secret);
    key_use_close(w, &use);
    return work_explain(w, e, &why);
}

enum err op_decapsulate_answer(struct work *w)
{
    return reply_made_answer(w);
}
