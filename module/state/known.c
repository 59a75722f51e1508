#include "module/state/known.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/secret.h"
#include "crypto/curve.h"
#include "crypto/field.h"
#include "module/rpc/gate.h"
#include "proto/limits.h"
#include "proto/visibility.h"

struct known {
    _Atomic unsigned holders;
    _Atomic uint64_t seen_ms;
    _Atomic(struct public_key *) key;
    uint64_t id;
    uint64_t version;
    size_t n, n_hidden;
    struct known_value *values;
    uint64_t *hidden;
    uint8_t *sealed;
    size_t sealed_n;
    uint8_t *bytes;        /* the public values */
    struct secret secrets; /* the others */
};

/* Only a private or secret key that may be extracted shows such a value. */
static bool is_secret(CK_ULONG object_class, const struct attribute *row)
{
    return row->flags & ATTRIBUTE_SENSITIVE && attribute_class_bit(object_class) & (CLASS_PRIVATE | CLASS_SECRET | CLASS_OTP);
}

static CK_ULONG read_ulong(const uint8_t *bytes, size_t n)
{
    CK_ULONG v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | bytes[i];
    return v;
}

static CK_ULONG wire_class(const Hsm__Object *wire)
{
    for (size_t i = 0; i < wire->n_attributes; i++)
        if (wire->attributes[i]->type == CKA_CLASS)
            return read_ulong(wire->attributes[i]->value.data, wire->attributes[i]->value.len);
    return CK_UNAVAILABLE_INFORMATION;
}

/* How many bytes of each sort; false: malformed. An attribute that is not in the table is a newer vault's: it is left out. */
static bool measure(const Hsm__Object *wire, CK_ULONG object_class, size_t *n_public, size_t *n_secret)
{
    if (wire->n_attributes > TEMPLATE_ATTRIBUTES_MAX || wire->n_hidden > TEMPLATE_ATTRIBUTES_MAX)
        return false;
    for (size_t i = 0; i < wire->n_attributes; i++) {
        const Hsm__Attribute *a = wire->attributes[i];
        const struct attribute *row = attribute_find(a->type);
        if (row == NULL)
            continue;
        if (!attribute_is_canonical(row, a->value.data, a->value.len))
            return false;
        *(is_secret(object_class, row) ? n_secret : n_public) += a->value.len;
    }
    return true;
}

static void copy_values(struct known *o, const Hsm__Object *wire, CK_ULONG object_class)
{
    uint8_t *at = o->bytes, *secret_at = o->secrets.bytes;

    for (size_t i = 0; i < wire->n_attributes; i++) {
        const Hsm__Attribute *a = wire->attributes[i];
        const struct attribute *row = attribute_find(a->type);
        uint8_t **to;
        if (row == NULL)
            continue;
        to = is_secret(object_class, row) ? &secret_at : &at;
        o->values[o->n++] = (struct known_value){.row = row, .bytes = *to, .n = a->value.len};
        if (a->value.len > 0)
            memcpy(*to, a->value.data, a->value.len);
        *to += a->value.len;
    }
    for (; o->n_hidden < wire->n_hidden; o->n_hidden++)
        o->hidden[o->n_hidden] = wire->hidden[o->n_hidden];
    o->sealed_n = wire->sealed.len;
    if (o->sealed_n > 0)
        memcpy(o->sealed, wire->sealed.data, o->sealed_n);
}

enum err known_from_wire(const Hsm__Object *wire, struct known **out)
{
    struct known *o;
    CK_ULONG object_class = wire_class(wire);
    size_t n_public = 0, n_secret = 0;

    if (!measure(wire, object_class, &n_public, &n_secret))
        return ERR_MALFORMED;
    if ((o = calloc(1, sizeof *o)) == NULL)
        return ERR_NO_MEMORY;
    o->holders = 1;
    o->id = wire->id;
    o->version = wire->version;
    o->values = calloc(wire->n_attributes + 1, sizeof *o->values);
    o->hidden = calloc(wire->n_hidden + 1, sizeof *o->hidden);
    o->bytes = malloc(n_public + 1);
    o->sealed = malloc(wire->sealed.len + 1);
    if (o->values == NULL || o->hidden == NULL || o->bytes == NULL || o->sealed == NULL || !secret_new(&o->secrets, n_secret + 1)) {
        known_release(o);
        return ERR_NO_MEMORY;
    }
    copy_values(o, wire, object_class);
    o->seen_ms = clock_boot_ms();
    *out = o;
    return ERR_OK;
}

struct known *known_hold(struct known *o)
{
    atomic_fetch_add(&o->holders, 1);
    return o;
}

void known_release(struct known *o)
{
    if (o == NULL || atomic_fetch_sub(&o->holders, 1) != 1)
        return;
    if (o->key != NULL) {
        gate_enter();
        public_key_free(o->key);
        gate_leave();
    }
    secret_clear(&o->secrets);
    free(o->values);
    free(o->hidden);
    free(o->bytes);
    free(o->sealed);
    free(o);
}

uint64_t known_id(const struct known *o)
{
    return o->id;
}

uint64_t known_version(const struct known *o)
{
    return o->version;
}

const uint8_t *known_sealed(const struct known *o, size_t *n)
{
    *n = o->sealed_n;
    return o->sealed;
}

const struct known_value *known_value(const struct known *o, CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < o->n; i++)
        if (o->values[i].row->type == type)
            return &o->values[i];
    return NULL;
}

