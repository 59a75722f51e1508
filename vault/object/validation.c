#include "vault/object/validation.h"

#include "proto/attribute.h"
#include "proto/limits.h"
#include "proto/validation.h"
#include "vault/keyring.h"
#include "vault/object/reply.h"
#include "vault/object/tokens.h"

/* ---- texts: they end up on terminals and web pages of people who trust them */

/* A character that a terminal would obey: C0, DEL, and C1 (in UTF-8, 0xc2 and 0x80 to 0x9f). */
static bool is_plain(const struct object_attribute *a)
{
    for (size_t i = 0; i < a->n; i++)
        if (a->value[i] < 0x20 || a->value[i] == 0x7f || (a->value[i] == 0xc2 && i + 1 < a->n && a->value[i + 1] < 0xa0))
            return false;
    return true;
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 3986: a scheme, and of all that follows only that it is of printable ASCII. */
static bool is_uri(const struct object_attribute *a)
{
    size_t colon = 0;

    if (a->n == 0)
        return true;
    while (colon < a->n && a->value[colon] != ':')
        colon++;
    for (size_t i = 0; i < a->n; i++)
        if (a->value[i] <= 0x20 || a->value[i] >= 0x7f)
            return false;
    return is_letter(a->value[0]) && colon > 0 && colon + 1 < a->n;
}

/* ISO 3166-1. */
static bool is_country(const struct object_attribute *a)
{
    return a->n == 0 || (a->n == 2 && a->value[0] >= 'A' && a->value[0] <= 'Z' && a->value[1] >= 'A' && a->value[1] <= 'Z');
}

static bool is_there(const struct object_attribute *a)
{
    return a->n > 0 && is_plain(a);
}

static const struct {
    CK_ATTRIBUTE_TYPE type;
    bool (*holds)(const struct object_attribute *a);
    const char *otherwise;
} texts[] = {
    {CKA_LABEL, is_plain, "CKA_LABEL has control characters"},
    {CKA_VALIDATION_MODULE_ID, is_there, "CKA_VALIDATION_MODULE_ID is empty, or has control characters"},
    {CKA_VALIDATION_COUNTRY, is_country, "CKA_VALIDATION_COUNTRY is empty, or two capital letters as in ISO 3166"},
    {CKA_VALIDATION_CERTIFICATE_IDENTIFIER, is_plain, "CKA_VALIDATION_CERTIFICATE_IDENTIFIER has control characters"},
    {CKA_VALIDATION_CERTIFICATE_URI, is_uri, "CKA_VALIDATION_CERTIFICATE_URI is no URI of printable ASCII, such as https://..."},
    {CKA_VALIDATION_VENDOR_URI, is_uri, "CKA_VALIDATION_VENDOR_URI is no URI of printable ASCII, such as https://..."},
    {CKA_VALIDATION_PROFILE, is_plain, "CKA_VALIDATION_PROFILE has control characters"},
};

static enum err check_texts(const struct object *o, struct diag *why)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const struct object_attribute *a = object_find(o, texts[i].type);
        if (a != NULL && !texts[i].holds(a)) {
            diag_set(why, "%s", texts[i].otherwise);
            return ERR_ATTRIBUTE_VALUE;
        }
    }
    return ERR_OK;
}

/* ---- numbers */

static enum err check_numbers(const struct object *o, struct diag *why)
{
    CK_ULONG type = object_ulong(o, CKA_VALIDATION_TYPE, CK_UNAVAILABLE_INFORMATION);
    CK_ULONG number = object_ulong(o, CKA_VALIDATION_AUTHORITY_TYPE, CK_UNAVAILABLE_INFORMATION);
    CK_ULONG level = object_ulong(o, CKA_VALIDATION_LEVEL, CK_UNAVAILABLE_INFORMATION);
    const struct validation_authority *authority = validation_authority(number);

    if (validation_type_name(type) == NULL) {
        diag_set(why, "CKA_VALIDATION_TYPE %lu is none of the standard's: %s", type, validation_types_text());
        return ERR_ATTRIBUTE_VALUE;
    }
    if (authority == NULL) {
        diag_set(why, "CKA_VALIDATION_AUTHORITY_TYPE %lu is none of the standard's: %s", number, validation_authorities_text());
        return ERR_ATTRIBUTE_VALUE;
    }
    if (level < authority->level_min || level > authority->level_max) {
        diag_set(why, "CKA_VALIDATION_LEVEL of the authority %s is %lu to %lu", authority->name, authority->level_min,
                 authority->level_max);
        return ERR_ATTRIBUTE_VALUE;
    }
    return ERR_OK;
}

/* ---- */

static const struct {
    CK_ATTRIBUTE_TYPE type;
    bool value;
} fixed[] = {
    {CKA_TOKEN, true}, {CKA_PRIVATE, false}, {CKA_MODIFIABLE, false}, {CKA_COPYABLE, false}, {CKA_DESTROYABLE, true},
};

enum err validation_complete(struct object *o, struct diag *why)
{
    enum err e = check_numbers(o, why);

    if (e == ERR_OK)
        e = check_texts(o, why);
    for (size_t i = 0; e == ERR_OK && i < sizeof fixed / sizeof fixed[0]; i++) {
        if (object_has(o, fixed[i].type) && object_bool(o, fixed[i].type) != fixed[i].value) {
            diag_set(why, "%s of a validation object is %s", attribute_find(fixed[i].type)->name, fixed[i].value ? "true" : "false");
            return ERR_TEMPLATE_INCONSISTENT;
        }
        e = object_put_bool(o, fixed[i].type, fixed[i].value);
    }
    return e;
}

bool validation_is(const struct object *o)
{
    return object_ulong(o, CKA_CLASS, CK_UNAVAILABLE_INFORMATION) == CKO_VALIDATION;
}

_Static_assert(VALIDATIONS_MAX <= FIND_IDS_MAX, "one look at the index counts them");

enum err validation_room(struct work *w)
{
    const struct cluster_view *view = keyring_view(work_vault(w)->keyring);
    uint8_t token[INDEX_TOKEN_BYTES];
    struct object all;
    const uint64_t *ids;
    size_t n = 0;
    bool more = false;
    enum err e = view != NULL ? ERR_OK : ERR_WRONG_STATE;

    object_init(&all, reply_memory(w));
    if (e == ERR_OK && (e = object_put_ulong(&all, CKA_CLASS, CKO_VALIDATION)) == ERR_OK)
        e = tokens_best(view->index, &all, INDEX_PUBLIC, token);
    keyring_view_done(work_vault(w)->keyring, view);
    if (e == ERR_OK)
        e = work_lookup(w, token, 0, VALIDATIONS_MAX, &ids, &n, &more);
    if (e != ERR_OK || n < VALIDATIONS_MAX)
        return e;
    work_detail(w, "there are %u validation objects, and no more are kept: remove one first", VALIDATIONS_MAX);
    return ERR_LIMIT;
}
