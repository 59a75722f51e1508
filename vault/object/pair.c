#include "vault/object/pair.h"

#include <string.h>

#include "crypto/field.h"
#include "proto/limits.h"
#include "proto/mechanism.h"
#include "vault/object/material.h"
#include "vault/provider/generate.h"
#include "vault/provider/key_field.h"

static const uint8_t exponent_default[] = {1, 0, 1};

/* CKM_EC_KEY_PAIR_GEN makes a key on whatever curve the template names, as CloudHSM's programs ask for Ed25519 by it; what
 * type of key that is the curve says. The mechanisms of the other curves (PKCS#11 v3.1 section 6.3) take those only. */
static CK_KEY_TYPE type_made(const struct mechanism *m, const Hsm__Template *template)
{
    const struct curve *curve = NULL;

    for (size_t i = 0; m->key_type == CKK_EC && template != NULL && i < template->n_attributes && curve == NULL; i++)
        if (template->attributes[i]->type == CKA_EC_PARAMS)
            curve = curve_find(template->attributes[i]->value.data, template->attributes[i]->value.len);
    return curve != NULL ? curve->key_type : m->key_type;
}

static enum err read_half(struct pair_half *half, const struct schema *schema, CK_OBJECT_CLASS object_class,
                          const Hsm__Template *template, struct object_memory memory, struct diag *why)
{
    enum err e;

    half->schema = *schema;
    half->schema.object_class = object_class;
    object_init(&half->object, memory);
    e = schema_read(&half->schema, template, &half->object, why);
    half->token = object_bool(&half->object, CKA_TOKEN);
    return e;
}

/* A part that both templates may give is the same in both. */
static enum err same_part(const struct pair *p, CK_ATTRIBUTE_TYPE type, const uint8_t *value, size_t n,
                          struct diag *why)
{
    const struct object_attribute *given = object_find(&p->private_half.object, type);

    if (given == NULL || given->n == 0 || (given->n == n && bytes_equal(given->value, value, n)))
        return ERR_OK;
    diag_set(why, "%s differs between the two templates", schema_attribute_name(type));
    return ERR_TEMPLATE_INCONSISTENT;
}

static enum err read_rsa(struct pair *p, struct diag *why)
{
    const struct object *o = &p->public_half.object;
    const struct object_attribute *exponent = object_find(o, CKA_PUBLIC_EXPONENT);
    struct object_attribute chosen = {.value = exponent_default, .n = sizeof exponent_default};
    uint64_t e = 0;

    if (!object_has(o, CKA_MODULUS_BITS)) {
        diag_set(why, "CKA_MODULUS_BITS is missing");
        return ERR_TEMPLATE_INCOMPLETE;
    }
    p->bits = object_ulong(o, CKA_MODULUS_BITS, 0);
    if (p->bits < RSA_BITS_MIN || p->bits > RSA_BITS_MAX) {
        diag_set(why, "CKA_MODULUS_BITS: RSA keys have %u to %u bits", RSA_BITS_MIN, RSA_BITS_MAX);
        return ERR_KEY_SIZE;
    }
    if (exponent != NULL && exponent->n > 0)
        chosen = *exponent;
    for (size_t i = 0; i < chosen.n && chosen.n <= sizeof p->exponent; i++)
        e = e << 8 | chosen.value[i];
    if (e < GENERATE_EXPONENT_LEAST || e % 2 == 0) {
        diag_set(why, "CKA_PUBLIC_EXPONENT has to be odd, 65537 or more, and of at most 64 bits");
        return ERR_ATTRIBUTE_VALUE;
    }
    memcpy(p->exponent, chosen.value, chosen.n);
    p->exponent_n = chosen.n;
    return same_part(p, CKA_PUBLIC_EXPONENT, p->exponent, p->exponent_n, why);
}

static enum err read_ec(struct pair *p, struct diag *why)
{
    const struct object_attribute *params = object_find(&p->public_half.object, CKA_EC_PARAMS);

    if (params == NULL) {
        diag_set(why, "CKA_EC_PARAMS is missing");
        return ERR_TEMPLATE_INCOMPLETE;
    }
    p->curve = curve_find(params->value, params->n);
    if (p->curve == NULL || p->curve->key_type != p->key_type) {
        diag_set(why, "CKA_EC_PARAMS names none of the supported curves of this mechanism");
        return ERR_CURVE;
    }
    return same_part(p, CKA_EC_PARAMS, params->value, params->n, why);
}

static enum err read_set(struct pair *p, struct diag *why)
{
    const struct object_attribute *number = object_find(&p->public_half.object, CKA_PARAMETER_SET);

    if (number == NULL) {
        diag_set(why, "CKA_PARAMETER_SET is missing");
        return ERR_TEMPLATE_INCOMPLETE;
    }
    p->set = parameter_set_find(p->key_type, object_ulong(&p->public_half.object, CKA_PARAMETER_SET, 0));
    if (p->set == NULL) {
        diag_set(why, "CKA_PARAMETER_SET is none of this mechanism's");
        return ERR_PARAMETER_SET;
    }
    return same_part(p, CKA_PARAMETER_SET, number->value, number->n, why);
}

