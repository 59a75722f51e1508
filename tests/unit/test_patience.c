/* A word to who waits. */
#include "tools/patience.h"

#include <stdatomic.h>
#include <time.h>

#include "tests/unit/runner.h"

static _Atomic unsigned said;

static void say(void *arg)
{
    (void)arg;
    atomic_fetch_add(&said, 1);
}

static void sleep_ms(unsigned ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000}, NULL);
}

START_TEST(test_what_is_quick_passes_in_silence)
{
    struct patience p;

    for (unsigned i = 0; i < 100; i++) {
        patience_begin(&p, 60000, say, NULL);
        patience_end(&p);
    }
    ck_assert_uint_eq(said, 0);
}
END_TEST

START_TEST(test_what_takes_long_is_said_once_and_before_its_end)
{
    struct patience p;

    patience_begin(&p, 1, say, NULL);
    for (unsigned i = 0; i < 10000 && said == 0; i++)
        sleep_ms(1);
    ck_assert_uint_eq(said, 1);
    sleep_ms(20);
    patience_end(&p);
    ck_assert_uint_eq(said, 1);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_what_is_quick_passes_in_silence,
        &test_what_takes_long_is_said_once_and_before_its_end, NULL};
    return suite_of("patience", 30, tests);
}
