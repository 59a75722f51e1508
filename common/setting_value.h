/*
 * One value of a configuration: from its text to the field of its setting, and back to nothing. Used by
 * common/settings.c.
 */
#ifndef CLUSTERHSM_COMMON_SETTING_VALUE_H
#define CLUSTERHSM_COMMON_SETTING_VALUE_H

#include "common/settings.h"

/* The name of a kind as people read it: "duration", "list of addresses". */
const char *setting_kind_name(enum setting_kind kind);

/* True for the kinds that take a list. */
bool setting_is_list(const struct setting *row);

/* Sets the field from `count` texts (1 unless it is a list), after freeing what it held. Relative paths start at
 * `folder`, which may be "". On failure the field is zero and `why` says what is wrong, without a place. */
bool setting_assign(const struct setting *row, void *into, const char *const *texts, size_t count, const char *folder,
    struct diag *why);

/* Zeroes the field without looking at it: the first thing that happens to a struct from anywhere. */
void setting_start(const struct setting *row, void *into);

/* Frees what the field owns and zeroes it. */
void setting_erase(const struct setting *row, void *into);

#endif
