#include "proto/alias.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "proto/mechanism.h"
#include "proto/parameter_set.h"

enum { ULONG_BYTES = 8 };

/* What a name may stand for: those of mechanisms that are not here too. */
struct named {
    const char *name;
    CK_ULONG number;
};

static const struct named mechanisms[] = {
#define NO_KEY NO_KEY_TYPE
#define ANY_PAIR ANY_PAIR_TYPE
#define MECH(type, ...) {#type, type},
#include "proto/mechanism.def"
#undef MECH
};

static const struct named key_types[] = {
#define MECH(type, family, operations, key_type, ...) {#key_type, key_type},
#include "proto/mechanism.def"
#undef MECH
#undef NO_KEY
#undef ANY_PAIR
};

static const struct named kdfs[] = {
#define ECDH_KDF(type, ...) {#type, type},
#include "proto/ecdh_kdf.def"
#undef ECDH_KDF
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool named_at(const struct named *list, size_t n, size_t i, struct named *out)
{
    if (i < n)
        *out = list[i];
    return i < n;
}

static bool mechanism_named(size_t i, struct named *out)
{
    return named_at(mechanisms, COUNT(mechanisms), i, out);
}

static bool key_type_named(size_t i, struct named *out)
{
    return named_at(key_types, COUNT(key_types), i, out);
}

static bool kdf_named(size_t i, struct named *out)
{
    return named_at(kdfs, COUNT(kdfs), i, out);
}

static bool attribute_named(size_t i, struct named *out)
{
    const struct attribute *row = attribute_at(i);

    if (row != NULL)
        *out = (struct named){row->name, row->type};
    return row != NULL;
}

/* By OpenSSL's name, which is the standard's but for its small letters and hyphens. */
static bool set_named(size_t i, struct named *out)
{
    const struct parameter_set *row = parameter_set_at(i);

    if (row != NULL)
        *out = (struct named){row->name, row->number};
    return row != NULL;
}

static bool is_name(const char *has, const char *given)
{
    return strcmp(has, given) == 0;
}

static bool is_set_name(const char *has, const char *given)
{
    for (given += strlen("CKP_"); *has != '\0' && *given != '\0'; has++, given++)
        if ((*has == '-' ? '_' : toupper((unsigned char)*has)) != *given)
            return false;
    return *has == *given;
}

static const struct {
    const char *prefix;
    bool (*at)(size_t i, struct named *out); /* false: there are no more */
    bool (*is)(const char *has, const char *given);
} kinds[] = {
    [ALIAS_MECHANISM] = {"CKM_", mechanism_named, is_name},
    [ALIAS_ATTRIBUTE] = {"CKA_", attribute_named, is_name},
    [ALIAS_KEY_TYPE] = {"CKK_", key_type_named, is_name},
    [ALIAS_KDF] = {"CKD_", kdf_named, is_name},
    [ALIAS_SET] = {"CKP_", set_named, is_set_name},
};

/* ---- reading */

static bool refuse(struct diag *why, const char *text, const char *what, const char *remedy)
{
    diag_set(why, "aliases: \"%s\": %s", text, what);
    diag_remedy(why, "%s", remedy);
    return false;
}

/* The number, and where the name begins. */
static bool split(const char *text, CK_ULONG *number, const char **name)
{
    char *end;
    unsigned long long v;

    if (strncmp(text, "0x", 2) != 0 || !isxdigit((unsigned char)text[2]))
        return false;
    v = strtoull(text, &end, 16);
    *number = v > UINT32_MAX ? 0 : (CK_ULONG)v; /* 0: no vendor's */
    end += strspn(end, " ");
    if (*end != '=')
        return false;
    *name = end + 1 + strspn(end + 1, " ");
    return **name != '\0';
}

static bool find_kind(const char *name, enum alias_kind *out)
{
    for (size_t k = 0; k < COUNT(kinds); k++)
        if (strncmp(name, kinds[k].prefix, strlen(kinds[k].prefix)) == 0) {
            *out = (enum alias_kind)k;
            return true;
        }
    return false;
}

static bool find_name(enum alias_kind kind, const char *name, CK_ULONG *out)
{
    struct named one;

    for (size_t i = 0; kinds[kind].at(i, &one); i++)
        if (kinds[kind].is(one.name, name)) {
            *out = one.number;
            return true;
        }
    return false;
}

static bool is_ours(enum alias_kind kind, CK_ULONG number)
{
    struct named one;

    for (size_t i = 0; kinds[kind].at(i, &one); i++)
        if (one.number == number)
            return true;
    return false;
}

bool aliases_add(struct aliases *a, const char *text, struct diag *why)
{
    struct alias new = {.kind = ALIAS_MECHANISM};
    const char *name;

    if (a->n == ALIASES_MAX)
        return refuse(why, text, "there are too many", "keep those that your programs use");
    if (!split(text, &new.number, &name))
        return refuse(why, text, "this is no alias", "write a number and a name: 0x80001057 = CKM_EDDSA");
    if (new.number < CKM_VENDOR_DEFINED)
        return refuse(why, text, "the number is no vendor's", "write one from 0x80000000 to 0xffffffff");
    if (!find_kind(name, &new.kind))
        return refuse(why, text, "the name has no known beginning", "write one with CKM_, CKA_, CKK_, CKD_ or CKP_");
    if (!find_name(new.kind, name, &new.meaning))
        return refuse(why, text, "there is no such name", "take one of docs/pkcs11.md");
    if (is_ours(new.kind, new.number))
        return refuse(why, text, "the number has a meaning here already", "delete the line");
    if (alias_meaning(a, new.kind, new.number) != new.number)
        return refuse(why, text, "the number is there twice", "delete one of the lines");
    a->rows[a->n++] = new;
    return true;
}

/* ---- asking */

CK_ULONG alias_meaning(const struct aliases *a, enum alias_kind kind, CK_ULONG number)
{
    for (size_t i = 0; i < a->n; i++)
        if (a->rows[i].number == number && a->rows[i].kind == kind)
            return a->rows[i].meaning;
    return number;
}

static const struct {
    CK_ATTRIBUTE_TYPE type;
    enum alias_kind kind;
} values[] = {
    {CKA_KEY_TYPE, ALIAS_KEY_TYPE},
    {CKA_PARAMETER_SET, ALIAS_SET},
    {CKA_ALLOWED_MECHANISMS, ALIAS_MECHANISM},
    {CKA_KEY_GEN_MECHANISM, ALIAS_MECHANISM},
};

static void translate(const struct aliases *a, enum alias_kind kind, uint8_t value[ULONG_BYTES])
{
    uint64_t number = 0;

    for (size_t i = 0; i < ULONG_BYTES; i++)
        number = number << 8 | value[i];
    if (number > UINT32_MAX)
        return;
    number = alias_meaning(a, kind, (CK_ULONG)number);
    for (size_t i = 0; i < ULONG_BYTES; i++)
        value[i] = (uint8_t)(number >> (8 * (ULONG_BYTES - 1 - i)));
}

void alias_value(const struct aliases *a, const struct attribute *row, uint8_t *value, size_t n)
{
    CK_ATTRIBUTE_TYPE type;
    const uint8_t *inner;
    size_t at = 0, length;

    if (a->n == 0)
        return;
    if (row->value == ATTRIBUTE_TEMPLATE) { /* of which none holds another */
        while (attribute_template_next(value, n, &at, &type, &inner, &length))
            alias_value(a, attribute_find(type), value + (inner - value), length);
        return;
    }
    for (size_t i = 0; i < COUNT(values); i++)
        for (size_t from = 0; values[i].type == row->type && from + ULONG_BYTES <= n; from += ULONG_BYTES)
            translate(a, values[i].kind, value + from);
}
