/*
 * A program's settings as an example: one row of each kind.
 */
#ifndef CLUSTERHSM_TESTS_UNIT_SAMPLE_SETTINGS_H
#define CLUSTERHSM_TESTS_UNIT_SAMPLE_SETTINGS_H

#include "common/settings.h"

struct sample {
    bool on;
    struct address listen;
    uint32_t backlog;
    struct texts files;
    struct texts names;
    struct addresses nodes;
    char *name;
    char *data;
    uint64_t cache;
    uint64_t wait;
};

#define SETTING(path, kind, field, fallback, min, max, help) \
    {path, SETTING_##kind, offsetof(struct sample, field), fallback, min, max, help},
static const struct setting sample_table[] = {
#include "tests/unit/sample_settings.def"
};
#undef SETTING

enum { SAMPLE_ROWS = sizeof sample_table / sizeof sample_table[0] };

#endif
