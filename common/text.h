/*
 * Copies of text in plain malloc memory. The library's strdup is not for the module: in a program with an allocator of
 * its own, loaded with RTLD_DEEPBIND, strdup takes memory from that allocator and our free would give it to another.
 */
#ifndef CLUSTERHSM_COMMON_TEXT_H
#define CLUSTERHSM_COMMON_TEXT_H

#include <stddef.h>

/* A copy that the caller frees, or NULL without memory. */
char *text_copy(const char *text);

/* The same of n bytes, with a NUL behind them. */
char *text_copy_n(const char *text, size_t n);

#endif
