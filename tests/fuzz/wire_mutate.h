/* Changes a row of protobuf messages, each behind a length of four bytes, and keeps the lengths of all that the change stands in right:
 * bytes that are changed anywhere leave few messages that can be read at all. Knows no message's fields. Single-threaded. */
#ifndef CLUSTERHSM_TESTS_FUZZ_WIRE_MUTATE_H
#define CLUSTERHSM_TESTS_FUZZ_WIRE_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* Changes n bytes in their place, which has `room`; returns how many they are then. libFuzzer's. */
typedef size_t wire_mutate_fn(uint8_t *bytes, size_t n, size_t room);

/* The same of a whole row. The same seed does the same. */
size_t wire_mutate(uint8_t *row, size_t n, size_t room, unsigned seed, wire_mutate_fn *mutate);

#endif
