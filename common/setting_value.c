#include "common/setting_value.h"

#include "common/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A kind: its name, that of one item, the size of its field, whether it lists, and what a good value looks like. */
static const struct kind {
    const char *name;
    const char *item;
    size_t field_bytes;
    bool is_list;
    const char *remedy;
} kinds[] = {
    [SETTING_TEXT] = {"text", "text", sizeof(char *), false, "use printable characters"},
    [SETTING_PATH] = {"path", "path", sizeof(char *), false, "use printable characters"},
    [SETTING_U32] = {"number", "number", sizeof(uint32_t), false, "write a decimal number such as 3"},
    [SETTING_BOOL] = {"boolean", "boolean", sizeof(bool), false, "write true or false"},
    [SETTING_DURATION_MS] = {"duration", "duration", sizeof(uint64_t), false,
        "write a number with a unit: 250ms, 10s, 5m, 2h or 3d"},
    [SETTING_BYTES] = {"size", "size", sizeof(uint64_t), false,
        "write bytes, or a number with a unit: 64KiB, 16MiB or 1GiB"},
    [SETTING_ADDRESS] = {"address", "address", sizeof(struct address), false,
        "write host:port, such as 127.0.0.1:7443 or [::1]:7443"},
    [SETTING_TEXTS] = {"list of texts", "text", sizeof(struct texts), true, "use printable characters"},
    [SETTING_PATHS] = {"list of paths", "path", sizeof(struct texts), true, "use printable characters"},
    [SETTING_ADDRESSES] = {"list of addresses", "address", sizeof(struct addresses), true,
        "write host:port, such as 127.0.0.1:7443 or [::1]:7443"},
};

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit durations[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct unit sizes[] = {{"", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {NULL, 0}};
static const struct unit plain[] = {{"", 1}, {NULL, 0}};

const char *setting_kind_name(enum setting_kind kind)
{
    return kinds[kind].name;
}

bool setting_is_list(const struct setting *row)
{
    return kinds[row->kind].is_list;
}

static bool no_memory(struct diag *why)
{
    diag_set(why, "no memory for the configuration");
    return false;
}

static bool not_of_kind(const struct setting *row, const char *text, struct diag *why)
{
    diag_set(why, "%s: \"%.80s\" is no %s", row->path, text, kinds[row->kind].item);
    diag_remedy(why, "%s", kinds[row->kind].remedy);
    return false;
}

/* Digits and a unit, nothing else; no sign, no blank, no overflow. */
static bool number_parse(const char *text, const struct unit *units, uint64_t *out)
{
    uint64_t v = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(*at - '0'), &v))
            return false;
    if (at == text)
        return false;
    for (; units->name; units++)
        if (strcmp(at, units->name) == 0)
            return !__builtin_mul_overflow(v, units->factor, out);
    return false;
}

/* As it may be written: with its unit. */
static void duration_out_of_range(const struct setting *row, uint64_t v, struct diag *why)
{
    diag_set(why, "%s: %" PRIu64 "ms is out of range", row->path, v);
    diag_remedy(why, "choose %" PRIu64 "ms to %" PRIu64 "ms", row->min, row->max);
}

static bool in_range(const struct setting *row, uint64_t v, const char *of, struct diag *why)
{
    if (v >= row->min && (row->max == 0 || v <= row->max))
        return true;
    if (row->kind == SETTING_DURATION_MS && row->max != 0) {
        duration_out_of_range(row, v, why);
        return false;
    }
    diag_set(why, "%s: %s %" PRIu64 " is out of range", row->path, of, v);
    if (row->max)
        diag_remedy(why, "choose %" PRIu64 " to %" PRIu64, row->min, row->max);
    else
        diag_remedy(why, "choose %" PRIu64 " or more", row->min);
    return false;
}

static bool number_assign(const struct setting *row, void *field, const char *text, struct diag *why)
{
    const struct unit *units = plain;
    const char *of = "value";
    if (row->kind == SETTING_DURATION_MS) {
        units = durations;
    } else if (row->kind == SETTING_BYTES) {
        units = sizes;
        of = "bytes";
    }
    uint64_t v;
    if (!number_parse(text, units, &v))
        return not_of_kind(row, text, why);
    if (!in_range(row, v, of, why))
        return false;
    if (row->kind != SETTING_U32) {
        *(uint64_t *)field = v;
        return true;
    }
    if (v > UINT32_MAX)
        return not_of_kind(row, text, why);
    *(uint32_t *)field = (uint32_t)v;
    return true;
}

static bool bool_assign(const struct setting *row, void *field, const char *text, struct diag *why)
{
    bool v = strcmp(text, "true") == 0;
    if (!v && strcmp(text, "false") != 0)
        return not_of_kind(row, text, why);
    *(bool *)field = v;
    return true;
}

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

