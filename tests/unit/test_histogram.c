#include "tools/histogram.h"

#include "tests/unit/runner.h"

START_TEST(test_shares_are_within_three_percent)
{
    static struct histogram h;

    for (uint64_t ns = 1; ns <= 100000; ns++)
        histogram_note(&h, ns * 1000);
    ck_assert_uint_eq(h.count, 100000);
    for (double share = 0.01; share < 1; share += 0.01) {
        double found = (double)histogram_at(&h, share), exact = share * 1e8;

        ck_assert_double_ge(found, exact * 0.999);
        ck_assert_double_le(found, exact * 1.035);
    }
    ck_assert_uint_eq(histogram_at(&h, 1), 100000000);
}
END_TEST

START_TEST(test_small_durations_are_exact)
{
    static struct histogram h;

    for (uint64_t ns = 0; ns < 64; ns++)
        histogram_note(&h, ns);
    ck_assert_uint_eq(histogram_at(&h, 0.5), 31);
    ck_assert_uint_eq(histogram_at(&h, 0), 0);
}
END_TEST

START_TEST(test_extremes_are_held)
{
    static struct histogram h, sum;

    ck_assert_uint_eq(histogram_at(&h, 0.5), 0);
    histogram_note(&h, UINT64_MAX);
    ck_assert_uint_gt(histogram_at(&h, 0.5), UINT64_C(1000000000000));
    histogram_add(&sum, &h);
    histogram_add(&sum, &h);
    ck_assert_uint_eq(sum.count, 2);
    ck_assert_uint_eq(sum.max_ns, UINT64_MAX);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_shares_are_within_three_percent, &test_small_durations_are_exact,
        &test_extremes_are_held, NULL};
    return suite_of("histogram", 5, tests);
}
