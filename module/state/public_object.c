#include "module/state/public_object.h"

#include "common/buffer.h"
#include "crypto/curve.h"
#include "crypto/field.h"
#include "module/rpc/crypto_context.h"
#include "module/rpc/gate.h"
#include "module/state/refusal.h"
#include "proto/attribute_limit.h"
#include "proto/key_kind.h"
#include "proto/limits.h"
#include "proto/mechanism.h"
#include "proto/visibility.h"

enum { ROWS_MAX = 96, UNIQUE_ID_BYTES = 16 };

/* An object in the making. Values lie in `bytes`, by offset, as it moves when it grows. */
struct making {
    struct module *module;
    const struct template *given;
    unsigned class_bit;
    CK_KEY_TYPE key_type;
    bool usage_given;
    struct buffer bytes;
    size_t n, at[ROWS_MAX], len[ROWS_MAX];
    const struct attribute *rows[ROWS_MAX];
    struct public_key *key;
};

bool public_object_is(const struct template *t)
{
    CK_OBJECT_CLASS object_class = template_ulong(t, CKA_CLASS, CK_UNAVAILABLE_INFORMATION);

    if (template_bool(t, CKA_TOKEN, false) ||
        (object_class != CKO_PUBLIC_KEY && object_class != CKO_DATA && object_class != CKO_DOMAIN_PARAMETERS))
        return false;
    /* Data is private where nothing else is said. */
    return visibility_is_open(object_class, template_bool(t, CKA_PRIVATE, object_class == CKO_DATA));
}

/* ---- what was given */

/* Whether objects of this class are made of parts that their CKA_KEY_TYPE names. */
static bool has_parts(const struct making *k)
{
    return (k->class_bit & (CLASS_PUBLIC | CLASS_DOMAIN)) != 0;
}

static bool is_part_of(CK_KEY_TYPE key_type, CK_ATTRIBUTE_TYPE type)
{
    if (parameter_set_makes(key_type))
        return type == CKA_PARAMETER_SET || type == CKA_VALUE;
    if (field_makes(key_type))
        return field_has_part(key_type, type);
    if (key_type == CKK_RSA)
        return type == CKA_MODULUS || type == CKA_PUBLIC_EXPONENT;
    return type == CKA_EC_PARAMS || type == CKA_EC_POINT;
}

static CK_RV check_value(struct making *k, const struct known_value *v)
{
    const struct attribute *row = v->row;

    if ((row->classes & k->class_bit) == 0)
        return err_to_rv(refusal(ERR_ATTRIBUTE_TYPE, "objects of this CKA_CLASS have no %s", row->name));
    if ((row->flags & ATTRIBUTE_CREATE) == 0 || (row->type == CKA_TRUSTED && v->n == 1 && v->bytes[0] != 0))
        return err_to_rv(refusal(ERR_ATTRIBUTE_READ_ONLY, "%s cannot be given when an object is created", row->name));
    if (!attribute_is_canonical(row, v->bytes, v->n) || v->n > attribute_bytes_max(row->type))
        return err_to_rv(refusal(ERR_ATTRIBUTE_VALUE, "%s is malformed or too long", row->name));
    if (template_value(k->given, row->type) != v)
        return err_to_rv(refusal(ERR_TEMPLATE_INCONSISTENT, "%s is given twice", row->name));
    if (row->flags & ATTRIBUTE_MATERIAL && has_parts(k) && !is_part_of(k->key_type, row->type))
        return err_to_rv(refusal(ERR_TEMPLATE_INCONSISTENT, "objects of this CKA_KEY_TYPE have no %s", row->name));
    k->usage_given = k->usage_given || (row->flags & ATTRIBUTE_USAGE) != 0;
    return CKR_OK;
}

static CK_RV check_given(struct making *k)
{
    CK_RV rv = CKR_OK;

    for (size_t i = 0; rv == CKR_OK && i < k->given->n; i++)
        rv = check_value(k, &k->given->values[i]);
    for (size_t i = 0; rv == CKR_OK && attribute_at(i) != NULL; i++) {
        const struct attribute *row = attribute_at(i);
        bool part = has_parts(k) && row->flags & ATTRIBUTE_MATERIAL && is_part_of(k->key_type, row->type);
        bool must = row->classes & k->class_bit && (row->flags & ATTRIBUTE_CREATE_MUST || part);
        if (must && template_value(k->given, row->type) == NULL)
            rv = err_to_rv(refusal(ERR_TEMPLATE_INCOMPLETE, "%s is missing", row->name));
    }
    return rv;
}

/* ---- what it becomes */

/* All that is appended to the bytes from here on until `put` is called is the row's value. */
static void put(struct making *k, const struct attribute *row, size_t from)
{
    if (k->n == ROWS_MAX) {
        k->bytes.failed = true;
        return;
    }
    k->rows[k->n] = row;
    k->at[k->n] = from;
    k->len[k->n++] = k->bytes.len - from;
}

