#include "common/buffer.h"
#include "tests/unit/runner.h"

#include <stdlib.h>
#include <string.h>

START_TEST(test_buffer_writes_integers_big_endian)
{
    static const uint8_t expected[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 8, 9, 10, 11, 12, 13, 14, 15};
    struct buffer b = {0};
    buffer_put_u8(&b, 1);
    buffer_put_u16(&b, 0x0203);
    buffer_put_u32(&b, 0x04050607);
    buffer_put_u64(&b, UINT64_C(0x08090a0b0c0d0e0f));
    ck_assert(!b.failed);
    ck_assert_uint_eq(b.len, sizeof expected);
    ck_assert_mem_eq(b.data, expected, sizeof expected);
    buffer_clear(&b);
}
END_TEST

START_TEST(test_cursor_reads_what_buffer_wrote)
{
    struct buffer b = {0};
    struct cursor c;
    size_t n = 0;
    buffer_put_u8(&b, 200);
    buffer_put_bytes(&b, "abc", 3);
    buffer_put_u64(&b, UINT64_MAX - 1);
    buffer_put_u16(&b, 65535);
    cursor_init(&c, b.data, b.len);
    ck_assert_uint_eq(cursor_u8(&c), 200);
    ck_assert_mem_eq(cursor_bytes(&c, 3, &n), "abc", 3);
    ck_assert_uint_eq(n, 3);
    ck_assert(cursor_u64(&c) == UINT64_MAX - 1);
    ck_assert(!cursor_done(&c));
    ck_assert_uint_eq(cursor_u16(&c), 65535);
    ck_assert(cursor_done(&c));
    buffer_clear(&b);
}
END_TEST

START_TEST(test_buffer_stays_failed_after_its_bound)
{
    struct buffer b;
    buffer_init(&b, 4);
    ck_assert(buffer_put_u32(&b, 7));
    ck_assert(!buffer_put_u8(&b, 1));
    ck_assert(b.failed);
    ck_assert(!buffer_put(&b, NULL, 0));
    ck_assert_uint_eq(b.len, 4);
    buffer_reset(&b);
    ck_assert(buffer_put_u8(&b, 1));
    buffer_clear(&b);
    ck_assert_uint_eq(b.bytes_max, 4);
}
END_TEST

START_TEST(test_buffer_refuses_sums_that_overflow)
{
    struct buffer b = {0};
    buffer_put_u8(&b, 1);
    ck_assert_ptr_null(buffer_extend(&b, SIZE_MAX));
    ck_assert(b.failed);
    buffer_clear(&b);
}
END_TEST

START_TEST(test_cursor_refuses_more_than_there_is)
{
    static const uint8_t bytes[] = {0, 0, 0, 9, 1, 2};
    struct cursor c;
    size_t n = 77;
    cursor_init(&c, bytes, sizeof bytes);
    ck_assert_ptr_null(cursor_bytes(&c, 100, &n));
    ck_assert(c.failed);
    ck_assert_uint_eq(n, 77);
    ck_assert_uint_eq(cursor_u8(&c), 0);
    ck_assert(!cursor_done(&c));
}
END_TEST

START_TEST(test_cursor_refuses_length_above_bound)
{
    static const uint8_t bytes[] = {0, 0, 0, 2, 1, 2};
    struct cursor c;
    size_t n;
    cursor_init(&c, bytes, sizeof bytes);
    ck_assert_ptr_null(cursor_bytes(&c, 1, &n));
    ck_assert(c.failed);
}
END_TEST

START_TEST(test_cursor_over_nothing_is_done)
{
    struct cursor c;
    cursor_init(&c, NULL, 0);
    ck_assert(cursor_done(&c));
    ck_assert_ptr_nonnull(cursor_skip(&c, 0));
    ck_assert_uint_eq(cursor_u32(&c), 0);
    ck_assert(c.failed);
}
END_TEST

START_TEST(test_buffer_drop_keeps_the_rest)
{
    struct buffer b = {0};
    buffer_put_text(&b, "hello world");
    buffer_drop(&b, 6);
    ck_assert_uint_eq(b.len, 5);
    ck_assert_mem_eq(b.data, "world", 5);
    buffer_drop(&b, 100);
    ck_assert_uint_eq(b.len, 0);
    buffer_clear(&b);
}
END_TEST

START_TEST(test_buffer_printf_leaves_no_nul)
{
    struct buffer b = {0};
    ck_assert(buffer_printf(&b, "%s-%d", "term", 42));
    ck_assert(buffer_put_text(&b, "!"));
    ck_assert_uint_eq(b.len, 8);
    ck_assert_mem_eq(b.data, "term-42!", 8);
    buffer_clear(&b);
}
END_TEST

START_TEST(test_buffer_take_empties_the_buffer)
{
    struct buffer b = {0};
    size_t n = 0;
    ck_assert_ptr_null(buffer_take(&b, &n));
    buffer_put_text(&b, "mine");
    uint8_t *bytes = buffer_take(&b, &n);
    ck_assert_uint_eq(n, 4);
    ck_assert_mem_eq(bytes, "mine", 4);
    ck_assert_ptr_null(b.data);
    ck_assert_uint_eq(b.len, 0);
    free(bytes);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_buffer_writes_integers_big_endian, &test_cursor_reads_what_buffer_wrote,
        &test_buffer_stays_failed_after_its_bound, &test_buffer_refuses_sums_that_overflow,
        &test_cursor_refuses_more_than_there_is, &test_cursor_refuses_length_above_bound,
        &test_cursor_over_nothing_is_done, &test_buffer_drop_keeps_the_rest, &test_buffer_printf_leaves_no_nul,
        &test_buffer_take_empties_the_buffer, NULL};
    return suite_of("buffer", 5, tests);
}
