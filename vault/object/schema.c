#include "vault/object/schema.h"

#include "crypto/field.h"
#include "proto/attribute.h"
#include "proto/attribute_limit.h"
#include "proto/key_kind.h"
#include "proto/limits.h"
#include "proto/mechanism.h"
#include "vault/object/otp.h"
#include "vault/object/rules.h"
#include "vault/object/sole.h"
#include "vault/provider/key.h"

static const struct {
    unsigned flags;
    const char *name;
} ways[] = {
    [SCHEMA_CREATE] = {ATTRIBUTE_CREATE, "created"},
    [SCHEMA_GENERATE] = {ATTRIBUTE_GENERATE, "generated"},
    [SCHEMA_UNWRAP] = {ATTRIBUTE_UNWRAP, "unwrapped"},
    [SCHEMA_DERIVE] = {ATTRIBUTE_DERIVE, "derived"},
    [SCHEMA_ENCAPSULATE] = {ATTRIBUTE_DERIVE, "encapsulated"},
    [SCHEMA_COPY] = {ATTRIBUTE_COPY | ATTRIBUTE_MODIFY, "copied"},
    [SCHEMA_SET] = {ATTRIBUTE_MODIFY, "changed"},
};

unsigned schema_way_flags(enum schema_way way)
{
    return ways[way].flags;
}

const char *schema_way_name(enum schema_way way)
{
    return ways[way].name;
}

const char *schema_class_name(unsigned class_bit)
{
    switch (class_bit) {
    case CLASS_DATA:
        return "a data object";
    case CLASS_CERT:
        return "a certificate";
    case CLASS_PUBLIC:
        return "a public key";
    case CLASS_PRIVATE:
        return "a private key";
    case CLASS_SECRET:
        return "a secret key";
    case CLASS_VALIDATION:
        return "a validation object";
    case CLASS_OTP:
        return "a one-time password key";
    case CLASS_DOMAIN:
        return "a set of domain parameters";
    default:
        return "an object";
    }
}

const char *schema_attribute_name(CK_ATTRIBUTE_TYPE type)
{
    const struct attribute *row = attribute_find(type);

    return row != NULL ? row->name : NULL;
}

/* The form of one attribute; which class it belongs to is asked when the class is known. */
static enum err take_attribute(const Hsm__Attribute *given, struct object *o, struct diag *why)
{
    const struct attribute *row = attribute_find(given->type);

    if (row == NULL) {
        diag_set(why, "attribute 0x%llx is not known here", (unsigned long long)given->type);
        return ERR_ATTRIBUTE_TYPE;
    }
    if (object_has(o, row->type)) {
        diag_set(why, "%s is given twice", row->name);
        return ERR_TEMPLATE_INCONSISTENT;
    }
    if (given->value.len > attribute_bytes_max(row->type)) {
        diag_set(why, "%s has %zu bytes; the limit is %zu", row->name, given->value.len, attribute_bytes_max(row->type));
        return ERR_ATTRIBUTE_VALUE;
    }
    if (!attribute_is_canonical(row, given->value.data, given->value.len)) {
        diag_set(why, "%s is malformed", row->name);
        return ERR_ATTRIBUTE_VALUE;
    }
    /* An empty list says nothing, and a key does not have it: none is ever shown. */
    if (given->value.len == 0 && (row->value == ATTRIBUTE_MECHANISMS || row->value == ATTRIBUTE_TEMPLATE))
        return ERR_OK;
    return row->flags & ATTRIBUTE_IGNORED ? ERR_OK : object_put(o, row->type, given->value.data, given->value.len);
}

enum err schema_take(const Hsm__Template *template, struct object *o, struct diag *why)
{
    size_t n = template != NULL ? template->n_attributes : 0;
    enum err e = ERR_OK;

    if (n > TEMPLATE_ATTRIBUTES_MAX) {
        diag_set(why, "the template has %zu attributes; the limit is %u", n, TEMPLATE_ATTRIBUTES_MAX);
        return ERR_LIMIT;
    }
    for (size_t i = 0; e == ERR_OK && i < n; i++)
        e = take_attribute(template->attributes[i], o, why);
    return e;
}

/* A number that the call may have decided already; else the template has to give it. */
static enum err take_number(const struct schema *s, const struct object *o, CK_ATTRIBUTE_TYPE type, CK_ULONG *number,
                            struct diag *why)
{
    bool given = object_has(o, type);

    if (!given && (s->way == SCHEMA_CREATE || *number == CK_UNAVAILABLE_INFORMATION)) {
        diag_set(why, "%s is missing", schema_attribute_name(type));
        return ERR_TEMPLATE_INCOMPLETE;
    }
    if (given && s->way == SCHEMA_GENERATE && object_ulong(o, type, 0) != *number) {
        diag_set(why, "%s is not what the mechanism makes, which is 0x%lx", schema_attribute_name(type), *number);
        return ERR_TEMPLATE_INCONSISTENT;
    }
    if (given)
        *number = object_ulong(o, type, 0);
    return ERR_OK;
}

