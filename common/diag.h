/*
 * An error as people need it: what is wrong, where, and what to do about it.
 *
 * Functions below `proto` return bool and fill a `struct diag` on failure. Every call takes NULL for "nobody asks".
 * No secret belongs in it. The struct is in the caller's memory and owns nothing.
 */
#ifndef CLUSTERHSM_COMMON_DIAG_H
#define CLUSTERHSM_COMMON_DIAG_H

#include <stddef.h>

enum { DIAG_WHAT_BYTES = 320, DIAG_WHERE_BYTES = 256, DIAG_REMEDY_BYTES = 256 };

/* All zero: nothing is wrong. */
struct diag {
    char what[DIAG_WHAT_BYTES];
    char where[DIAG_WHERE_BYTES]; /* a file, an address; empty when there is none */
    char remedy[DIAG_REMEDY_BYTES];
    unsigned line; /* 1 is the first; 0: no line */
};

void diag_clear(struct diag *d);

/* Says what is wrong and forgets where and remedy. Too long a text is cut. */
void diag_set(struct diag *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds the place: a file and a line (0: the whole file). */
void diag_where(struct diag *d, const char *where, unsigned line);

/* Adds what to do. */
void diag_remedy(struct diag *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes "where:line: what; remedy" to out, cut to room bytes with the NUL. Returns out. */
const char *diag_text(const struct diag *d, char *out, size_t room);

#endif
