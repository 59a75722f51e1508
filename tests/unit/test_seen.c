/* A version that was shown makes all older ones of its record old, and nothing else. */
#include "tests/unit/runner.h"
#include "vault/seen.h"

START_TEST(test_older_version_is_refused_once_a_newer_was_shown)
{
    struct seen *s = seen_new();

    ck_assert(seen_note(s, 7, 3));
    ck_assert(seen_note(s, 7, 3));
    ck_assert(!seen_note(s, 7, 2));
    ck_assert(!seen_note(s, 7, 1));
    ck_assert(seen_note(s, 7, 5));
    ck_assert(!seen_note(s, 7, 4));
    seen_free(s);
}
END_TEST

START_TEST(test_records_do_not_speak_for_each_other)
{
    struct seen *s = seen_new();

    for (uint64_t id = 1; id < 5000; id++)
        ck_assert(seen_note(s, id, id % 7 + 2));
    for (uint64_t id = 1; id < 5000; id++) {
        ck_assert(!seen_note(s, id, 1));
        ck_assert(seen_note(s, id, id % 7 + 2));
    }
    seen_free(s);
}
END_TEST

START_TEST(test_records_that_were_never_changed_take_no_room)
{
    struct seen *s = seen_new();
    bool all = true; /* an assertion a record would take minutes */

    ck_assert(seen_note(s, 9, 2));
    for (uint64_t id = 10; id < 10 + 3 * (uint64_t)SEEN_MAX; id++)
        all = seen_note(s, id, 1) && all;
    ck_assert(all);
    ck_assert(!seen_note(s, 9, 1)); /* nothing has pushed it out */
    seen_free(s);
}
END_TEST

START_TEST(test_erased_record_is_never_taken_again)
{
    struct seen *s = seen_new();

    ck_assert(seen_note(s, 9, UINT64_MAX));
    ck_assert(!seen_note(s, 9, 1));
    ck_assert(!seen_note(s, 9, UINT64_MAX - 1));
    seen_free(s);
}
END_TEST

/* More records than there is room for: what was shown lately stays known. */
START_TEST(test_what_falls_out_is_what_was_shown_longest_ago)
{
    struct seen *s = seen_new();
    uint64_t last = 2 * (uint64_t)SEEN_MAX;
    unsigned known = 0;
    bool all = true;

    for (uint64_t id = 1; id <= last; id++)
        all = seen_note(s, id, 2) && all;
    ck_assert(all);
    for (uint64_t id = last - 1000; id <= last; id++)
        known += !seen_note(s, id, 1);
    ck_assert_uint_eq(known, 1001);
    seen_free(s);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_older_version_is_refused_once_a_newer_was_shown,
        &test_records_do_not_speak_for_each_other, &test_records_that_were_never_changed_take_no_room,
        &test_erased_record_is_never_taken_again, &test_what_falls_out_is_what_was_shown_longest_ago, NULL};
    return suite_of("seen", 60, tests);
}
