/* What a fuzzer says of its kept corpus once it has been given all of it (tests/fuzz/replay.c): a corpus whose inputs are all refused at
 * the door looks as sound as any. Single-threaded. */
#ifndef CLUSTERHSM_TESTS_FUZZ_REPLAY_H
#define CLUSTERHSM_TESTS_FUZZ_REPLAY_H

#include <stddef.h>
#include <stdint.h>

/* libFuzzer's names: what is tested; how inputs change, where a fuzzer knows better; libFuzzer's own way, which replay.c stands in for
 * (nothing changes). */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t n, size_t room, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t n, size_t room);

/* What it was made to reach and no input has reached, for people; NULL: nothing. */
const char *fuzz_unreached(void);

#endif
