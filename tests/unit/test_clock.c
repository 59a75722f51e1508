#include "common/clock.h"
#include "tests/unit/runner.h"

#include <time.h>

START_TEST(test_boot_clock_goes_forward_in_its_units)
{
    uint64_t ns = clock_boot_ns(), ms = clock_boot_ms();
    nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
    ck_assert_uint_ge(clock_boot_ns() - ns, 3000000);
    ck_assert_uint_ge(clock_boot_ms(), ms + 2);
    ck_assert_uint_le(ms - ns / 1000000, 1000);
}
END_TEST

START_TEST(test_real_clock_agrees_with_time)
{
    uint64_t now = (uint64_t)time(NULL);
    ck_assert_uint_le(clock_real_s() - now, 2);
    ck_assert_uint_le(clock_real_ms() / 1000 - now, 2);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_boot_clock_goes_forward_in_its_units,
        &test_real_clock_agrees_with_time, NULL};
    return suite_of("clock", 5, tests);
}