static enum err take_domain(struct pair *p, CK_ATTRIBUTE_TYPE type, struct diag *why)
{
    const struct object_attribute *a = object_find(&p->public_half.object, type);

    if (a == NULL || a->n == 0) {
        diag_set(why, "%s is missing", schema_attribute_name(type));
        return ERR_TEMPLATE_INCOMPLETE;
    }
    p->domain[p->domain_n++] = (struct key_part){type, a->value, a->n};
    return same_part(p, type, a->value, a->n, why);
}

/* PKCS #3 section 7.1: the length of the private number, which only DH's template may say. */
static enum err read_private_bits(struct pair *p, struct diag *why)
{
    const struct object *o = &p->private_half.object;
    size_t prime_bits = 8 * p->domain[0].n, least = key_field_private_bits(prime_bits);

    if (!object_has(o, CKA_VALUE_BITS))
        return ERR_OK;
    p->private_bits = object_ulong(o, CKA_VALUE_BITS, 0);
    if (p->private_bits >= least && p->private_bits < prime_bits)
        return ERR_OK;
    diag_set(why, "CKA_VALUE_BITS: a prime of %zu bits has private numbers of %zu bits or more, and of fewer than its own", prime_bits,
             least);
    return ERR_ATTRIBUTE_VALUE;
}

static enum err read_field(struct pair *p, struct diag *why)
{
    enum err e = take_domain(p, CKA_PRIME, why);

    if (e == ERR_OK && field_has_parameter(p->key_type, CKA_SUBPRIME))
        e = take_domain(p, CKA_SUBPRIME, why);
    if (e == ERR_OK)
        e = take_domain(p, CKA_BASE, why);
    if (e != ERR_OK)
        return e;
    if ((e = key_field_parameters(p->key_type, p->domain, p->domain_n)) == ERR_KEY_SIZE)
        diag_set(why, "%s", field_size_text(p->key_type));
    else if (e == ERR_ATTRIBUTE_VALUE)
        diag_set(why, "primes have to be odd, CKA_BASE between 1 and the prime less 1");
    return e == ERR_OK ? read_private_bits(p, why) : e;
}

static enum err read_kind(struct pair *p, struct diag *why)
{
    if (field_makes(p->key_type))
        return read_field(p, why);
    if (p->key_type == CKK_RSA)
        return read_rsa(p, why);
    return parameter_set_makes(p->key_type) ? read_set(p, why) : read_ec(p, why);
}

enum err pair_read(OSSL_LIB_CTX *libctx, const Hsm__GeneratePair *call, struct object_memory memory, struct pair *p,
                   struct diag *why)
{
    const struct mechanism *m = call->mechanism != NULL ? mechanism_find(call->mechanism->type) : NULL;
    struct schema schema = {.libctx = libctx, .way = SCHEMA_GENERATE};
    enum err e;

    if (m == NULL || !mechanism_does(m, CKF_GENERATE_KEY_PAIR))
        return ERR_MECHANISM;
    if (call->mechanism->pss != NULL)
        return ERR_MECHANISM_PARAM;
    schema.mechanism = m->type;
    schema.key_type = p->key_type = type_made(m, call->public_template);
    p->proper = p->key_type == m->key_type ? m : mechanism_that_does(p->key_type, CKF_GENERATE_KEY_PAIR);
    p->curve = NULL;
    p->set = NULL;
    p->bits = p->private_bits = 0;
    p->domain_n = 0;
    e = read_half(&p->public_half, &schema, CKO_PUBLIC_KEY, call->public_template, memory, why);
    if (e == ERR_OK)
        e = read_half(&p->private_half, &schema, CKO_PRIVATE_KEY, call->private_template, memory, why);
    if (e == ERR_OK)
        e = read_kind(p, why);
    if (e == ERR_OK && p->public_half.token && !p->private_half.token) {
        diag_set(why, "CKA_TOKEN: a public key cannot be kept in the token while its private key is a session object");
        e = ERR_TEMPLATE_INCONSISTENT;
    }
    return e;
}

enum err pair_generate(OSSL_LIB_CTX *libctx, const struct pair *p, struct key **out)
{
    if (p->set != NULL)
        return generate_pq(libctx, p->set, out);
    if (p->domain_n > 0)
        return generate_field(libctx, p->key_type, p->domain, p->domain_n, p->private_bits, out);
    return p->key_type == CKK_RSA ? generate_rsa(libctx, p->bits, p->exponent, p->exponent_n, out)
                                  : generate_ec(libctx, p->curve, out);
}

enum err pair_complete(struct pair_half *half, const struct key *k, struct diag *why)
{
    enum err e = material_put(k, &half->object);

    return e == ERR_OK ? schema_complete(&half->schema, &half->object, why) : e;
}
