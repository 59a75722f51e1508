#include "common/settings.h"

#include "common/buffer.h"
#include "common/setting_value.h"
#include "common/text.h"
#include "common/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct setting *row_find(const struct setting *table, size_t n, const char *path)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].path, path) == 0)
            return &table[i];
    return NULL;
}

/* How many characters two paths share from the front: enough to guess which key was meant. */
static size_t shared_start(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

static bool unknown_key(const struct setting *table, size_t n, const char *path, struct diag *why)
{
    const struct setting *nearest = NULL;
    size_t most = 0;
    for (size_t i = 0; i < n; i++) {
        size_t shared = shared_start(table[i].path, path);
        if (shared > most) {
            most = shared;
            nearest = &table[i];
        }
    }
    diag_set(why, "unknown key %s", path);
    if (nearest && setting_is_list(nearest) && nearest->path[most] == '\0' && path[most] == '.')
        diag_remedy(why, "%s is a list: begin each of its lines with a dash", nearest->path);
    else if (nearest)
        diag_remedy(why, "did you mean %s?", nearest->path);
    else
        diag_remedy(why, "delete it");
    return false;
}

/* The fallback as setting_assign wants it: nothing for an empty list, else one text. */
static bool fallback_assign(const struct setting *row, void *into, struct diag *why)
{
    size_t count = setting_is_list(row) && !*row->fallback ? 0 : 1;
    /* An empty text or list as the default says "none" and is legal whatever the range. */
    struct setting unbounded = *row;
    if (!*row->fallback)
        unbounded.min = 0;
    return setting_assign(&unbounded, into, &row->fallback, count, "", why);
}

static bool missing_key(const struct setting *row, const char *name, struct diag *why)
{
    diag_set(why, "the key %s is missing", row->path);
    diag_where(why, name, 0);
    diag_remedy(why, "add it: %s", row->help);
    return false;
}

static void start(const struct setting *table, size_t n, void *into)
{
    for (size_t i = 0; i < n; i++)
        setting_start(&table[i], into);
}

static bool leaves_assign(const struct setting *table, size_t n, void *into, const struct yaml *doc, const char *name,
    const char *folder, struct diag *why)
{
    for (size_t i = 0; i < doc->count; i++) {
        const struct yaml_leaf *leaf = &doc->leaves[i];
        const struct setting *row = row_find(table, n, leaf->path);
        bool ok = row ? setting_assign(row, into, (const char *const *)leaf->items, leaf->count, folder, why)
                      : unknown_key(table, n, leaf->path, why);
        if (!ok) {
            diag_where(why, name, leaf->line);
            return false;
        }
    }
    return true;
}

static bool is_given(const struct yaml *doc, const char *path)
{
    for (size_t i = 0; i < doc->count; i++)
        if (strcmp(doc->leaves[i].path, path) == 0)
            return true;
    return false;
}

static bool fallbacks_assign(const struct setting *table, size_t n, void *into, const struct yaml *doc,
    const char *name, struct diag *why)
{
    for (size_t i = 0; i < n; i++) {
        if (is_given(doc, table[i].path))
            continue;
        if (!table[i].fallback)
            return missing_key(&table[i], name, why);
        if (!fallback_assign(&table[i], into, why))
            return false;
    }
    return true;
}

static bool is_sound(const void *into, const struct yaml *doc, const char *name, settings_check *check, struct diag *why)
{
    struct settings_fault at = {NULL, 0};
    unsigned line = 0;
    if (check == NULL || check(into, &at, why))
        return true;
    for (size_t i = 0; at.path != NULL && i < doc->count; i++)
        if (strcmp(doc->leaves[i].path, at.path) == 0)
            line = at.item < doc->leaves[i].count ? doc->leaves[i].lines[at.item] : doc->leaves[i].line;
    diag_where(why, name, line);
    return false;
}

static bool parse(const struct setting *table, size_t n, void *into, const char *name, const void *bytes, size_t len,
    settings_check *check, struct diag *why)
{
    struct yaml doc = {0};
    bool ok = false;
    start(table, n, into);
    const char *slash = strrchr(name, '/');
    /* A file in the root folder leaves "" and its relative paths as they are: "/" is where such a program runs. */
    char *folder = text_copy_n(name, slash ? (size_t)(slash - name) : 0);
    if (!folder) {
        diag_set(why, "no memory for the configuration");
        goto out;
    }
    ok = yaml_parse(name, bytes, len, &doc, why) && leaves_assign(table, n, into, &doc, name, folder, why) &&
        fallbacks_assign(table, n, into, &doc, name, why) && is_sound(into, &doc, name, check, why);
out:
    if (!ok)
        settings_clear(table, n, into);
    yaml_clear(&doc);
    free(folder);
    return ok;
}

bool settings_parse(const struct setting *table, size_t n, void *into, const char *name, const void *bytes, size_t len,
    struct diag *why)
{
    return parse(table, n, into, name, bytes, len, NULL, why);
}

static bool file_refuse(const char *path, const char *what, const char *remedy, struct diag *why)
{
    diag_set(why, "%s", what);
    diag_where(why, path, 0);
    diag_remedy(why, "%s", remedy);
    return false;
}

/* Reads a whole file that only its owner may write into `out`, which is bounded by the largest document. */
static bool file_read(const char *path, struct buffer *out, struct diag *why)
{
    /* O_NONBLOCK: a pipe in the file's place must not hold us before it is seen to be one. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    bool ok = false;
    if (fd < 0)
        return file_refuse(path, strerror(errno), "check the path and that it may be read", why);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        file_refuse(path, "not a regular file", "name a file", why);
        goto out;
    }
    if (st.st_mode & (S_IWGRP | S_IWOTH)) {
        file_refuse(path, "others than its owner may write this file", "run chmod go-w on it", why);
        goto out;
    }
    for (;;) {
        uint8_t part[4096];
        ssize_t got = read(fd, part, sizeof part);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            file_refuse(path, strerror(errno), "check the disk", why);
            goto out;
        }
        if (got == 0)
            break;
        if (!buffer_put(out, part, (size_t)got)) {
            file_refuse(path, "the file is too large", "a configuration has at most 64 KiB", why);
            goto out;
        }
    }
    ok = true;
out:
    close(fd);
    return ok;
}

bool settings_load(const struct setting *table, size_t n, void *into, const char *path, settings_check *check, struct diag *why)
{
    struct buffer text;
    buffer_init(&text, YAML_DOCUMENT_BYTES_MAX);
    start(table, n, into);
    bool ok = file_read(path, &text, why) &&
        parse(table, n, into, path, text.data ? (const void *)text.data : "", text.len, check, why);
    if (!ok)
        settings_clear(table, n, into);
    buffer_clear(&text);
    return ok;
}

void settings_clear(const struct setting *table, size_t n, void *into)
{
    for (size_t i = 0; i < n; i++)
        setting_erase(&table[i], into);
}

bool settings_set(const struct setting *table, size_t n, void *into, const char *path, const char *value,
    struct diag *why)
{
    const struct setting *row = row_find(table, n, path);
    return row ? setting_assign(row, into, &value, 1, "", why) : unknown_key(table, n, path, why);
}

bool settings_table_is_sound(const struct setting *table, size_t n, struct diag *why)
{
    for (size_t i = 0; i < n; i++) {
        const struct setting *row = &table[i];
        if (i > 0 && strcmp(table[i - 1].path, row->path) >= 0) {
            diag_set(why, "%s stands after %s: sort the rows", row->path, table[i - 1].path);
            return false;
        }
        size_t len = strlen(row->path);
        for (size_t j = i + 1; j < n; j++) {
            if (strncmp(table[j].path, row->path, len) == 0 && table[j].path[len] == '.') {
                diag_set(why, "%s is a key and a section", row->path);
                return false;
            }
        }
        if (!row->help[0] || (row->max && row->min > row->max)) {
            diag_set(why, "%s has no help or an empty range", row->path);
            return false;
        }
        /* The widest field is 16 bytes: a struct of its own for the trial. */
        struct setting alone = *row;
        uint64_t field[2] = {0};
        alone.offset = 0;
        if (row->fallback && !fallback_assign(&alone, field, why))
            return false;
        setting_erase(&alone, field);
    }
    return true;
}

