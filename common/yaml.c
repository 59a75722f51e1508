#include "common/yaml.h"

#include "common/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/*
 * libyaml gives events; reading one document is a walk over them:
 *
 *     STREAM-START [DOCUMENT-START MAPPING-START (key value)* MAPPING-END DOCUMENT-END] STREAM-END
 *
 * where a value is a scalar, a list of scalars, or again a map. `event` is the one read last; each is deleted when the
 * next is read, so there is one place that frees it.
 */
struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
    const char *name;
    struct yaml *out;
    struct diag *why;
    char path[YAML_PATH_BYTES_MAX];
};

static bool refuse(struct reader *r, unsigned line, const char *what, const char *remedy)
{
    diag_set(r->why, "%s", what);
    diag_where(r->why, r->name, line);
    diag_remedy(r->why, "%s", remedy);
    return false;
}

static bool no_memory(struct reader *r)
{
    diag_set(r->why, "no memory for the configuration");
    diag_where(r->why, r->name, 0);
    return false;
}

static unsigned line_of(const struct reader *r)
{
    return (unsigned)r->event.start_mark.line + 1;
}

/* Reads the next event. What no configuration needs is refused here, wherever it stands. */
static bool next(struct reader *r)
{
    if (r->has_event)
        yaml_event_delete(&r->event);
    r->has_event = yaml_parser_parse(&r->parser, &r->event);
    if (!r->has_event) {
        if (r->parser.error == YAML_MEMORY_ERROR)
            return no_memory(r);
        char what[128];
        snprintf(what, sizeof what, "no valid YAML: %s", r->parser.problem ? r->parser.problem : "unreadable");
        return refuse(r, (unsigned)r->parser.problem_mark.line + 1, what, "check indentation, colons and quotes");
    }
    static const char no_anchors[] = "anchors and aliases are not allowed", write_out[] = "write the value out";
    static const char no_tags[] = "tags are not allowed", drop_tag[] = "delete the word with the exclamation mark";
    const yaml_event_t *e = &r->event;
    switch (e->type) {
    case YAML_ALIAS_EVENT:
        return refuse(r, line_of(r), no_anchors, write_out);
    case YAML_SCALAR_EVENT:
        if (e->data.scalar.anchor)
            return refuse(r, line_of(r), no_anchors, write_out);
        return !e->data.scalar.tag || refuse(r, line_of(r), no_tags, drop_tag);
    case YAML_SEQUENCE_START_EVENT:
        if (e->data.sequence_start.anchor)
            return refuse(r, line_of(r), no_anchors, write_out);
        return !e->data.sequence_start.tag || refuse(r, line_of(r), no_tags, drop_tag);
    case YAML_MAPPING_START_EVENT:
        if (e->data.mapping_start.anchor)
            return refuse(r, line_of(r), no_anchors, write_out);
        return !e->data.mapping_start.tag || refuse(r, line_of(r), no_tags, drop_tag);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return true;
    }
    return true;
}