static enum err take_class(struct schema *s, struct object *o, struct diag *why)
{
    enum err e = take_number(s, o, CKA_CLASS, &s->object_class, why);

    if (e != ERR_OK)
        return e;
    if ((s->class_bit = attribute_class_bit(s->object_class)) == 0) {
        diag_set(why, "CKA_CLASS %lu: there are no such objects here", s->object_class);
        return ERR_ATTRIBUTE_VALUE;
    }
    return object_put_ulong(o, CKA_CLASS, s->object_class);
}

static enum err take_key_type(struct schema *s, struct object *o, struct diag *why)
{
    const struct key_kind *kind;
    enum err e;

    if ((attribute_find(CKA_KEY_TYPE)->classes & s->class_bit) == 0) {
        s->key_type = NO_KEY_TYPE;
        return ERR_OK;
    }
    if ((e = take_number(s, o, CKA_KEY_TYPE, &s->key_type, why)) != ERR_OK)
        return e;
    kind = key_kind_find(s->key_type);
    if (kind == NULL || key_kind_is_secret(kind) != (s->class_bit == CLASS_SECRET) ||
        key_kind_is_otp(kind) != (s->class_bit == CLASS_OTP) || (s->class_bit == CLASS_DOMAIN && !field_makes(s->key_type))) {
        diag_set(why, "CKA_KEY_TYPE %lu: %s cannot be of this type here", s->key_type, schema_class_name(s->class_bit));
        return ERR_ATTRIBUTE_VALUE;
    }
    return object_put_ulong(o, CKA_KEY_TYPE, s->key_type);
}

static bool has_part(const struct schema *s, CK_ATTRIBUTE_TYPE part)
{
    if (s->class_bit == CLASS_DOMAIN)
        return field_has_parameter(s->key_type, part);
    return s->class_bit == CLASS_PUBLIC ? key_type_has_public_part(s->key_type, part) : key_type_has_part(s->key_type, part);
}

/* What a row has to say of one way or another. */
static unsigned given_flags(const struct schema *s)
{
    bool pair = s->way == SCHEMA_GENERATE && s->class_bit & (CLASS_PUBLIC | CLASS_PRIVATE);

    return ways[s->way].flags | (pair ? ATTRIBUTE_GENERATE_PAIR : 0u);
}

/* Whether an attribute with this row may be given for such an object, in this way. */
static enum err may_give(const struct schema *s, const struct object *o, const struct attribute *row, struct diag *why)
{
    if ((row->classes & s->class_bit) == 0) {
        diag_set(why, "%s has no %s", schema_class_name(s->class_bit), row->name);
        return ERR_ATTRIBUTE_TYPE;
    }
    if ((row->flags & given_flags(s)) == 0) {
        diag_set(why, "%s cannot be given when %s is %s", row->name, schema_class_name(s->class_bit), ways[s->way].name);
        return ERR_ATTRIBUTE_READ_ONLY;
    }
    if (row->flags & ATTRIBUTE_MATERIAL && s->key_type != NO_KEY_TYPE && !has_part(s, row->type)) {
        diag_set(why, "%s of this CKA_KEY_TYPE has no %s", schema_class_name(s->class_bit), row->name);
        return ERR_TEMPLATE_INCONSISTENT;
    }
    if (row->flags & ATTRIBUTE_ADMIN && !s->by_admin && (row->value != ATTRIBUTE_BOOL || object_bool(o, row->type))) {
        diag_set(why, "%s cannot be set by a crypto user", row->name); /* PKCS#11 v3.1 section 4.6.2: the SO's to set */
        return ERR_ATTRIBUTE_READ_ONLY;
    }
    return ERR_OK;
}

/* What a key inherits from those that it is made with. */
static enum err inherits(const struct schema *s, const struct object *o, struct diag *why)
{
    if (s->base.sensitive && object_has(o, CKA_SENSITIVE) && !object_bool(o, CKA_SENSITIVE)) {
        diag_set(why, "CKA_SENSITIVE must be true: the key that this one is made with is sensitive");
        return ERR_TEMPLATE_INCONSISTENT;
    }
    if (s->base.unextractable && object_bool(o, CKA_EXTRACTABLE)) {
        diag_set(why, "CKA_EXTRACTABLE must be false: the key that this one is made with is not extractable");
        return ERR_TEMPLATE_INCONSISTENT;
    }
    if (s->base.with_trusted && object_has(o, CKA_WRAP_WITH_TRUSTED) && !object_bool(o, CKA_WRAP_WITH_TRUSTED)) {
        diag_set(why, "CKA_WRAP_WITH_TRUSTED must be true, as of the key that this one is made with");
        return ERR_TEMPLATE_INCONSISTENT;
    }
    return ERR_OK;
}

