/*
 * The small part of YAML that a configuration needs: maps of maps, whose leaves are scalars or lists of scalars.
 *
 * A document becomes a flat list of leaves in the order of the file, "log: {level: info}" as the path "log.level".
 * Refused, with the line and a remedy: anchors, aliases, tags, several documents, a key twice, a leaf without a value,
 * lists of anything but scalars, and whatever exceeds the limits below. Nothing else in the tree sees libyaml.
 */
#ifndef CLUSTERHSM_COMMON_YAML_H
#define CLUSTERHSM_COMMON_YAML_H

#include "common/diag.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    YAML_DOCUMENT_BYTES_MAX = 65536,
    YAML_DEPTH_MAX = 8,
    YAML_LEAVES_MAX = 1024,
    YAML_ITEMS_MAX = 256,
    YAML_PATH_BYTES_MAX = 256,
};

struct yaml_leaf {
    char *path;
    char **items;    /* a scalar has one */
    unsigned *lines; /* where each stands */
    size_t count;
    bool is_list;
    unsigned line; /* of the key; 1 is the first */
};

/* All zero: no leaves. */
struct yaml {
    struct yaml_leaf *leaves;
    size_t count;
};

/* Parses the document; `name` is what messages call it. On failure *out is all zero. */
bool yaml_parse(const char *name, const void *bytes, size_t n, struct yaml *out, struct diag *why);

void yaml_clear(struct yaml *doc);

#endif
