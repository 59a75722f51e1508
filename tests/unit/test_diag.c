#include "common/diag.h"
#include "tests/unit/runner.h"

#include <string.h>

START_TEST(test_diag_names_place_fault_and_remedy)
{
    struct diag d = {0};
    char text[256];
    diag_set(&d, "port %d is out of range", 70000);
    diag_where(&d, "/etc/hsmd.yaml", 12);
    diag_remedy(&d, "use 1 to %d", 65535);
    ck_assert_str_eq(diag_text(&d, text, sizeof text), "/etc/hsmd.yaml:12: port 70000 is out of range; use 1 to 65535");
}
END_TEST

START_TEST(test_diag_text_leaves_out_what_is_not_there)
{
    struct diag d = {0};
    char text[64];
    diag_set(&d, "no memory");
    ck_assert_str_eq(diag_text(&d, text, sizeof text), "no memory");
    diag_where(&d, "file", 0);
    ck_assert_str_eq(diag_text(&d, text, sizeof text), "file: no memory");
}
END_TEST

START_TEST(test_diag_set_forgets_the_last_fault)
{
    struct diag d = {0};
    char text[64];
    diag_set(&d, "first");
    diag_where(&d, "file", 3);
    diag_remedy(&d, "wait");
    diag_set(&d, "second");
    ck_assert_str_eq(diag_text(&d, text, sizeof text), "second");
}
END_TEST

START_TEST(test_diag_cuts_what_is_too_long)
{
    struct diag d = {0};
    char text[16], huge[1000];
    memset(huge, 'x', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    diag_set(&d, "%s", huge);
    ck_assert_uint_eq(strlen(d.what), DIAG_WHAT_BYTES - 1);
    ck_assert_uint_eq(strlen(diag_text(&d, text, sizeof text)), sizeof text - 1);
}
END_TEST

START_TEST(test_diag_calls_take_null)
{
    diag_clear(NULL);
    diag_set(NULL, "nobody asks");
    diag_where(NULL, "file", 1);
    diag_remedy(NULL, "none");
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_diag_names_place_fault_and_remedy,
        &test_diag_text_leaves_out_what_is_not_there, &test_diag_set_forgets_the_last_fault,
        &test_diag_cuts_what_is_too_long, &test_diag_calls_take_null, NULL};
    return suite_of("diag", 5, tests);
}
