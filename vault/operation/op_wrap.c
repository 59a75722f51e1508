/* C_WrapKey and C_WrapKeyAuthenticated. Who may go out, and under which keys: docs/decisions/009. */
#include <string.h>

#include "proto/attribute.h"
#include "vault/object/key_use.h"
#include "vault/object/lineage.h"
#include "vault/object/material.h"
#include "vault/object/named.h"
#include "vault/object/permitted.h"
#include "vault/object/public_use.h"
#include "vault/object/reply.h"
#include "vault/operation/operation.h"
#include "vault/operation/own_iv.h"
#include "vault/provider/wrap.h"

struct wrapping {
    struct work *work;
    struct key_use use;            /* a secret wrapping key */
    struct public_key *public_key; /* or a public one */
    struct named named;            /* either, unless it is in the module alone */
    bool trusted;
    Hsm__Mechanism given;          /* the request's, perhaps with a vector of ours */
    Hsm__AeadParams aead;
    struct wrap wrap;
};

static enum err wrapping_error(enum err e)
{
    switch ((int)e) {
    case ERR_KEY_HANDLE:
        return ERR_WRAPPING_KEY_HANDLE;
    case ERR_KEY_TYPE:
        return ERR_WRAPPING_KEY_TYPE;
    case ERR_KEY_SIZE:
        return ERR_WRAPPING_KEY_SIZE;
    default:
        return e;
    }
}

/* A public key that is in the module only comes along as it is: nobody trusts it. */
static enum err open_wrapping_key(struct wrapping *p, const Hsm__Wrap *call)
{
    const Hsm__KeyRef *ref = call->wrapping_key;
    const struct object *o = &p->named.object;
    enum err e;

    if (public_use_brings(ref))
        return public_use_open(p->work, ref, NULL, call->mechanism, CKF_WRAP, &p->use.mechanism, &p->public_key);
    if (ref != NULL && ref->info.len > 0)
        return ERR_KEY_HANDLE;
    if ((e = named_open(p->work, ref, &p->named)) != ERR_OK)
        return e == ERR_OBJECT_HANDLE ? ERR_KEY_HANDLE : e;
    p->trusted = object_bool(o, CKA_TRUSTED);
    if (object_ulong(o, CKA_CLASS, CK_UNAVAILABLE_INFORMATION) == CKO_PUBLIC_KEY)
        return public_use_open(p->work, ref, o, call->mechanism, CKF_WRAP, &p->use.mechanism, &p->public_key);
    return key_use_open(p->work, ref, call->mechanism, CKF_WRAP, &p->use);
}

static enum err may_go_out(const struct wrapping *p, const struct object *o)
{
    unsigned class_bit = attribute_class_bit(object_ulong(o, CKA_CLASS, CK_UNAVAILABLE_INFORMATION));

    if ((class_bit & (CLASS_PRIVATE | CLASS_SECRET)) == 0)
        return class_bit & (CLASS_PUBLIC | CLASS_OTP) ? ERR_KEY_NOT_WRAPPABLE : ERR_KEY_HANDLE;
    if (!object_bool(o, CKA_EXTRACTABLE))
        return ERR_KEY_UNEXTRACTABLE;
    if (object_bool(o, CKA_WRAP_WITH_TRUSTED) && !p->trusted) {
        work_detail(p->work, "the key's CKA_WRAP_WITH_TRUSTED is true, and the wrapping key's CKA_TRUSTED is not");
        return ERR_KEY_NOT_WRAPPABLE;
    }
    if (object_bool(o, CKA_ALWAYS_AUTHENTICATE) && work_policy(p->work) == POLICY_MODERN) {
        work_detail(p->work, "the key's CKA_ALWAYS_AUTHENTICATE is true, and unwrapped it would not be");
        return ERR_KEY_NOT_WRAPPABLE;
    }
    if (!lineage_fits(&p->named.object, CKA_WRAP_TEMPLATE, o)) {
        work_detail(p->work, "the key is not as the wrapping key's CKA_WRAP_TEMPLATE asks for");
        return ERR_KEY_NOT_WRAPPABLE;
    }
    return ERR_OK;
}

static enum err wrap_it(struct wrapping *p, const struct object *o, struct buffer *out)
{
    struct secret packed = {0};
    struct key *k = NULL;
    enum err e = material_load(p->wrap.libctx, o, &k);

    if (e == ERR_OK)
        e = wrap_pack(k, &packed);
    if (e == ERR_OK && (e = wrap_bytes(&p->wrap, &packed, out)) == ERR_KEY_SIZE)
        work_detail(p->work, "%s does not hold a key of %zu bytes", p->wrap.mechanism->name, packed.len);
    key_free(k);
    secret_clear(&packed);
    return e;
}

static enum err reply_wrapped(struct wrapping *p, const struct buffer *wrapped)
{
    Hsm__CipherReply *reply = work_memory(p->work, sizeof *reply);
    uint8_t *copy = work_memory(p->work, wrapped->len);

    if (reply == NULL || copy == NULL)
        return ERR_NO_MEMORY;
    hsm__cipher_reply__init(reply);
    memcpy(copy, wrapped->data, wrapped->len);
    reply->value = (ProtobufCBinaryData){.data = copy, .len = wrapped->len};
    if (p->given.aead == &p->aead)
        reply->iv = p->aead.iv;
    work_reply(p->work)->of_case = HSM__REPLY__OF_CIPHER;
    work_reply(p->work)->cipher = reply;
    return ERR_OK;
}

enum err op_wrap_decide(struct work *w)
{
    const Hsm__Wrap *call = work_request(w)->wrap;
    struct wrapping p = {.work = w};
    struct buffer wrapped = {0};
    struct named target;
    struct diag why = {0};
    enum err e = wrapping_error(open_wrapping_key(&p, call));

    if (e == ERR_OK)
        e = own_iv_make(w, call->mechanism, &p.given, &p.aead);
    if (e == ERR_OK) {
        p.wrap = (struct wrap){.libctx = work_vault(w)->libctx,
                               .mechanism = p.use.mechanism,
                               .given = &p.given,
                               .key = p.public_key == NULL ? p.use.key->key : NULL,
                               .public_key = p.public_key};
        e = wrapping_error(wrap_check(&p.wrap));
    }
    if (e == ERR_OK && !lineage_trusts(&p.named.object, p.wrap.mechanism, &p.given, true, &why))
        e = ERR_KEY_FUNCTION;
    if (e == ERR_OK && p.public_key != NULL)
        e = wrapping_error(permitted_size(w, p.wrap.mechanism, public_key_bits(p.public_key)));
    if (e == ERR_OK && (e = named_open(w, call->key, &target)) == ERR_OBJECT_HANDLE)
        e = ERR_KEY_HANDLE;
    if (e == ERR_OK)
        e = may_go_out(&p, &target.object);
    if (e == ERR_OK)
        e = wrap_it(&p, &target.object, &wrapped);
    if (e == ERR_OK)
        e = reply_wrapped(&p, &wrapped);
    buffer_clear(&wrapped);
    public_key_free(p.public_key);
    key_use_close(w, &p.use);
    return work_explain(w, e, &why);
}
