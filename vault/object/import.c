#include "vault/object/import.h"

#include "crypto/field.h"
#include "proto/attribute.h"
#include "proto/key_kind.h"
#include "proto/limits.h"
#include "vault/object/certificate.h"
#include "vault/object/material.h"
#include "vault/object/validation.h"
#include "vault/work.h"

/* Which parts a key is made of, for whoever left one out. */
static const char *parts_text(const struct schema *s)
{
    if (s->class_bit & (CLASS_SECRET | CLASS_OTP))
        return "CKA_VALUE";
    if (parameter_set_makes(s->key_type))
        return s->class_bit == CLASS_PUBLIC || s->key_type == CKK_SLH_DSA ? "CKA_PARAMETER_SET and CKA_VALUE"
                                                                          : "CKA_PARAMETER_SET, and CKA_SEED or CKA_VALUE or both";
    if (s->class_bit == CLASS_DOMAIN)
        return s->key_type == CKK_DSA ? "CKA_PRIME, CKA_SUBPRIME and CKA_BASE" : "CKA_PRIME and CKA_BASE";
    if (field_makes(s->key_type))
        return s->key_type == CKK_DSA ? "CKA_PRIME, CKA_SUBPRIME, CKA_BASE and CKA_VALUE" : "CKA_PRIME, CKA_BASE and CKA_VALUE";
    if (s->class_bit == CLASS_PUBLIC)
        return s->key_type == CKK_RSA ? "CKA_MODULUS and CKA_PUBLIC_EXPONENT" : "CKA_EC_PARAMS and CKA_EC_POINT";
    return s->key_type != CKK_RSA ? "CKA_EC_PARAMS and CKA_VALUE"
                                  : "CKA_MODULUS, CKA_PUBLIC_EXPONENT and CKA_PRIVATE_EXPONENT, and CKA_PRIME_1 with "
                                   "CKA_PRIME_2 or nothing of what follows them";
}

static void explain_length(CK_KEY_TYPE type, struct diag *why)
{
    const struct key_kind *kind = key_kind_find(type);

    if (type == CKK_AES_XTS)
        diag_set(why, "CKA_VALUE: XTS keys have 32 or 64 bytes, and two halves that differ");
    else if (kind->bytes_min == kind->bytes_max)
        diag_set(why, "CKA_VALUE: such keys have %zu bytes", kind->bytes_min);
    else
        diag_set(why, "CKA_VALUE: such keys have %zu to %zu bytes%s", kind->bytes_min, kind->bytes_max,
                 kind->bytes_step > 1 ? ", in steps of 8" : "");
}

static void explain(enum err e, const struct schema *s, struct diag *why)
{
    if (e == ERR_TEMPLATE_INCOMPLETE)
        diag_set(why, "such an object needs %s", parts_text(s));
    else if (e == ERR_TEMPLATE_INCONSISTENT)
        diag_set(why, "the parts of the key do not belong together");
    else if (e == ERR_ATTRIBUTE_VALUE && s->class_bit & (CLASS_SECRET | CLASS_OTP))
        explain_length(s->key_type, why);
    else if (e == ERR_ATTRIBUTE_VALUE)
        diag_set(why, "a part of the key is out of range: it has %s", parts_text(s));
    else if (e == ERR_PARAMETER_SET)
        diag_set(why, "CKA_PARAMETER_SET is none of this CKA_KEY_TYPE's");
    else if (e == ERR_CURVE)
        diag_set(why, "CKA_EC_PARAMS names none of the supported curves of this CKA_KEY_TYPE");
    else if (e == ERR_KEY_SIZE && s->key_type == CKK_RSA)
        diag_set(why, "CKA_MODULUS: RSA keys have %u to %u bits", RSA_BITS_MIN, RSA_BITS_MAX);
    else if (e == ERR_KEY_SIZE && field_makes(s->key_type))
        diag_set(why, "%s", field_size_text(s->key_type));
    else if (e == ERR_DOMAIN_PARAMS)
        diag_set(why, s->key_type == CKK_DSA ? "CKA_PRIME, CKA_SUBPRIME and CKA_BASE are no parameters of DSA"
                                             : "CKA_PRIME is no safe prime: p and (p - 1) / 2 have to be primes");
}

static enum err import_private(const struct schema *s, struct key **checked, struct object *o)
{
    struct key *k = NULL;
    enum err e = ERR_OK;

    if (*checked == NULL && (e = material_load(s->libctx, o, &k)) == ERR_OK &&
        (e = key_check(s->libctx, k)) == ERR_OK) {
        *checked = k;
        k = NULL; /* transferred */
    }
    if (e == ERR_OK)
        e = material_put(*checked, o);
    key_free(k);
    return e;
}

bool import_is_dear(const Hsm__Template *template, struct object_memory memory)
{
    struct diag why;
    struct object given;

    object_init(&given, memory);
    return schema_take(template, &given, &why) == ERR_OK && object_ulong(&given, CKA_CLASS, CKO_DATA) == CKO_PRIVATE_KEY;
}

bool import_is_lengthy(const Hsm__Template *template, struct object_memory memory)
{
    static const CK_ATTRIBUTE_TYPE numbers[] = {CKA_MODULUS, CKA_PRIME};
    struct diag why;
    struct object given;

    object_init(&given, memory);
    if (schema_take(template, &given, &why) != ERR_OK)
        return false;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const struct object_attribute *a = object_find(&given, numbers[i]);
        if (a != NULL && attribute_bits(a->value, a->n) > WORK_BRIEF_BITS_MAX)
            return true;
    }
    return false;
}

enum err import_object(OSSL_LIB_CTX *libctx, const Hsm__Template *template, bool by_admin, struct key **checked, struct object *o,
                       struct diag *why)
{
    struct schema s = {.libctx = libctx, .way = SCHEMA_CREATE, .by_admin = by_admin};
    enum err e = schema_read(&s, template, o, why);

    if (e != ERR_OK)
        return e;
    switch (s.class_bit) {
    case CLASS_CERT:
        e = certificate_complete(libctx, o, why);
        break;
    case CLASS_PUBLIC:
        if ((e = material_check_public(libctx, o)) != ERR_OK)
            explain(e, &s, why);
        break;
    case CLASS_DOMAIN:
        if ((e = material_check_domain(o)) != ERR_OK)
            explain(e, &s, why);
        break;
    case CLASS_PRIVATE:
    case CLASS_SECRET:
    case CLASS_OTP:
        if ((e = import_private(&s, checked, o)) != ERR_OK)
            explain(e, &s, why);
        break;
    case CLASS_VALIDATION:
        e = validation_complete(o, why);
        break;
    default:
        break;
    }
    return e == ERR_OK ? schema_complete(&s, o, why) : e;
}
