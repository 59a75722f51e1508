#include "tools/output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/hex.h"
#include "common/text.h"

enum item_kind { ITEM_TEXT, ITEM_LITERAL, ITEM_TABLE, ITEM_ROW, ITEM_TABLE_END };

struct item {
    enum item_kind kind;
    char *key;
    char *value; /* NULL: null. ITEM_LITERAL: a number, true or false, the same in both forms */
};

struct output {
    struct item *items;
    size_t count, room;
    bool failed;
};

struct output *output_new(void)
{
    return calloc(1, sizeof(struct output));
}

void output_free(struct output *o)
{
    if (o == NULL)
        return;
    for (size_t i = 0; i < o->count; i++) {
        free(o->items[i].key);
        free(o->items[i].value);
    }
    free(o->items);
    free(o);
}

static void add(struct output *o, enum item_kind kind, const char *key, const char *value)
{
    struct item item = {.kind = kind};

    if (o == NULL || o->failed)
        return;
    if (o->count == o->room) {
        size_t room = o->room != 0 ? o->room * 2 : 32;
        struct item *items = realloc(o->items, room * sizeof *items);

        if (items == NULL) {
            o->failed = true;
            return;
        }
        o->items = items;
        o->room = room;
    }
    item.key = key != NULL ? text_copy(key) : NULL;
    item.value = value != NULL ? text_copy(value) : NULL;
    o->failed = (key != NULL && item.key == NULL) || (value != NULL && item.value == NULL);
    o->items[o->count++] = item;
}

void output_text(struct output *o, const char *key, const char *value)
{
    add(o, ITEM_TEXT, key, value);
}

void output_number(struct output *o, const char *key, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, value);
    add(o, ITEM_LITERAL, key, text);
}

void output_decimal(struct output *o, const char *key, double value, unsigned digits)
{
    char text[64];

    snprintf(text, sizeof text, "%.*f", (int)digits, value);
    add(o, ITEM_LITERAL, key, text);
}

void output_flag(struct output *o, const char *key, bool value)
{
    add(o, ITEM_LITERAL, key, value ? "true" : "false");
}

void output_bytes(struct output *o, const char *key, const void *bytes, size_t n)
{
    char *text = n > 0 ? malloc(2 * n + 1) : NULL;

    if (text != NULL)
        hex_encode(bytes, n, text);
    else if (n > 0 && o != NULL)
        o->failed = true;
    add(o, ITEM_TEXT, key, text);
    free(text);
}

void output_table(struct output *o, const char *key)
{
    add(o, ITEM_TABLE, key, NULL);
}

void output_row(struct output *o)
{
    add(o, ITEM_ROW, NULL, NULL);
}

void output_table_end(struct output *o)
{
    add(o, ITEM_TABLE_END, NULL, NULL);
}

/* ---- characters that may be shown ------------------------------------------------------------------------ */