/* Adds the scalar that was read last to the leaf. */
static bool item_add(struct reader *r, struct yaml_leaf *leaf)
{
    const char *text = (const char *)r->event.data.scalar.value;
    size_t n = r->event.data.scalar.length;
    if (strlen(text) != n)
        return refuse(r, line_of(r), "a value holds a NUL character", "remove it");
    if (n == 0 && r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return refuse(r, line_of(r), "a key without a value",
            "give a value or delete the line; \"\" is the empty text");
    if (leaf->count == YAML_ITEMS_MAX)
        return refuse(r, line_of(r), "a list that is too long", "shorten it");
    char **items = realloc(leaf->items, (leaf->count + 1) * sizeof *items);
    if (!items)
        return no_memory(r);
    leaf->items = items;
    unsigned *lines = realloc(leaf->lines, (leaf->count + 1) * sizeof *lines);
    if (!lines)
        return no_memory(r);
    leaf->lines = lines;
    leaf->lines[leaf->count] = line_of(r);
    leaf->items[leaf->count] = text_copy_n(text, n);
    if (!leaf->items[leaf->count])
        return no_memory(r);
    leaf->count++;
    return true;
}

static bool list_read(struct reader *r, struct yaml_leaf *leaf)
{
    leaf->is_list = true;
    for (;;) {
        if (!next(r))
            return false;
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return true;
        if (r->event.type != YAML_SCALAR_EVENT)
            return refuse(r, line_of(r), "a list may hold plain values only", "put one value a line, after a dash");
        if (!item_add(r, leaf))
            return false;
    }
}

static bool repeated(struct reader *r, unsigned line)
{
    char what[YAML_PATH_BYTES_MAX + 32];

    snprintf(what, sizeof what, "the key %s is there twice", r->path);
    return refuse(r, line, what, "delete one of the two lines");
}

/* The value that was read last is a leaf: a scalar, or the start of a list. */
static bool leaf_read(struct reader *r, unsigned line)
{
    struct yaml *out = r->out;
    for (size_t i = 0; i < out->count; i++)
        if (strcmp(out->leaves[i].path, r->path) == 0)
            return repeated(r, line);
    if (out->count == YAML_LEAVES_MAX)
        return refuse(r, line, "too many keys", "split or shorten the file");
    struct yaml_leaf *leaves = realloc(out->leaves, (out->count + 1) * sizeof *leaves);
    if (!leaves)
        return no_memory(r);
    out->leaves = leaves;
    struct yaml_leaf *leaf = &leaves[out->count];
    *leaf = (struct yaml_leaf){.path = text_copy(r->path), .line = line};
    out->count++; /* from here on yaml_clear frees it */
    if (!leaf->path)
        return no_memory(r);
    return r->event.type == YAML_SCALAR_EVENT ? item_add(r, leaf) : list_read(r, leaf);
}

/* Appends ".key" to the path; false when it does not fit or could be taken for two keys. */
static bool path_push(struct reader *r, size_t used)
{
    const char *key = (const char *)r->event.data.scalar.value;
    size_t n = r->event.data.scalar.length;
    if (n == 0 || strlen(key) != n || strchr(key, '.'))
        return refuse(r, line_of(r), "not a key", "keys are words without dots");
    if (used + n + 2 > sizeof r->path)
        return refuse(r, line_of(r), "a key that is too long", "check the indentation");
    snprintf(r->path + used, sizeof r->path - used, "%s%s", used ? "." : "", key);
    return true;
}

/* Reads to the end of the map whose start was read last. Recursion is bounded by YAML_DEPTH_MAX. */
static bool map_read(struct reader *r, unsigned depth)
{
    size_t used = strlen(r->path);
    if (depth > YAML_DEPTH_MAX)
        return refuse(r, line_of(r), "nested too deeply", "check the indentation");
    for (;;) {
        r->path[used] = '\0';
        if (!next(r))
            return false;
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return true;
        if (r->event.type != YAML_SCALAR_EVENT)
            return refuse(r, line_of(r), "not a key", "keys are words without dots");
        unsigned line = line_of(r);
        if (!path_push(r, used) || !next(r))
            return false;
        bool ok = r->event.type == YAML_MAPPING_START_EVENT ? map_read(r, depth + 1) : leaf_read(r, line);
        if (!ok)
            return false;
    }
}

static bool stream_read(struct reader *r)
{
    if (!next(r) || !next(r)) /* the stream's start; a document or the end */
        return false;
    if (r->event.type == YAML_STREAM_END_EVENT)
        return true;
    if (!next(r))
        return false;
    /* A document of comments only, after "---", is one empty scalar. */
    bool empty = r->event.type == YAML_SCALAR_EVENT && r->event.data.scalar.length == 0;
    if (!empty && r->event.type != YAML_MAPPING_START_EVENT)
        return refuse(r, line_of(r), "not a list of keys and values", "write lines of the form `key: value`");
    if (!empty && !map_read(r, 1))
        return false;
    if (!next(r) || !next(r)) /* the document's end; the stream's end */
        return false;
    return r->event.type == YAML_STREAM_END_EVENT ||
        refuse(r, line_of(r), "more than one document", "delete everything from the second `---` on");
}

bool yaml_parse(const char *name, const void *bytes, size_t n, struct yaml *out, struct diag *why)
{
    struct reader r = {.name = name, .out = out, .why = why};
    *out = (struct yaml){0};
    if (n > YAML_DOCUMENT_BYTES_MAX)
        return refuse(&r, 0, "the file is too large", "a configuration has at most 64 KiB");
    if (!yaml_parser_initialize(&r.parser))
        return no_memory(&r);
    yaml_parser_set_input_string(&r.parser, bytes, n);
    bool ok = stream_read(&r);
    if (r.has_event)
        yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    if (!ok)
        yaml_clear(out);
    return ok;
}

void yaml_clear(struct yaml *doc)
{
    for (size_t i = 0; i < doc->count; i++) {
        for (size_t j = 0; j < doc->leaves[i].count; j++)
            free(doc->leaves[i].items[j]);
        free(doc->leaves[i].items);
        free(doc->leaves[i].lines);
        free(doc->leaves[i].path);
    }
    free(doc->leaves);
    *doc = (struct yaml){0};
}
