#include "module/state/output.h"

#include "tests/unit/runner.h"

START_TEST(test_output_says_the_size_and_goes_on)
{
    CK_ULONG room = 3;
    enum output o = output_check(NULL, &room, 64);
    ck_assert_int_eq(o, OUTPUT_SIZE);
    ck_assert_uint_eq(room, 64);
    ck_assert_uint_eq(output_rv(o), CKR_OK);
    ck_assert(output_keeps_operation(o));
}
END_TEST

START_TEST(test_output_one_byte_short_says_the_size_and_goes_on)
{
    unsigned char bytes[64] = {0};
    CK_ULONG room = 63;
    enum output o = output_check(bytes, &room, 64);
    ck_assert_int_eq(o, OUTPUT_TOO_SMALL);
    ck_assert_uint_eq(room, 64);
    ck_assert_uint_eq(output_rv(o), CKR_BUFFER_TOO_SMALL);
    ck_assert(output_keeps_operation(o));
}
END_TEST

START_TEST(test_output_fits_exactly_and_leaves_the_room_to_the_writer)
{
    unsigned char bytes[64] = {0};
    CK_ULONG room = 64;
    enum output o = output_check(bytes, &room, 64);
    ck_assert_int_eq(o, OUTPUT_FITS);
    ck_assert_uint_eq(room, 64);
    ck_assert(!output_keeps_operation(o));
    room = 0;
    ck_assert_int_eq(output_check(bytes, &room, 0), OUTPUT_FITS);
}
END_TEST

START_TEST(test_output_without_a_length_ends_the_operation)
{
    unsigned char bytes[64] = {0};
    enum output o = output_check(bytes, NULL, 64);
    ck_assert_uint_eq(output_rv(o), CKR_ARGUMENTS_BAD);
    ck_assert(!output_keeps_operation(o));
    ck_assert_int_eq(output_check(NULL, NULL, 64), OUTPUT_BAD);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_output_says_the_size_and_goes_on,
        &test_output_one_byte_short_says_the_size_and_goes_on, &test_output_fits_exactly_and_leaves_the_room_to_the_writer,
        &test_output_without_a_length_ends_the_operation, NULL};
    return suite_of("state_output", 5, tests);
}
