/*
 * A program's configuration: a YAML file read into a struct by a table, which is also the source of the documentation.
 *
 * A program lists its settings in a .def file, one row each, sorted by path, and expands it into the struct's table:
 *
 *     SETTING("log.level", TEXT, log_level, "info", 1, 16, "none, error, warning, info or debug")
 *
 *     #define SETTING(path, kind, field, fallback, min, max, help)
 *         {path, SETTING_##kind, offsetof(struct node_settings, field), fallback, min, max, help},
 *     static const struct setting table[] = {
 *     #include "daemon/settings.def"
 *     };
 *
 * Unknown, repeated, missing and bad keys are errors that name file, line, key and remedy.
 */
#ifndef CLUSTERHSM_COMMON_SETTINGS_H
#define CLUSTERHSM_COMMON_SETTINGS_H

#include "common/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A setting's kind, and in brackets the type of its field. */
enum setting_kind {
    SETTING_TEXT,        /* [char *] without control characters */
    SETTING_PATH,        /* [char *] a relative one starts at the configuration file's folder; "" stays "" */
    SETTING_U32,         /* [uint32_t] decimal */
    SETTING_BOOL,        /* [bool] true or false */
    SETTING_DURATION_MS, /* [uint64_t] milliseconds, written with a unit: 250ms, 10s, 5m, 2h, 3d */
    SETTING_BYTES,       /* [uint64_t] 4096, 64KiB, 16MiB, 1GiB */
    SETTING_ADDRESS,     /* [struct address] host:port, [::1]:port */
    SETTING_TEXTS,       /* [struct texts] a list, or one text */
    SETTING_PATHS,       /* [struct texts] a list, or one path */
    SETTING_ADDRESSES,   /* [struct addresses] a list, or one address */
};

struct address {
    char *host; /* without brackets; NULL: none was given */
    uint16_t port;
};

struct addresses {
    struct address *items;
    size_t count;
};

struct texts {
    char **items;
    size_t count;
};

struct setting {
    const char *path;
    enum setting_kind kind;
    size_t offset;        /* of the field in the program's struct */
    const char *fallback; /* as it would stand in the file; NULL: must be given; "": empty text or list, no address */
    uint64_t min, max;    /* of a number's value, a text's bytes, a list's items; max 0: no upper bound */
    const char *help;     /* one line, for people */
};

/* Whether what was read makes sense, which no row alone can say. False with a reason; where *at is told the setting that is
 * at fault (and which item of a list), the reason gets its line. */
struct settings_fault {
    const char *path; /* NULL: none alone */
    size_t item;
};
typedef bool settings_check(const void *into, struct settings_fault *at, struct diag *why);

/* Reads the file into the struct at `into`, whose old content is overwritten; every field of the table is set. A
 * file is refused when it is not a regular one or when others than its owner may write it. `check` is asked last; NULL:
 * nothing is. The caller ends with settings_clear. On failure all fields are zero. */
bool settings_load(const struct setting *table, size_t n, void *into, const char *path, settings_check *check, struct diag *why);

/* The same from memory, without a check; `name` stands for the path in messages and for relative paths. */
bool settings_parse(const struct setting *table, size_t n, void *into, const char *name, const void *bytes, size_t len,
    struct diag *why);

/* Frees what the fields own and zeroes them. */
void settings_clear(const struct setting *table, size_t n, void *into);

/* One value, by its path, as it would stand in the file: for the command line. Replaces what is there. */
bool settings_set(const struct setting *table, size_t n, void *into, const char *path, const char *value,
    struct diag *why);

/* Sorted, unique, no setting that is also the section of another, every fallback a legal value: for tests. */
bool settings_table_is_sound(const struct setting *table, size_t n, struct diag *why);

struct buffer;

/* Appends the table as Markdown: key, type, default, range, help. */
bool settings_document(const struct setting *table, size_t n, struct buffer *out);

#endif
