/* What a fuzzer says of its kept corpus once all of it has been given to it (tests/fuzz/replay.c): a corpus whose inputs are all refused at
 * the door looks as sound as any. Single-threaded. */
#ifndef CLUSTERHSM_TESTS_FUZZ_REPLAY_H
#define CLUSTERHSM_TESTS_FUZZ_REPLAY_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* What it was made to reach and no input has reached, for people; NULL: nothing. */
const char *fuzz_unreached(void);

#endif
