/* C_GenerateKey. */
#include "proto/attribute.h"
#include "proto/key_kind.h"
#include "proto/limits.h"
#include "proto/mechanism.h"
#include "vault/object/material.h"
#include "vault/object/permitted.h"
#include "vault/object/reply.h"
#include "vault/object/schema.h"
#include "vault/operation/generate_domain.h"
#include "vault/operation/operation.h"
#include "vault/provider/generate.h"

/* A key from a password is a matter of seconds beyond so many iterations, of all blocks of the shortest hash. */
enum { BRIEF_ITERATIONS_MAX = 2000000, HASH_BYTES_LEAST = 20 };

static void release_key(void *key)
{
    key_free(key);
}

/* CKA_VALUE_LEN, which need not be given where there is but one. */
static enum err read_length(const struct key_kind *kind, const struct object *o, size_t *bytes, struct diag *why)
{
    if (!object_has(o, CKA_VALUE_LEN) && kind->bytes_min != kind->bytes_max && !key_kind_is_otp(kind)) {
        diag_set(why, "CKA_VALUE_LEN is missing");
        return ERR_TEMPLATE_INCOMPLETE;
    }
    *bytes = object_ulong(o, CKA_VALUE_LEN, key_kind_is_otp(kind) ? OTP_KEY_BYTES : kind->bytes_min);
    if (key_kind_has_length(kind, *bytes))
        return ERR_OK;
    diag_set(why, "CKA_VALUE_LEN: %s has %zu to %zu bytes, in steps of %zu", kind->name, kind->bytes_min, kind->bytes_max,
             kind->bytes_step);
    return ERR_ATTRIBUTE_VALUE;
}

/* A key from a password is of the type that the template says. */
static enum err read_type(struct work *w, const struct mechanism *m, CK_KEY_TYPE *type, struct diag *why)
{
    struct object given;
    enum err e;

    *type = m->key_type;
    if (m->family != FAMILY_PBKDF2)
        return ERR_OK;
    object_init(&given, reply_memory(w));
    if ((e = schema_take(work_request(w)->generate->template_, &given, why)) != ERR_OK)
        return e;
    *type = object_ulong(&given, CKA_KEY_TYPE, m->key_type);
    if (key_kind_is_secret(key_kind_find(*type)))
        return ERR_OK;
    diag_set(why, "CKA_KEY_TYPE is none of a secret key");
    return ERR_TEMPLATE_INCONSISTENT;
}

static bool is_lengthy(const Hsm__Pbkdf2Params *p, size_t bytes)
{
    return p->iterations > BRIEF_ITERATIONS_MAX / (bytes / HASH_BYTES_LEAST + 1);
}

static enum err make_key(struct work *w, const struct mechanism *m, CK_KEY_TYPE type, size_t bytes, struct key **out)
{
    const Hsm__Pbkdf2Params *password = work_request(w)->generate->mechanism->pbkdf2;
    OSSL_LIB_CTX *libctx = work_vault(w)->libctx;
    enum err e;

    if (m->family != FAMILY_PBKDF2)
        return generate_secret(libctx, type, bytes, out);
    if ((e = is_lengthy(password, bytes) ? work_lengthy(w) : work_dear(w)) != ERR_OK)
        return e;
    return generate_pbkdf2(libctx, password, type, bytes, out);
}

/* At the first time the key is made. */
static enum err make_secret(struct work *w, const struct mechanism *m, const struct schema *s, struct object *o, struct diag *why)
{
    struct key *k = work_kept(w);
    size_t bytes = 0;
    enum err e = read_length(key_kind_find(s->key_type), o, &bytes, why);

    if (e == ERR_OK && k == NULL && (e = make_key(w, m, s->key_type, bytes, &k)) == ERR_OK)
        work_keep(w, k, release_key);
    return e == ERR_OK ? material_put(k, o) : e;
}

/* The call, what the mechanism makes, and the whole object. */
static enum err make(struct work *w, struct object *o, struct diag *why)
{
    const Hsm__Generate *call = work_request(w)->generate;
    const struct mechanism *m;
    struct schema s = {.libctx = work_vault(w)->libctx, .way = SCHEMA_GENERATE};
    enum err e = permitted_mechanism(w, call->mechanism, CKF_GENERATE, &m);

    if (e != ERR_OK)
        return e;
    s.mechanism = m->type;
    s.object_class = mechanism_class_made(m);
    if ((e = read_type(w, m, &s.key_type, why)) != ERR_OK)
        return e;
    if ((e = schema_read(&s, call->template_, o, why)) != ERR_OK)
        return e;
    e = s.class_bit == CLASS_DOMAIN ? generate_domain(w, m, o, why) : make_secret(w, m, &s, o, why);
    return e == ERR_OK ? schema_complete(&s, o, why) : e;
}

enum err op_generate_decide(struct work *w)
{
    struct diag why = {0};
    struct object o;
    enum err e;

    object_init(&o, reply_memory(w));
    e = make(w, &o, &why);
    return e == ERR_OK ? reply_made(w, &o) : work_explain(w, e, &why);
}

enum err op_generate_answer(struct work *w)
{
    return reply_made_answer(w);
}
