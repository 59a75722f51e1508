#include "tests/unit/cavp.h"

#include <check.h>
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"

enum { VALUES_MAX = 40, REASONS_MAX = 24 };

struct value {
    char *name, *text;
    bool here; /* in this record */
};

struct cavp {
    FILE *file;
    char *path, *line, *section;
    size_t line_room, n_values;
    struct value values[VALUES_MAX];
};

static unsigned held, skipped, n_reasons;
static struct {
    const char *text;
    unsigned n;
} reasons[REASONS_MAX];

static const char *folder(void)
{
    const char *given = getenv("CRYPTOGRAPHY_VECTORS_DIR");

    return given != NULL ? given : "/usr/lib/python3/dist-packages/cryptography_vectors";
}

static bool is_there(void)
{
    static bool told;
    DIR *there = opendir(folder());

    if (there != NULL) {
        closedir(there);
        return true;
    }
    if (!told)
        printf("cavp: skipped, as %s is not there: Debian's package python3-cryptography-vectors has it\n", folder());
    told = true;
    return false;
}

struct cavp *cavp_open(const char *name)
{
    struct cavp *c;

    if (!is_there())
        return NULL;
    ck_assert_ptr_nonnull(c = calloc(1, sizeof *c));
    ck_assert_int_gt(asprintf(&c->path, "%s/%s", folder(), name), 0);
    ck_assert_ptr_nonnull(c->section = strdup(""));
    c->file = fopen(c->path, "r");
    ck_assert_msg(c->file != NULL, "%s cannot be read", c->path);
    return c;
}

static void close_file(struct cavp *c)
{
    for (size_t i = 0; i < c->n_values; i++) {
        free(c->values[i].name);
        free(c->values[i].text);
    }
    fclose(c->file);
    free(c->path);
    free(c->section);
    free(c->line);
    free(c);
}

/* ---- lines */

static char *trim(char *s)
{
    size_t n;

    while (isspace((unsigned char)*s))
        s++;
    for (n = strlen(s); n > 0 && isspace((unsigned char)s[n - 1]); n--)
        s[n - 1] = '\0';
    return s;
}

static struct value *find(const struct cavp *c, const char *name)
{
    for (size_t i = 0; i < c->n_values; i++)
        if (strcasecmp(c->values[i].name, name) == 0)
            return (struct value *)(uintptr_t)&c->values[i];
    return NULL;
}

static void put(struct cavp *c, const char *name, const char *text, bool here)
{
    struct value *v = find(c, name);

    if (v == NULL) {
        ck_assert_uint_lt(c->n_values, VALUES_MAX);
        v = &c->values[c->n_values++];
        ck_assert_ptr_nonnull(v->name = strdup(name));
    }
    free(v->text);
    ck_assert_ptr_nonnull(v->text = strdup(text));
    v->here = here;
}

/* "a = b", or "a" alone, which is an empty one. */
static void take_value(struct cavp *c, char *line, bool here)
{
    char *equals = strchr(line, '=');

    if (equals != NULL)
        *equals = '\0';
    put(c, trim(line), equals != NULL ? trim(equals + 1) : "", here);
}

static void take_bracket(struct cavp *c, char *line)
{
    char *end = strrchr(line, ']'), *part, *rest = line + 1;

    if (end != NULL)
        *end = '\0';
    if (strchr(line, '=') == NULL) {
        free(c->section);
        ck_assert_ptr_nonnull(c->section = strdup(trim(line + 1)));
        return;
    }
    put(c, "[", rest, false);
    while ((part = strsep(&rest, ",")) != NULL)
        take_value(c, part, false);
}

bool cavp_next(struct cavp *c)
{
    bool any = false;

    if (c == NULL)
        return false;
    for (size_t i = 0; i < c->n_values; i++)
        c->values[i].here = false;
    while (getline(&c->line, &c->line_room, c->file) > 0) {
        char *line = trim(c->line);
        if (line[0] == '#' || (line != c->line && line[0] != '\0')) /* further in: how NIST came to it */
            continue;
        if (line[0] == '\0' && any)
            return true;
        if (line[0] == '[')
            take_bracket(c, line);
        else if (line[0] != '\0')
            take_value(c, line, any = true);
    }
    if (!any)
        close_file(c);
    return any;
}

/* ---- RSA's own form */

static void append_digits(struct cavp *c, const char *name, const char *line)
{
    struct value *v = find(c, name);
    size_t n;

    if (v == NULL)
        return;
    n = strlen(v->text);
    ck_assert_ptr_nonnull(v->text = realloc(v->text, n + strlen(line) + 1));
    for (; *line != '\0'; line++)
        if (!isspace((unsigned char)*line))
            v->text[n++] = *line;
    v->text[n] = '\0';
}

