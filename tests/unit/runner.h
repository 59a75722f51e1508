/*
 * Every tests/unit/test_x.c is a program: it gives its suite here and the runner's main runs it.
 */
#ifndef CLUSTERHSM_TESTS_UNIT_RUNNER_H
#define CLUSTERHSM_TESTS_UNIT_RUNNER_H

#include <check.h>

Suite *test_suite(void);

/* A suite of one case with these tests; a NULL ends the list. Seconds bound each test. */
Suite *suite_of(const char *name, double seconds, const TTest *const *const *tests);

/* A time that a test waits, longer where the tests' own limits are (CK_TIMEOUT_MULTIPLIER, as under valgrind). */
unsigned patient(unsigned time);

#endif
