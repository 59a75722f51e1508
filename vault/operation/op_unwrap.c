/* C_UnwrapKey. What the new key may be: docs/decisions/009. */
#include "proto/attribute.h"
#include "proto/key_kind.h"
#include "vault/object/key_use.h"
#include "vault/object/lineage.h"
#include "vault/object/material.h"
#include "vault/object/named.h"
#include "vault/object/permitted.h"
#include "vault/object/reply.h"
#include "vault/operation/operation.h"
#include "vault/provider/wrap.h"

/* An RSA key of 4096 bits and what is wrapped around it fit; whose primes are longer takes seconds. */
enum { BRIEF_BYTES_MAX = 3584 };

static enum err unwrapping_error(enum err e)
{
    switch ((int)e) {
    case ERR_KEY_HANDLE:
        return ERR_UNWRAPPING_KEY_HANDLE;
    case ERR_KEY_TYPE:
        return ERR_UNWRAPPING_KEY_TYPE;
    case ERR_KEY_SIZE:
        return ERR_UNWRAPPING_KEY_SIZE;
    default:
        return e;
    }
}

static enum err put_secret(const struct schema *s, const struct object *wrapper, const struct secret *plain,
                           struct object *o)
{
    CK_ULONG wanted = object_ulong(o, CKA_VALUE_LEN, plain->len);
    enum err e;

    /* The value's length is as much to be kept from who asks as its padding is: no error of its own. Of a part of what
     * is not to be read, that is a key of its own, the bytes could be tried out one by one. */
    if (wanted > plain->len || ((s->base.sensitive || lineage_has_a_say(wrapper, CKA_UNWRAP_TEMPLATE)) && wanted != plain->len) ||
        !key_kind_has_length(key_kind_find(s->key_type), wanted))
        return ERR_WRAPPED_KEY;
    e = material_put_value(s->libctx, plain->bytes, wanted, o);
    return e == ERR_OK || e == ERR_NO_MEMORY ? e : ERR_WRAPPED_KEY;
}

static enum err put_private(const struct schema *s, const struct secret *plain, struct object *o)
{
    struct key *k = NULL;
    enum err e = wrap_unpack_private(s->libctx, plain, &k);

    if (e == ERR_OK && key_type(k) != s->key_type)
        e = ERR_WRAPPED_KEY;
    if (e == ERR_OK)
        e = material_put(k, o);
    key_free(k);
    return e;
}

static enum err unwrap(struct work *w, const struct key_use *use, const struct object *wrapper, struct object *o,
                       struct diag *why)
{
    const Hsm__Unwrap *call = work_request(w)->unwrap;
    struct wrap p = {
        .libctx = work_vault(w)->libctx, .mechanism = use->mechanism, .given = call->mechanism, .key = use->key->key};
    struct schema s = {.libctx = p.libctx,
                       .way = SCHEMA_UNWRAP,
                       .object_class = CK_UNAVAILABLE_INFORMATION,
                       .key_type = CK_UNAVAILABLE_INFORMATION};
    const Hsm__Template *t = NULL;
    struct secret plain = {0};
    enum err e = unwrapping_error(wrap_check(&p));

    lineage_unwrapped(w, wrapper, &s.base);
    if (e == ERR_OK && !lineage_trusts(wrapper, p.mechanism, p.given, false, why))
        e = ERR_KEY_FUNCTION;
    if (e == ERR_OK)
        e = lineage_merge(w, wrapper, CKA_UNWRAP_TEMPLATE, call->template_, &t, why);
    if (e == ERR_OK)
        e = schema_read(&s, t, o, why);
    if (e == ERR_OK && (s.class_bit & (CLASS_PRIVATE | CLASS_SECRET)) == 0) {
        diag_set(why, "CKA_CLASS: only private and secret keys can be unwrapped");
        e = ERR_TEMPLATE_INCONSISTENT;
    }
    if (e == ERR_OK && !lineage_may_unwrap(wrapper, &s.base, s.key_type)) {
        diag_set(why, "CKA_KEY_TYPE: what comes from under a key that is trusted, or has a CKA_UNWRAP_TEMPLATE without this "
                      "attribute, is made no key of DES that can be searched; name another type");
        e = ERR_TEMPLATE_INCONSISTENT;
    }
    /* A private key is checked once: primes for milliseconds, SLH-DSA for more, primes of an RSA key beyond 4096 bits for seconds. */
    if (e == ERR_OK && s.class_bit == CLASS_PRIVATE && call->wrapped.len > BRIEF_BYTES_MAX)
        e = work_lengthy(w);
    else if (e == ERR_OK && (s.class_bit == CLASS_PRIVATE || mechanism_is_dear(p.mechanism, key_size(p.key))))
        e = work_dear(w);
    if (e == ERR_OK)
        e = unwrap_bytes(&p, call->wrapped.data, call->wrapped.len, &plain);
    if (e == ERR_OK)
        e = s.class_bit == CLASS_SECRET ? put_secret(&s, wrapper, &plain, o) : put_private(&s, &plain, o);
    if (e == ERR_OK)
        e = permitted_key(w, o);
    secret_clear(&plain);
    if (e == ERR_OK)
        e = schema_complete(&s, o, why);
    return e == ERR_OK ? lineage_obeys(wrapper, CKA_UNWRAP_TEMPLATE, o, why) : e;
}

enum err op_unwrap_decide(struct work *w)
{
    const Hsm__Unwrap *call = work_request(w)->unwrap;
    struct key_use use;
    struct named wrapper;
    struct object o;
    struct diag why = {0};
    enum err e = key_use_open(w, call->unwrapping_key, call->mechanism, CKF_UNWRAP, &use);

    if (e == ERR_OK)
        e = named_open(w, call->unwrapping_key, &wrapper);
    e = unwrapping_error(e);
    object_init(&o, reply_memory(w));
    if (e == ERR_OK)
        e = unwrap(w, &use, &wrapper.object, &o, &why);
    key_use_close(w, &use);
    return e == ERR_OK ? reply_made(w, &o) : work_explain(w, e, &why);
}

enum err op_unwrap_answer(struct work *w)
{
    return reply_made_answer(w);
}
