/*
 * Makes the n-th allocation of our own code fail, so that every error path after malloc is walked in a test.
 *
 * A program that uses it is linked with $(nth_malloc_flags), which sends our calls of malloc, calloc and realloc
 * here; libraries keep the real ones. One thread at a time.
 */
#ifndef CLUSTERHSM_TESTS_UNIT_NTH_MALLOC_H
#define CLUSTERHSM_TESTS_UNIT_NTH_MALLOC_H

#include <stdbool.h>

/* The n-th allocation from now on fails, once; 1 is the next. 0: none fails. */
void nth_malloc_arm(unsigned n);

/* Disarms; true when an allocation was made to fail since the last call of nth_malloc_arm. */
bool nth_malloc_disarm(void);

#endif