/* Bytes of the character at `at`, 0 if it is no whole, shortest-form UTF-8 character. */
static size_t utf8_bytes(const uint8_t *at)
{
    size_t n = at[0] < 0x80 ? 1 : at[0] >= 0xc2 && at[0] < 0xe0 ? 2 : (at[0] & 0xf0) == 0xe0 ? 3 : at[0] >= 0xf0 && at[0] < 0xf5 ? 4 : 0;

    for (size_t i = 1; i < n; i++)
        if ((at[i] & 0xc0) != 0x80) /* also the NUL */
            return 0;
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
        (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return n;
}

static bool is_control(const uint8_t *at, size_t n)
{
    return at[0] < 0x20 || at[0] == 0x7f || (n == 2 && at[0] == 0xc2 && at[1] < 0xa0);
}

/* Appends the value as a terminal may have it, and counts its columns (one a character). */
static size_t put_shown(struct buffer *out, const char *value)
{
    const uint8_t *at = (const uint8_t *)value;
    size_t columns = 0;

    while (*at != 0) {
        size_t n = utf8_bytes(at);

        if (n == 0 || is_control(at, n)) {
            n = n == 0 ? 1 : n;
            for (size_t i = 0; i < n; i++)
                buffer_printf(out, "\\x%02x", at[i]);
            columns += 4 * n;
        } else {
            buffer_put(out, at, n);
            columns++;
        }
        at += n;
    }
    return columns;
}

static void put_json_text(struct buffer *out, const char *value)
{
    const uint8_t *at = (const uint8_t *)value;

    buffer_put_u8(out, '"');
    while (*at != 0) {
        size_t n = utf8_bytes(at);

        if (n == 0)
            buffer_put_text(out, "\\ufffd");
        else if (*at == '"' || *at == '\\')
            buffer_printf(out, "\\%c", *at);
        else if (is_control(at, n))
            buffer_printf(out, "\\u%04x", n == 2 ? (unsigned)at[1] : (unsigned)at[0]);
        else
            buffer_put(out, at, n);
        at += n > 0 ? n : 1;
    }
    buffer_put_u8(out, '"');
}

/* ---- JSON ------------------------------------------------------------------------------------------------ */

static void put_json_value(struct buffer *out, const struct item *it)
{
    put_json_text(out, it->key);
    buffer_put_text(out, ": ");
    if (it->kind == ITEM_TABLE)
        buffer_put_text(out, "[");
    else if (it->value == NULL)
        buffer_put_text(out, "null");
    else if (it->kind == ITEM_LITERAL)
        buffer_put_text(out, it->value);
    else
        put_json_text(out, it->value);
}

static void put_json(struct buffer *out, const struct output *o)
{
    bool first = true, in_table = false;
    size_t rows = 0;

    buffer_put_text(out, "{");
    for (size_t i = 0; i < o->count; i++) {
        const struct item *it = &o->items[i];

        if (it->kind == ITEM_ROW) {
            buffer_put_text(out, rows++ == 0 ? "\n    {" : "},\n    {");
            first = true;
        } else if (it->kind == ITEM_TABLE_END) {
            buffer_put_text(out, rows == 0 ? "]" : "}\n  ]");
            first = in_table = false;
        } else {
            buffer_put_text(out, first ? "" : ",");
            buffer_put_text(out, !in_table ? "\n  " : first ? "" : " ");
            put_json_value(out, it);
            first = false;
            if (it->kind == ITEM_TABLE) {
                in_table = true;
                rows = 0;
            }
        }
    }
    buffer_put_text(out, "\n}\n");
}

/* ---- text ------------------------------------------------------------------------------------------------ */

static void pad(struct buffer *out, size_t columns, size_t width)
{
    for (; columns < width; columns++)
        buffer_put_u8(out, ' ');
}

static const char *words_of(const char *key, char words[64])
{
    size_t n = 0;

    for (; key[n] != '\0' && n < 63; n++)
        words[n] = key[n] == '_' ? ' ' : key[n];
    words[n] = '\0';
    return words;
}

static const char *shown_value(const struct item *it)
{
    if (it->value == NULL || it->value[0] == '\0')
        return "-";
    if (it->kind == ITEM_LITERAL && strcmp(it->value, "true") == 0)
        return "yes";
    if (it->kind == ITEM_LITERAL && strcmp(it->value, "false") == 0)
        return "no";
    return it->value;
}

static size_t width_of(const char *value)
{
    struct buffer out = {0};
    size_t columns = put_shown(&out, value);

    buffer_clear(&out);
    return columns;
}

enum { COLUMNS_MAX = 16 };

/* One row's values, or its keys as the table's head. Items from `at` to the next row or the end. */
static const struct item *put_row(struct buffer *out, const struct item *at, const struct item *end, bool head, const size_t *widths)
{
    char words[64];

    for (size_t column = 0; at < end && at->kind != ITEM_ROW; at++, column++) {
        bool last = at + 1 == end || at[1].kind == ITEM_ROW;
        size_t columns = put_shown(out, head ? words_of(at->key, words) : shown_value(at));

        pad(out, columns, last || column >= COLUMNS_MAX ? 0 : widths[column] + 2);
    }
    buffer_put_u8(out, '\n');
    return at;
}

/* Items from the first ITEM_ROW to the end. */
static void put_table(struct buffer *out, const struct item *at, const struct item *end)
{
    size_t widths[COLUMNS_MAX] = {0}, column = 0;

    for (const struct item *it = at; it < end; it++) {
        if (it->kind == ITEM_ROW) {
            column = 0;
        } else if (column < COLUMNS_MAX) {
            size_t key = strlen(it->key), value = width_of(shown_value(it));

            widths[column] = key > widths[column] ? key : widths[column];
            widths[column] = value > widths[column] ? value : widths[column];
            column++;
        }
    }
    put_row(out, at + 1, end, true, widths);
    while (at < end)
        at = put_row(out, at + 1, end, false, widths);
}

static void put_text(struct buffer *out, const struct output *o)
{
    size_t width = 0;
    char words[64];

    for (size_t i = 0; i < o->count; i++) {
        if (o->items[i].kind == ITEM_TABLE)
            while (i < o->count && o->items[i].kind != ITEM_TABLE_END)
                i++;
        else if (strlen(o->items[i].key) > width)
            width = strlen(o->items[i].key);
    }
    for (size_t i = 0; i < o->count; i++) {
        const struct item *it = &o->items[i];
        size_t end = i + 1;

        if (it->kind != ITEM_TABLE) {
            pad(out, put_shown(out, words_of(it->key, words)), width + 2);
            put_shown(out, shown_value(it));
            buffer_put_u8(out, '\n');
            continue;
        }
        while (end < o->count && o->items[end].kind != ITEM_TABLE_END)
            end++;
        buffer_put_text(out, i > 0 ? "\n" : "");
        if (end == i + 1)
            buffer_printf(out, "no %s\n", words_of(it->key, words));
        else
            put_table(out, &o->items[i + 1], &o->items[end]);
        i = end;
    }
}

bool output_print(const struct output *o, bool json, FILE *to)
{
    struct buffer out = {0};
    bool ok = o != NULL && !o->failed;

    if (ok) {
        if (json)
            put_json(&out, o);
        else
            put_text(&out, o);
        ok = !out.failed && (out.len == 0 || fwrite(out.data, 1, out.len, to) == out.len) && fflush(to) == 0;
    }
    buffer_clear(&out);
    return ok;
}