/* What no single row can say. */
static enum err agrees(const struct schema *s, const struct object *o, struct diag *why)
{
    if (object_bool(o, CKA_ALWAYS_AUTHENTICATE) && object_has(o, CKA_PRIVATE) && !object_bool(o, CKA_PRIVATE)) {
        diag_set(why, "CKA_PRIVATE must be true where CKA_ALWAYS_AUTHENTICATE is"); /* PKCS#11 v3.1 section 4.9 */
        return ERR_TEMPLATE_INCONSISTENT;
    }
    /* The same section asks for the user's password at each use. Shown, the value would be there for every use without. */
    if (object_bool(o, CKA_ALWAYS_AUTHENTICATE) && object_has(o, CKA_SENSITIVE) && !object_bool(o, CKA_SENSITIVE)) {
        diag_set(why, "CKA_SENSITIVE must be true where CKA_ALWAYS_AUTHENTICATE is: who reads the key needs no password to use it");
        return ERR_TEMPLATE_INCONSISTENT;
    }
    return inherits(s, o, why);
}

enum err schema_read(struct schema *s, const Hsm__Template *template, struct object *o, struct diag *why)
{
    enum err e = schema_take(template, o, why);

    if (e == ERR_OK)
        e = take_class(s, o, why);
    if (e == ERR_OK)
        e = take_key_type(s, o, why);
    s->usage_given = false;
    for (size_t i = 0; e == ERR_OK && i < o->n; i++) {
        const struct attribute *row = attribute_find(o->attributes[i].type);
        e = may_give(s, o, row, why);
        s->usage_given = s->usage_given || (row->flags & ATTRIBUTE_USAGE) != 0;
    }
    for (size_t i = 0; e == ERR_OK && s->way == SCHEMA_CREATE && attribute_at(i) != NULL; i++) {
        const struct attribute *row = attribute_at(i);
        if (row->flags & ATTRIBUTE_CREATE_MUST && row->classes & s->class_bit && !object_has(o, row->type)) {
            diag_set(why, "%s is missing", row->name);
            e = ERR_TEMPLATE_INCOMPLETE;
        }
    }
    if (e == ERR_OK && s->class_bit == CLASS_OTP)
        e = otp_take(o, why);
    return e == ERR_OK ? agrees(s, o, why) : e;
}

static enum err by_rule(const struct schema *s, const struct attribute *row, struct object *o, struct diag *why)
{
    const struct rule *rule = rule_find(row->type);
    const struct object_attribute *given = object_find(o, row->type);
    struct buffer value = {0};
    enum err e;

    if (given != NULL && !rule->fixed)
        return ERR_OK;
    if (given != NULL && given->n == 0)
        given = NULL; /* "compute it for me", in some clients */
    e = rule->value(s, o, &value);
    if (e == ERR_NOT_FOUND && given == NULL) {
        e = ERR_OK;
    } else if (e == ERR_NOT_FOUND) {
        diag_set(why, "%s of this CKA_KEY_TYPE has no %s", schema_class_name(s->class_bit), row->name);
        e = ERR_TEMPLATE_INCONSISTENT;
    } else if (e != ERR_OK) {
        diag_set(why, "%s cannot be computed from the other attributes", row->name);
    } else if (given != NULL && (given->n != value.len || !bytes_equal(given->value, value.data, value.len))) {
        diag_set(why, "%s is not what the rest of the template makes it", row->name);
        e = ERR_TEMPLATE_INCONSISTENT;
    } else if (given == NULL) {
        e = object_put(o, row->type, value.data, value.len);
    }
    buffer_clear(&value);
    return e;
}

static enum err by_default(const struct schema *s, const struct attribute *row, struct object *o, struct diag *why)
{
    if (row->flags & ATTRIBUTE_MATERIAL && s->key_type != NO_KEY_TYPE)
        return ERR_OK; /* what the key is made of is there, or is no part of such a key */
    if (row->fallback == DEFAULT_BY_RULE)
        return by_rule(s, row, o, why);
    if (object_has(o, row->type))
        return ERR_OK;
    switch (row->fallback) {
    case DEFAULT_FALSE:
    case DEFAULT_TRUE:
        return object_put_bool(o, row->type, row->fallback == DEFAULT_TRUE);
    case DEFAULT_EMPTY:
        return object_put(o, row->type, NULL, 0);
    case DEFAULT_NO:
    case DEFAULT_BY_RULE:
        break;
    }
    return ERR_OK;
}

enum err schema_complete(const struct schema *s, struct object *o, struct diag *why)
{
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && attribute_at(i) != NULL; i++)
        if (attribute_at(i)->classes & s->class_bit)
            e = by_default(s, attribute_at(i), o, why);
    o->sole = sole_at_birth(s, o);
    return e;
}
