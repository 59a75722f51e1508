/* hsmctl validation: what an admin states of the validation of this cluster's build, as PKCS #11 3.2's validation objects. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/big_endian.h"
#include "proto/limits.h"
#include "proto/pkcs11.h"
#include "proto/validation.h"
#include "tools/hsmctl.h"

enum { ATTRIBUTES_MAX = 16, VERSION_BYTES = 2, ULONG_BYTES = 8 };

/* ---- what is stated */

struct statement {
    Hsm__Template message;
    Hsm__Attribute rows[ATTRIBUTES_MAX];
    Hsm__Attribute *list[ATTRIBUTES_MAX];
    uint8_t small[ATTRIBUTES_MAX][ULONG_BYTES];
};

/* `value` is only read. */
static void put(struct statement *s, CK_ATTRIBUTE_TYPE type, const void *value, size_t n)
{
    size_t at = s->message.n_attributes++;

    hsm__attribute__init(&s->rows[at]);
    s->rows[at].type = type;
    s->rows[at].value = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)value, .len = n};
    s->list[at] = &s->rows[at];
}

static void put_number(struct statement *s, CK_ATTRIBUTE_TYPE type, uint64_t value)
{
    uint8_t *small = s->small[s->message.n_attributes];

    u64_put(small, value);
    put(s, type, small, ULONG_BYTES);
}

/* Digits alone, or with 0x in front. */
static bool read_number(const char *text, uint64_t max, uint64_t *out)
{
    char *end = NULL;

    errno = 0;
    *out = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *out <= max;
}

/* "3.0", "3" */
static bool read_edition(const char *text, uint8_t out[VERSION_BYTES])
{
    char major[8];
    const char *dot = strchr(text, '.');
    size_t n = dot != NULL ? (size_t)(dot - text) : strlen(text);
    uint64_t high, low = 0;

    if (n >= sizeof major)
        return false;
    memcpy(major, text, n);
    major[n] = '\0';
    if (!read_number(major, UINT8_MAX, &high) || (dot != NULL && !read_number(dot + 1, UINT8_MAX, &low)))
        return false;
    out[0] = (uint8_t)high;
    out[1] = (uint8_t)low;
    return true;
}

static bool wrong(struct diag *why, const char *option, const char *remedy)
{
    diag_set(why, "--%s is missing, or has no such value", option);
    diag_remedy(why, "%s", remedy);
    return false;
}

/* The vault holds the values against each other; here only what has a form of its own on the command line. */
static bool take_numbers(const struct invocation *call, struct statement *s, struct diag *why)
{
    const char *authority_name = option_or(call, OPTION_authority, "");
    const struct validation_authority *authority = validation_authority_find(authority_name);
    uint64_t level, flag = 0;
    CK_ULONG type = CKV_TYPE_SOFTWARE;
    char remedy[DIAG_REMEDY_BYTES];
    uint8_t *edition = s->small[s->message.n_attributes];

    snprintf(remedy, sizeof remedy, "it is %s", validation_authorities_text());
    if (authority == NULL)
        return wrong(why, "authority", remedy);
    if (!read_edition(option_or(call, OPTION_edition, ""), edition))
        return wrong(why, "edition", "write the version of the standard as 3.0 (of FIPS 140-3) or 3.1 (of Common Criteria)");
    put(s, CKA_VALIDATION_VERSION, edition, VERSION_BYTES);
    if (!read_number(option_or(call, OPTION_level, ""), UINT32_MAX, &level))
        return wrong(why, "level", "it is a number, such as 1 to 4 of nist-cmvp");
    snprintf(remedy, sizeof remedy, "it is %s", validation_types_text());
    if (!validation_type_find(option_or(call, OPTION_type, "software"), &type))
        return wrong(why, "type", remedy);
    if (!read_number(option_or(call, OPTION_flag, "0"), UINT32_MAX, &flag))
        return wrong(why, "flag", "it is a number, such as 0x1");
    put_number(s, CKA_VALIDATION_AUTHORITY_TYPE, authority->number);
    put_number(s, CKA_VALIDATION_LEVEL, level);
    put_number(s, CKA_VALIDATION_TYPE, type);
    put_number(s, CKA_VALIDATION_FLAG, flag);
    return true;
}

static const struct {
    enum option option;
    CK_ATTRIBUTE_TYPE type;
    const char *key; /* in the list */
} texts[] = {
    {OPTION_label, CKA_LABEL, "label"},
    {OPTION_country, CKA_VALIDATION_COUNTRY, "country"},
    {OPTION_certificate, CKA_VALIDATION_CERTIFICATE_IDENTIFIER, "certificate"},
    {OPTION_certificate_uri, CKA_VALIDATION_CERTIFICATE_URI, "certificate_uri"},
    {OPTION_vendor_uri, CKA_VALIDATION_VENDOR_URI, "vendor_uri"},
    {OPTION_profile, CKA_VALIDATION_PROFILE, "profile"},
};

enum { TEXTS = sizeof texts / sizeof texts[0] };

static bool take(const struct invocation *call, struct statement *s, struct diag *why)
{
    static const uint8_t yes = 1;

    hsm__template__init(&s->message);
    s->message.attributes = s->list;
    put_number(s, CKA_CLASS, CKO_VALIDATION);
    put(s, CKA_TOKEN, &yes, sizeof yes);
    put(s, CKA_VALIDATION_MODULE_ID, call->arguments[0], strlen(call->arguments[0]));
    for (size_t i = 0; i < TEXTS; i++)
        if (call->options[texts[i].option] != NULL)
            put(s, texts[i].type, call->options[texts[i].option], strlen(call->options[texts[i].option]));
    return take_numbers(call, s, why);
}

