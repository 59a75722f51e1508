/* C_DeriveKey. What the new key inherits: docs/decisions/009. Most mechanisms make one object; SP 800-108 makes as many as there are
 * templates, each from blocks of its own; CKM_TLS12_KEY_AND_MAC_DERIVE cuts its value into up to four keys and two initialization vectors,
 * which stand beside the objects in the reply. All are made, or none.
 *
 * A value is derived anew at each call: that is cheaper than to keep it. */
#include <string.h>

#include "proto/derivation.h"
#include "vault/object/reply.h"
#include "vault/operation/deriving.h"
#include "vault/operation/operation.h"

enum { VERSION_BYTES = 2 };

static enum err make_objects(struct deriving *d)
{
    switch (derivation_of(d->derive.mechanism, d->derive.given).makes) {
    case DERIVATION_PUBLIC_KEY:
        return deriving_public_key(d);
    case DERIVATION_TLS_KEYS:
        return deriving_tls_keys(d);
    case DERIVATION_KEYS:
    case DERIVATION_DATA:
    case DERIVATION_BY_LETTER:
        break;
    }
    return deriving_keys(d);
}

static enum err make(struct deriving *d)
{
    enum err e = make_objects(d);

    work_reply(d->work)->which = e != ERR_OK ? d->template : 0;
    return work_explain(d->work, e, &d->why);
}

/* ---- what stands beside the keys */

static enum err put_beside(const struct deriving *d, Hsm__ObjectsReply *reply)
{
    const uint8_t *from = NULL;
    size_t n = 0;

    switch (derivation_of(d->derive.mechanism, d->derive.given).beside) {
    case DERIVATION_VECTORS:
        n = 2 * (size_t)(d->derive.given->tls12->iv_bits / 8);
        from = d->value.bytes + d->value.len - n;
        break;
    case DERIVATION_VERSION: /* the first bytes of what may be any key: only of one that can be read anyway */
        n = d->lineage.sensitive ? 0 : VERSION_BYTES;
        from = key_secret(d->derive.base)->bytes;
        break;
    case DERIVATION_ALONE:
        break;
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
    enum err e = deriving_open(&d, w);

    if (e == ERR_OK)
        e = make(&d);
    for (size_t i = 0; e == ERR_OK && i < d.n; i++)
        token = token || is_token(&d.objects[i]);
    if (e == ERR_OK)
        e = token ? store(&d) : tell(&d);
    deriving_close(&d);
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
    again = deriving_open(&d, w);
    if (again == ERR_OK)
        again = make(&d);
    e = again == ERR_NEED || again == ERR_PENDING || again == ERR_NO_MEMORY ? again : tell_made(&d, again, ids, n);
    deriving_close(&d);
    return e;
}