static const struct curve *curve_of(const struct making *k)
{
    const struct known_value *params = template_value(k->given, CKA_EC_PARAMS);

    return params != NULL ? curve_find(params->bytes, params->n) : NULL;
}

static enum err put_point(struct making *k, const struct known_value *v)
{
    const struct curve *curve = curve_of(k);
    const uint8_t *point;
    size_t n;
    enum err e = curve != NULL ? curve_point_read(curve, v->bytes, v->n, &point, &n) : ERR_CURVE;

    return e == ERR_OK ? curve_point_write(point, n, &k->bytes) : e;
}

static enum err put_params(struct making *k)
{
    const struct curve *curve = curve_of(k);

    if (curve == NULL)
        return ERR_CURVE;
    buffer_put(&k->bytes, curve->params, curve->params_bytes);
    return ERR_OK;
}

static bool put_bits(struct making *k, CK_ATTRIBUTE_TYPE number)
{
    const struct known_value *v = template_value(k->given, number);

    return v != NULL && buffer_put_u64(&k->bytes, attribute_bits(v->bytes, v->n));
}

/* False: such an object has no such attribute. */
static bool put_by_rule(struct making *k, const struct attribute *row)
{
    uint8_t random[UNIQUE_ID_BYTES];
    bool ok;

    switch (row->type) {
    case CKA_PRIVATE:
    case CKA_ENCRYPT:
    case CKA_DERIVE:
    case CKA_LOCAL:
        return buffer_put_u8(&k->bytes, 0);
    case CKA_VERIFY:
        return buffer_put_u8(&k->bytes, !k->usage_given && mechanism_is_there(k->key_type, CKF_SIGN));
    case CKA_ENCAPSULATE:
        return buffer_put_u8(&k->bytes, !k->usage_given && k->key_type == CKK_ML_KEM);
    case CKA_KEY_GEN_MECHANISM:
        return buffer_put_u64(&k->bytes, UINT64_MAX);
    case CKA_MODULUS_BITS:
        return k->key_type == CKK_RSA && buffer_put_u64(&k->bytes, public_key_bits(k->key));
    case CKA_PRIME_BITS:
        return put_bits(k, CKA_PRIME);
    case CKA_SUB_PRIME_BITS:
        return put_bits(k, CKA_SUBPRIME);
    case CKA_PUBLIC_KEY_INFO:
        gate_enter();
        ok = public_key_info(k->key, &k->bytes) == ERR_OK;
        gate_leave();
        return ok;
    case CKA_UNIQUE_ID:
        if (!crypto_random(k->module->libctx, random, sizeof random))
            return false;
        for (size_t i = 0; i < sizeof random; i++)
            buffer_printf(&k->bytes, "%02x", random[i]);
        return true;
    case CKA_VALUE:
        return k->class_bit == CLASS_DATA;
    default:
        return false;
    }
}

static bool put_default(struct making *k, const struct attribute *row)
{
    switch (row->fallback) {
    case DEFAULT_FALSE:
    case DEFAULT_TRUE:
        return buffer_put_u8(&k->bytes, row->fallback == DEFAULT_TRUE);
    case DEFAULT_EMPTY:
        return true;
    case DEFAULT_BY_RULE:
        return put_by_rule(k, row);
    case DEFAULT_NO:
        break;
    }
    return false;
}

static enum err put_all(struct making *k)
{
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && attribute_at(i) != NULL; i++) {
        const struct attribute *row = attribute_at(i);
        const struct known_value *v = template_value(k->given, row->type);
        bool computed = row->type == CKA_PUBLIC_KEY_INFO || (v != NULL && v->n == 0 && row->fallback == DEFAULT_BY_RULE);
        size_t from = k->bytes.len;
        bool has = true;
        if ((row->classes & k->class_bit) == 0 || row->flags & ATTRIBUTE_IGNORED)
            continue;
        if (v != NULL && v->n == 0 && (row->value == ATTRIBUTE_MECHANISMS || row->value == ATTRIBUTE_TEMPLATE))
            continue; /* an empty list says nothing */
        if (v == NULL || computed)
            has = put_default(k, row);
        else if (row->type == CKA_EC_POINT)
            e = put_point(k, v);
        else if (row->type == CKA_EC_PARAMS)
            e = put_params(k);
        else
            buffer_put(&k->bytes, v->bytes, v->n);
        if (has)
            put(k, row, from);
    }
    return e == ERR_OK && k->bytes.failed ? ERR_NO_MEMORY : e;
}

static enum err make_key_by_set(struct making *k)
{
    const struct known_value *value = template_value(k->given, CKA_VALUE);
    const struct parameter_set *set = parameter_set_find(k->key_type, template_ulong(k->given, CKA_PARAMETER_SET, 0));
    enum err e;