/* What min and max count, by kind. */
static const char *range_unit(const struct setting *row)
{
    if (setting_is_list(row))
        return " items";
    switch (row->kind) {
    case SETTING_TEXT:
    case SETTING_PATH:
    case SETTING_BYTES:
        return " bytes";
    case SETTING_DURATION_MS:
        return " ms";
    case SETTING_U32:
    case SETTING_BOOL:
    case SETTING_ADDRESS:
    case SETTING_TEXTS:
    case SETTING_PATHS:
    case SETTING_ADDRESSES:
    default:
        return "";
    }
}

bool settings_document(const struct setting *table, size_t n, struct buffer *out)
{
    buffer_put_text(out, "| key | kind | default | range | meaning |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        const struct setting *row = &table[i];
        const char *fallback = !row->fallback ? "(required)" : *row->fallback ? row->fallback : "(none)";
        buffer_printf(out, "| `%s` | %s | %s | ", row->path, setting_kind_name(row->kind), fallback);
        if (row->max)
            buffer_printf(out, "%" PRIu64 " to %" PRIu64 "%s", row->min, row->max, range_unit(row));
        else if (row->min)
            buffer_printf(out, "from %" PRIu64 "%s", row->min, range_unit(row));
        buffer_printf(out, " | %s |\n", row->help);
    }
    return !out->failed;
}
