/*
 * Memory for secrets: locked where the process may lock, never in a core file, wiped when given back.
 *
 * Small secrets share locked pages that stay with the process; a large one has pages of its own. Taking and giving back
 * is lock-free, so a child that was forked amid another thread's call is never left waiting. Any thread may call.
 */
#ifndef CLUSTERHSM_COMMON_SECRET_H
#define CLUSTERHSM_COMMON_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero is an empty secret. `bytes` is owned by the secret; `len` may be lowered by its user, never raised. */
struct secret {
    uint8_t *bytes;
    size_t len;
    size_t room;
};

/* Makes *s hold len zero bytes; its former content (valid or all zero) is wiped. False: no memory, *s is empty. */
bool secret_new(struct secret *s, size_t len);

/* Makes *s hold a copy of the bytes; the caller wipes its own. False: no memory, *s empty. */
bool secret_copy(struct secret *s, const void *bytes, size_t len);

/* Hands the content of *from to *to, whose own is wiped; *from is empty afterwards. */
void secret_move(struct secret *to, struct secret *from);

/* Wipes, gives the memory back and leaves *s empty. Legal on an empty secret. */
void secret_clear(struct secret *s);

/* Same length and same bytes; the time depends on the lengths only. */
bool secret_equal(const struct secret *a, const struct secret *b);

/* The same for plain memory. */
bool bytes_equal(const void *a, const void *b, size_t n);

/* Overwrites memory in a way that the compiler may not leave out. */
void bytes_wipe(void *bytes, size_t n);

#endif
