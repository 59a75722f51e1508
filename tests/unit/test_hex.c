#include "common/hex.h"
#include "tests/unit/runner.h"

START_TEST(test_hex_encodes_lower_case)
{
    char text[7];
    hex_encode("\x00\xab\x7f", 3, text);
    ck_assert_str_eq(text, "00ab7f");
}
END_TEST

START_TEST(test_hex_decodes_either_case)
{
    uint8_t bytes[3];
    size_t n = 0;
    ck_assert(hex_decode("00Ab7F", bytes, sizeof bytes, &n));
    ck_assert_uint_eq(n, 3);
    ck_assert_mem_eq(bytes, "\x00\xab\x7f", 3);
    ck_assert(hex_decode("", bytes, 0, &n));
    ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(test_hex_refuses_odd_foreign_and_long)
{
    uint8_t bytes[2] = {9, 9};
    size_t n = 77;
    ck_assert(!hex_decode("abc", bytes, sizeof bytes, &n));
    ck_assert(!hex_decode("abxy", bytes, sizeof bytes, &n));
    ck_assert(!hex_decode("ab c", bytes, sizeof bytes, &n));
    ck_assert(!hex_decode("aabbcc", bytes, sizeof bytes, &n));
    ck_assert_uint_eq(n, 77);
    ck_assert_uint_eq(bytes[0], 9);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_hex_encodes_lower_case, &test_hex_decodes_either_case,
        &test_hex_refuses_odd_foreign_and_long, NULL};
    return suite_of("hex", 5, tests);
}
