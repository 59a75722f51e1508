#include "tests/unit/runner.h"

#include <stdlib.h>

Suite *suite_of(const char *name, double seconds, const TTest *const *const *tests)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, seconds);
    for (; *tests; tests++)
        tcase_add_test(tcase, **tests);
    suite_add_tcase(suite, tcase);
    return suite;
}

unsigned patient(unsigned time)
{
    const char *times = getenv("CK_TIMEOUT_MULTIPLIER");

    return times != NULL ? time * (unsigned)strtoul(times, NULL, 10) : time;
}

int main(void)
{
    SRunner *runner = srunner_create(test_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    /* A suite without tests proves nothing and would pass for ever. */
    if (srunner_ntests_run(runner) == 0)
        failed = 1;
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