/* A new copy of a text, or of a path as seen from the folder. */
static char *text_new(const struct setting *row, const char *text, const char *folder, struct diag *why)
{
    bool is_path = row->kind == SETTING_PATH || row->kind == SETTING_PATHS;
    if (!is_printable(text)) {
        not_of_kind(row, "(unprintable)", why);
        return NULL;
    }
    size_t n = strlen(text);
    if (!setting_is_list(row) && !in_range(row, n, "length", why))
        return NULL;
    if (!is_path || text[0] == '/' || n == 0 || !*folder)
        folder = "";
    size_t room = strlen(folder) + 1 + n + 1;
    char *copy = malloc(room);
    if (copy)
        snprintf(copy, room, "%s%s%s", folder, *folder ? "/" : "", text);
    else
        no_memory(why);
    return copy;
}

static bool address_parse(const struct setting *row, const char *text, struct address *out, struct diag *why)
{
    const char *host = text, *colon = strrchr(text, ':');
    uint64_t port;
    if (!colon || !is_printable(text) || strchr(text, ' ') || !number_parse(colon + 1, plain, &port) || port == 0 ||
        port > UINT16_MAX)
        return not_of_kind(row, text, why);
    size_t n = (size_t)(colon - text);
    if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
        host++;
        n -= 2;
    } else if (memchr(host, ':', n)) { /* an IPv6 address without brackets: which colon is the port's? */
        return not_of_kind(row, text, why);
    }
    if (n == 0)
        return not_of_kind(row, text, why);
    out->host = text_copy_n(host, n);
    out->port = (uint16_t)port;
    return out->host || no_memory(why);
}

static bool texts_assign(const struct setting *row, struct texts *list, const char *const *texts, size_t count,
    const char *folder, struct diag *why)
{
    list->items = calloc(count ? count : 1, sizeof *list->items);
    if (!list->items)
        return no_memory(why);
    for (; list->count < count; list->count++) {
        list->items[list->count] = text_new(row, texts[list->count], folder, why);
        if (!list->items[list->count])
            return false;
    }
    return true;
}

static bool addresses_assign(const struct setting *row, struct addresses *list, const char *const *texts, size_t count,
    struct diag *why)
{
    list->items = calloc(count ? count : 1, sizeof *list->items);
    if (!list->items)
        return no_memory(why);
    for (; list->count < count; list->count++)
        if (!address_parse(row, texts[list->count], &list->items[list->count], why))
            return false;
    return true;
}

static bool field_assign(const struct setting *row, void *field, const char *const *texts, size_t count,
    const char *folder, struct diag *why)
{
    switch (row->kind) {
    case SETTING_TEXT:
    case SETTING_PATH:
        return (*(char **)field = text_new(row, texts[0], folder, why)) != NULL;
    case SETTING_U32:
    case SETTING_DURATION_MS:
    case SETTING_BYTES:
        return number_assign(row, field, texts[0], why);
    case SETTING_BOOL:
        return bool_assign(row, field, texts[0], why);
    case SETTING_ADDRESS:
        return !*texts[0] || address_parse(row, texts[0], field, why);
    case SETTING_TEXTS:
    case SETTING_PATHS:
        return in_range(row, count, "number of entries", why) &&
            texts_assign(row, field, texts, count, folder, why);
    case SETTING_ADDRESSES:
        return in_range(row, count, "number of entries", why) && addresses_assign(row, field, texts, count, why);
    }
    return false;
}

bool setting_assign(const struct setting *row, void *into, const char *const *texts, size_t count, const char *folder,
    struct diag *why)
{
    setting_erase(row, into);
    if (count != 1 && !setting_is_list(row)) {
        diag_set(why, "%s: a list stands where one %s is asked for", row->path, kinds[row->kind].name);
        diag_remedy(why, "%s", kinds[row->kind].remedy);
        return false;
    }
    if (field_assign(row, (char *)into + row->offset, texts, count, folder, why))
        return true;
    setting_erase(row, into);
    return false;
}

void setting_start(const struct setting *row, void *into)
{
    memset((char *)into + row->offset, 0, kinds[row->kind].field_bytes);
}

void setting_erase(const struct setting *row, void *into)
{
    void *field = (char *)into + row->offset;
    if (row->kind == SETTING_TEXT || row->kind == SETTING_PATH) {
        free(*(char **)field);
    } else if (row->kind == SETTING_ADDRESS) {
        free(((struct address *)field)->host);
    } else if (row->kind == SETTING_TEXTS || row->kind == SETTING_PATHS) {
        struct texts *list = field;
        for (size_t i = 0; i < list->count; i++)
            free(list->items[i]);
        free(list->items);
    } else if (row->kind == SETTING_ADDRESSES) {
        struct addresses *list = field;
        for (size_t i = 0; i < list->count; i++)
            free(list->items[i].host);
        free(list->items);
    }
    setting_start(row, into);
}