    if (set == NULL)
        return ERR_PARAMETER_SET;
    gate_enter();
    e = public_key_pq(k->module->libctx, set, value->bytes, value->n, &k->key);
    gate_leave();
    return e;
}

static struct public_field_part field_part(const struct making *k, CK_ATTRIBUTE_TYPE type)
{
    const struct known_value *v = template_value(k->given, type);

    return v != NULL ? (struct public_field_part){v->bytes, v->n} : (struct public_field_part){0};
}

static struct public_field field_of(const struct making *k)
{
    return (struct public_field){.prime = field_part(k, CKA_PRIME),
                                 .subprime = field_part(k, CKA_SUBPRIME),
                                 .base = field_part(k, CKA_BASE),
                                 .value = field_part(k, CKA_VALUE)};
}

static enum err make_key_over_field(struct making *k)
{
    const struct public_field parts = field_of(k);
    enum err e;

    gate_enter();
    e = public_key_field(k->module->libctx, k->key_type, &parts, &k->key);
    gate_leave();
    return e;
}

static enum err check_domain(const struct making *k)
{
    const struct public_field parts = field_of(k);
    enum err e;

    gate_enter();
    e = public_field_check(k->key_type, &parts);
    gate_leave();
    if (e == ERR_KEY_SIZE)
        return refusal(e, "%s", field_size_text(k->key_type));
    return e == ERR_ATTRIBUTE_VALUE ? refusal(e, "primes have to be odd, CKA_BASE between 1 and the prime less 1") : e;
}

static enum err make_key(struct making *k)
{
    bool rsa = k->key_type == CKK_RSA;
    const struct known_value *a = template_value(k->given, rsa ? CKA_MODULUS : CKA_EC_PARAMS);
    const struct known_value *b = template_value(k->given, rsa ? CKA_PUBLIC_EXPONENT : CKA_EC_POINT);
    enum err e;

    if (parameter_set_makes(k->key_type))
        return make_key_by_set(k);
    if (field_makes(k->key_type))
        return make_key_over_field(k);
    gate_enter();
    e = rsa ? public_key_rsa(k->module->libctx, a->bytes, a->n, b->bytes, b->n, &k->key)
            : public_key_ec(k->module->libctx, k->key_type, a->bytes, a->n, b->bytes, b->n, &k->key);
    gate_leave();
    return e;
}

static enum err make_object(const struct making *k, struct known **out)
{
    Hsm__Object wire = HSM__OBJECT__INIT;
    Hsm__Attribute attributes[ROWS_MAX], *list[ROWS_MAX];

    for (size_t i = 0; i < k->n; i++) {
        hsm__attribute__init(&attributes[i]);
        attributes[i].type = k->rows[i]->type;
        attributes[i].value = (ProtobufCBinaryData){.data = k->bytes.data + k->at[i], .len = k->len[i]};
        list[i] = &attributes[i];
    }
    wire.attributes = list;
    wire.n_attributes = k->n;
    return known_from_wire(&wire, out);
}

CK_RV public_object_create(struct module *m, CK_SESSION_HANDLE session, const struct template *t, CK_OBJECT_HANDLE *out)
{
    struct making k = {.module = m, .given = t};
    struct known *o = NULL;
    CK_RV rv;

    k.class_bit = attribute_class_bit(template_ulong(t, CKA_CLASS, CK_UNAVAILABLE_INFORMATION));
    k.key_type = template_ulong(t, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION);
    buffer_init(&k.bytes, OBJECT_BYTES_MAX);
    if (has_parts(&k) && template_value(t, CKA_KEY_TYPE) == NULL)
        return err_to_rv(refusal(ERR_TEMPLATE_INCOMPLETE, "CKA_KEY_TYPE is missing"));
    if ((k.class_bit == CLASS_PUBLIC && !key_kind_is_pair(key_kind_find(k.key_type))) ||
        (k.class_bit == CLASS_DOMAIN && !field_makes(k.key_type)))
        return err_to_rv(refusal(ERR_ATTRIBUTE_VALUE, "CKA_KEY_TYPE %lu: such an object cannot be of this type here", k.key_type));
    rv = check_given(&k);
    if (rv == CKR_OK && k.class_bit == CLASS_PUBLIC)
        rv = err_to_rv(make_key(&k));
    if (rv == CKR_OK && k.class_bit == CLASS_DOMAIN)
        rv = err_to_rv(check_domain(&k));
    if (rv == CKR_OK)
        rv = err_to_rv(put_all(&k));
    if (rv == CKR_OK)
        rv = err_to_rv(make_object(&k, &o));
    if (rv == CKR_OK)
        rv = objects_add(&m->objects, objects_epoch(&m->objects), session, o, out);
    if (k.key != NULL) {
        gate_enter();
        public_key_free(k.key);
        gate_leave();
    }
    buffer_clear(&k.bytes);
    return rv;
}