const struct known_value *known_value_at(const struct known *o, size_t position)
{
    return position < o->n ? &o->values[position] : NULL;
}

bool known_hides(const struct known *o, CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < o->n_hidden; i++)
        if (o->hidden[i] == type)
            return true;
    return false;
}

bool known_bool(const struct known *o, CK_ATTRIBUTE_TYPE type)
{
    const struct known_value *v = known_value(o, type);

    return v != NULL && v->n == 1 && v->bytes[0] != 0;
}

CK_ULONG known_ulong(const struct known *o, CK_ATTRIBUTE_TYPE type)
{
    const struct known_value *v = known_value(o, type);

    return v != NULL && v->row->value == ATTRIBUTE_ULONG ? read_ulong(v->bytes, v->n) : CK_UNAVAILABLE_INFORMATION;
}

bool known_is_open(const struct known *o)
{
    return visibility_is_open(known_ulong(o, CKA_CLASS), known_bool(o, CKA_PRIVATE));
}

bool known_allows(const struct known *o, CK_MECHANISM_TYPE mechanism)
{
    const struct known_value *list = known_value(o, CKA_ALLOWED_MECHANISMS);

    for (size_t at = 0; list != NULL && at + 8 <= list->n; at += 8)
        if (read_ulong(list->bytes + at, 8) == mechanism)
            return true;
    return list == NULL || list->n == 0;
}

uint64_t known_seen_ms(const struct known *o)
{
    return atomic_load(&o->seen_ms);
}

void known_set_seen(struct known *o, uint64_t now_ms)
{
    atomic_store(&o->seen_ms, now_ms);
}

const struct parameter_set *known_set(const struct known *o)
{
    return parameter_set_find(known_ulong(o, CKA_KEY_TYPE), known_ulong(o, CKA_PARAMETER_SET));
}

const struct curve *known_curve(const struct known *o)
{
    const struct known_value *params = known_value(o, CKA_EC_PARAMS);

    return params != NULL ? curve_find(params->bytes, params->n) : NULL;
}

size_t known_key_size(const struct known *o)
{
    const struct known_value *v;
    const struct curve *curve;

    if (attribute_class_bit(known_ulong(o, CKA_CLASS)) & (CLASS_SECRET | CLASS_OTP))
        return known_value(o, CKA_VALUE_LEN) != NULL ? known_ulong(o, CKA_VALUE_LEN) : 0;
    if (known_set(o) != NULL)
        return known_set(o)->public_bytes;
    if ((v = known_value(o, CKA_MODULUS)) != NULL || (v = known_value(o, CKA_PRIME)) != NULL)
        return attribute_bits(v->bytes, v->n);
    curve = known_curve(o);
    return curve != NULL ? curve->bits : 0;
}

size_t known_signing_size(const struct known *o)
{
    const struct known_value *subprime = known_value(o, CKA_SUBPRIME);

    return subprime != NULL ? attribute_bits(subprime->bytes, subprime->n) : known_key_size(o);
}

static struct public_field_part field_part(const struct known *o, CK_ATTRIBUTE_TYPE type)
{
    const struct known_value *v = known_value(o, type);

    return v != NULL ? (struct public_field_part){v->bytes, v->n} : (struct public_field_part){0};
}

static enum err make_key_over_field(const struct known *o, OSSL_LIB_CTX *libctx, struct public_key **out)
{
    struct public_field parts = {.prime = field_part(o, CKA_PRIME),
                                 .subprime = field_part(o, CKA_SUBPRIME),
                                 .base = field_part(o, CKA_BASE),
                                 .value = field_part(o, CKA_VALUE)};

    return public_key_field(libctx, known_ulong(o, CKA_KEY_TYPE), &parts, out);
}

static enum err make_key(const struct known *o, OSSL_LIB_CTX *libctx, struct public_key **out)
{
    const struct parameter_set *set = known_set(o);
    const struct known_value *a, *b;

    if (set != NULL)
        return (a = known_value(o, CKA_VALUE)) != NULL ? public_key_pq(libctx, set, a->bytes, a->n, out) : ERR_KEY_TYPE;
    if (field_makes(known_ulong(o, CKA_KEY_TYPE)))
        return make_key_over_field(o, libctx, out);
    if (known_ulong(o, CKA_KEY_TYPE) == CKK_RSA) {
        a = known_value(o, CKA_MODULUS);
        b = known_value(o, CKA_PUBLIC_EXPONENT);
        return a != NULL && b != NULL ? public_key_rsa(libctx, a->bytes, a->n, b->bytes, b->n, out) : ERR_KEY_TYPE;
    }
    a = known_value(o, CKA_EC_PARAMS);
    b = known_value(o, CKA_EC_POINT);
    return a != NULL && b != NULL ? public_key_ec(libctx, known_ulong(o, CKA_KEY_TYPE), a->bytes, a->n, b->bytes, b->n, out) : ERR_KEY_TYPE;
}

enum err known_public_key(struct known *o, OSSL_LIB_CTX *libctx, const struct public_key **out)
{
    struct public_key *made = NULL, *there = atomic_load(&o->key);
    enum err e = ERR_OK;

    if (there == NULL) {
        gate_enter();
        e = make_key(o, libctx, &made);
        if (e == ERR_OK && !atomic_compare_exchange_strong(&o->key, &there, made))
            public_key_free(made); /* another thread was faster; `there` is its key */
        else
            there = made;
        gate_leave();
    }
    if (e == ERR_OK)
        *out = there;
    return e;
}
