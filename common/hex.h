/*
 * Bytes as hexadecimal text and back. For public bytes: neither way runs in constant time.
 */
#ifndef CLUSTERHSM_COMMON_HEX_H
#define CLUSTERHSM_COMMON_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes 2n lower-case digits and a NUL to text, which has room for 2n + 1. */
void hex_encode(const void *bytes, size_t n, char *text);

/* Decodes the whole text, either case, without separators, into at most room bytes. False: odd, foreign or too long. */
bool hex_decode(const char *text, uint8_t *bytes, size_t room, size_t *n);

#endif