/* ---- what is shown */

static const ProtobufCBinaryData *value_of(const Hsm__Object *object, CK_ATTRIBUTE_TYPE type)
{
    static const ProtobufCBinaryData none = {0};

    for (size_t i = 0; i < object->n_attributes; i++)
        if (object->attributes[i]->type == type)
            return &object->attributes[i]->value;
    return &none;
}

static uint64_t number_of(const Hsm__Object *object, CK_ATTRIBUTE_TYPE type)
{
    const ProtobufCBinaryData *v = value_of(object, type);

    return v->len == ULONG_BYTES ? u64_get(v->data) : UINT64_MAX;
}

static void show_text(struct output *o, const char *key, const Hsm__Object *object, CK_ATTRIBUTE_TYPE type)
{
    const ProtobufCBinaryData *v = value_of(object, type);
    char text[URI_BYTES_MAX + 1];

    snprintf(text, sizeof text, "%.*s", (int)(v->len < URI_BYTES_MAX ? v->len : URI_BYTES_MAX), v->len > 0 ? (const char *)v->data : "");
    output_text(o, key, text[0] != '\0' ? text : NULL);
}

static void show(struct output *o, const Hsm__Object *object)
{
    const struct validation_authority *authority = validation_authority((CK_ULONG)number_of(object, CKA_VALIDATION_AUTHORITY_TYPE));
    const ProtobufCBinaryData *edition = value_of(object, CKA_VALIDATION_VERSION);
    char text[32] = "?";

    output_row(o);
    output_number(o, "id", object->id);
    show_text(o, "module", object, CKA_VALIDATION_MODULE_ID);
    output_text(o, "authority", authority != NULL ? authority->name : NULL);
    output_text(o, "type", validation_type_name((CK_ULONG)number_of(object, CKA_VALIDATION_TYPE)));
    if (edition->len == VERSION_BYTES)
        snprintf(text, sizeof text, "%u.%u", edition->data[0], edition->data[1]);
    output_text(o, "edition", text);
    output_number(o, "level", number_of(object, CKA_VALIDATION_LEVEL));
    snprintf(text, sizeof text, "0x%" PRIx64, number_of(object, CKA_VALIDATION_FLAG));
    output_text(o, "flag", text);
    for (size_t i = 0; i < TEXTS; i++)
        show_text(o, texts[i].key, object, texts[i].type);
}

/* ---- the commands */

enum status validation_add(const struct invocation *call)
{
    const char *doing = "the validation was not stated";
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Create create = HSM__CREATE__INIT;
    Hsm__Reply *reply = NULL;
    struct statement statement;
    struct diag why = {0};
    struct output *o;
    enum status s;

    if (!take(call, &statement, &why))
        return complain(call, STATUS_USAGE, doing, &why);
    request.of_case = HSM__REQUEST__OF_CREATE;
    request.create = &create;
    create.template_ = &statement.message;
    s = remote_as_admin(call, doing, &request, HSM__REPLY__OF_OBJECTS, &reply);
    if (s != STATUS_DONE)
        return s;
    o = output_new();
    output_table(o, "stated");
    if (reply->objects->n_objects > 0)
        show(o, reply->objects->objects[0]);
    output_table_end(o);
    rpc_reply_free(reply);
    return answer(call, o);
}

enum status validation_list(const struct invocation *call)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Find find = HSM__FIND__INIT;
    Hsm__Reply *reply = NULL;
    struct statement by_class = {.message = HSM__TEMPLATE__INIT};
    struct remote r;
    struct output *o;
    enum status s = remote_open(call, &r);

    by_class.message.attributes = by_class.list;
    put_number(&by_class, CKA_CLASS, CKO_VALIDATION);
    request.of_case = HSM__REQUEST__OF_FIND;
    request.find = &find;
    find.template_ = &by_class.message;
    if (s == STATUS_DONE) /* VALIDATIONS_MAX of them fit into one reply */
        s = remote_call(call, &r, "cannot list the validations", &request, HSM__REPLY__OF_OBJECTS, &reply);
    remote_close(&r);
    if (s != STATUS_DONE)
        return s;
    o = output_new();
    output_table(o, "validations");
    for (size_t i = 0; i < reply->objects->n_objects; i++)
        show(o, reply->objects->objects[i]);
    output_table_end(o);
    rpc_reply_free(reply);
    return answer(call, o);
}

enum status validation_remove(const struct invocation *call)
{
    const char *doing = "the validation was not removed";
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Destroy destroy = HSM__DESTROY__INIT;
    Hsm__Reply *reply = NULL;
    struct diag why = {0};
    struct output *o;
    enum status s;

    if (!read_number(call->arguments[0], OBJECT_ID_LIMIT - 1, &destroy.id)) {
        diag_set(&why, "\"%.40s\" is no id", call->arguments[0]);
        diag_remedy(&why, "\"hsmctl validation list\" shows them");
        return complain(call, STATUS_USAGE, doing, &why);
    }
    request.of_case = HSM__REQUEST__OF_DESTROY;
    request.destroy = &destroy;
    s = remote_as_admin(call, doing, &request, HSM__REPLY__OF_EMPTY, &reply);
    if (s != STATUS_DONE)
        return s;
    rpc_reply_free(reply);
    o = output_new();
    output_number(o, "removed", destroy.id);
    return answer(call, o);
}