/* The label of a line, NULL: it is none. */
static char *label_of(char *line)
{
    char *end = line[0] == '#' ? strrchr(line, ':') : NULL;

    if (end == NULL || end[1] != '\0')
        return NULL;
    *end = '\0';
    return trim(line + 1);
}

static bool has_bytes(const struct cavp *c, const char *name)
{
    const struct value *v = find(c, name);

    return v != NULL && v->text[0] != '\0';
}

bool cavp_next_labelled(struct cavp *c, const char *last)
{
    char name[64] = "";
    bool done = false;

    if (c == NULL)
        return false;
    for (size_t i = 0; i < c->n_values; i++)
        c->values[i].here = false;
    while (!done && getline(&c->line, &c->line_room, c->file) > 0) {
        char *line = trim(c->line), *label;
        if (isxdigit((unsigned char)line[0]) && name[0] != '\0') {
            append_digits(c, name, line);
            continue;
        }
        if (strcasecmp(name, last) == 0 && has_bytes(c, name)) {
            done = true;
            fseek(c->file, -(long)strlen(c->line) - 1, SEEK_CUR); /* it is the next record's */
        } else if ((label = label_of(line)) != NULL) {
            snprintf(name, sizeof name, "%s", label);
            put(c, name, "", true);
        } else if (line[0] != '\0') {
            name[0] = '\0';
        }
    }
    done = done || (name[0] != '\0' && strcasecmp(name, last) == 0 && has_bytes(c, name));
    if (!done)
        close_file(c);
    return done;
}

/* ---- lines of parts */

bool cavp_next_line(struct cavp *c)
{
    if (c == NULL)
        return false;
    if (getline(&c->line, &c->line_room, c->file) > 0)
        return true;
    close_file(c);
    return false;
}

void cavp_part(const struct cavp *c, size_t position, struct cavp_bytes *out)
{
    static char part[2 * CAVP_BYTES_MAX + 1];
    const char *at = c->line;

    for (size_t i = 0; i < position; i++) {
        at = strchr(at, ':');
        ck_assert_msg(at++ != NULL, "%s: a line of fewer parts", c->path);
    }
    snprintf(part, sizeof part, "%.*s", (int)strcspn(at, ":\n"), at);
    ck_assert_msg(hex_decode(part, out->at, sizeof out->at, &out->n), "%s: no hexadecimal text", c->path);
}

/* ---- values */

bool cavp_has(const struct cavp *c, const char *name)
{
    const struct value *v = find(c, name);

    return v != NULL && v->here;
}

const char *cavp_text(const struct cavp *c, const char *name)
{
    const struct value *v = find(c, name);

    return v != NULL ? v->text : NULL;
}

const char *cavp_section(const struct cavp *c)
{
    return c->section;
}

size_t cavp_number(const struct cavp *c, const char *name)
{
    const char *text = cavp_text(c, name);

    ck_assert_msg(text != NULL, "%s: no %s", c->path, name);
    return strtoul(text, NULL, 10);
}

/* An odd digit more is a zero in front. */
void cavp_bytes(const struct cavp *c, const char *name, struct cavp_bytes *out)
{
    static char even[2 * CAVP_BYTES_MAX + 2];
    const char *text = cavp_text(c, name);

    ck_assert_msg(text != NULL, "%s: no %s", c->path, name);
    snprintf(even, sizeof even, "%s%s", strlen(text) % 2 == 1 ? "0" : "", text);
    ck_assert_msg(hex_decode(even, out->at, sizeof out->at, &out->n), "%s: %s is no hexadecimal text", c->path, name);
}

/* ---- counting */

void cavp_held(const struct cavp *c, bool right)
{
    const char *count = cavp_text(c, "COUNT");

    ck_assert_msg(right, "%s [%s], COUNT %s", c->path, c->section, count != NULL ? count : "?");
    held++;
}

void cavp_skip(const char *reason)
{
    size_t i = 0;

    while (i < n_reasons && strcmp(reasons[i].text, reason) != 0)
        i++;
    ck_assert_uint_lt(i, REASONS_MAX);
    if (i == n_reasons) {
        reasons[n_reasons].n = 0;
        reasons[n_reasons++].text = reason;
    }
    reasons[i].n++;
    skipped++;
}

void cavp_skip_file(const char *name, const char *reason)
{
    struct cavp *c = cavp_open(name);

    while (cavp_next(c))
        cavp_skip(reason);
}

void cavp_report(const char *what)
{
    printf("cavp: %s: %u held, %u skipped\n", what, held, skipped);
    for (size_t i = 0; i < n_reasons; i++)
        printf("    %u: %s\n", reasons[i].n, reasons[i].text);
    fflush(stdout);
    held = skipped = n_reasons = 0;
}
