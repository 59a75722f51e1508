#include "proto/frame.h"

#include <string.h>

#include "proto/limits.h"
#include "tests/unit/runner.h"

static struct buffer out;

static void write_frame(const char *payload)
{
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
    uint64_t ids[] = {7, 9};
    header.kind = HSM__FRAME_KIND__FRAME_REQUEST;
    header.exchange = 42;
    header.ids = ids;
    header.n_ids = 2;
    buffer_init(&out, 0);
    ck_assert(frame_put(&out, &header, payload, strlen(payload)));
}

START_TEST(test_frame_comes_back_as_it_was_written)
{
    struct frame f;
    size_t taken;
    write_frame("sealed");
    ck_assert_int_eq(frame_decode(out.data, out.len, &f, &taken), ERR_OK);
    ck_assert_uint_eq(taken, out.len);
    ck_assert_uint_eq(f.header->exchange, 42);
    ck_assert_uint_eq(f.header->n_ids, 2);
    ck_assert_uint_eq(f.payload_len, 6);
    ck_assert_mem_eq(f.payload, "sealed", 6);
    ck_assert_uint_eq(f.header_len, hsm__frame_header__get_packed_size(f.header));
    frame_clear(&f);
    buffer_clear(&out);
}
END_TEST

START_TEST(test_cut_frame_waits_for_more_at_every_length)
{
    struct frame f;
    size_t taken;
    write_frame("sealed");
    for (size_t n = 0; n < out.len; n++) {
        ck_assert_int_eq(frame_decode(out.data, n, &f, &taken), ERR_OK);
        ck_assert_uint_eq(taken, 0);
    }
    buffer_clear(&out);
}
END_TEST

START_TEST(test_two_frames_are_taken_one_by_one)
{
    struct frame f;
    size_t first, second;
    write_frame("a");
    first = out.len;
    ck_assert(buffer_put(&out, out.data, 0));
    {
        Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
        ck_assert(frame_put(&out, &header, "bb", 2));
    }
    ck_assert_int_eq(frame_decode(out.data, out.len, &f, &second), ERR_OK);
    ck_assert_uint_eq(second, first);
    frame_clear(&f);
    ck_assert_int_eq(frame_decode(out.data + first, out.len - first, &f, &second), ERR_OK);
    ck_assert_uint_eq(f.payload_len, 2);
    frame_clear(&f);
    buffer_clear(&out);
}
END_TEST

START_TEST(test_length_beyond_the_bound_is_refused_before_the_bytes_come)
{
    static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff};
    struct frame f;
    size_t taken;
    ck_assert_int_eq(frame_decode(huge, sizeof huge, &f, &taken), ERR_TOO_LARGE);
}
END_TEST

START_TEST(test_header_longer_than_its_frame_is_malformed)
{
    static const uint8_t bad[] = {0, 0, 0, 4, 0, 3, 1, 2};
    static const uint8_t tiny[] = {0, 0, 0, 1, 0};
    struct frame f;
    size_t taken;
    ck_assert_int_eq(frame_decode(bad, sizeof bad, &f, &taken), ERR_MALFORMED);
    ck_assert_int_eq(frame_decode(tiny, sizeof tiny, &f, &taken), ERR_MALFORMED);
}
END_TEST

START_TEST(test_random_bytes_never_crash_the_decoder)
{
    uint8_t bytes[64];
    uint32_t x = 12345;
    for (unsigned round = 0; round < 20000; round++) {
        struct frame f;
        size_t taken, n = round % sizeof bytes;
        for (size_t i = 0; i < n; i++) {
            x = x * 1664525u + 1013904223u;
            bytes[i] = (uint8_t)(x >> 24);
        }
        if (n > 3)
            bytes[0] = bytes[1] = bytes[2] = 0; /* lengths that fit, so that headers are decoded */
        if (frame_decode(bytes, n, &f, &taken) == ERR_OK && taken > 0) {
            ck_assert_uint_le(taken, n);
            frame_clear(&f);
        }
    }
}
END_TEST

START_TEST(test_payload_beyond_the_bound_leaves_the_buffer_as_it_was)
{
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
    static uint8_t big[FRAME_BYTES_MAX + 1];
    size_t before;
    write_frame("x");
    before = out.len;
    ck_assert(!frame_put(&out, &header, big, sizeof big));
    ck_assert_uint_eq(out.len, before);
    buffer_clear(&out);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_frame_comes_back_as_it_was_written,
        &test_cut_frame_waits_for_more_at_every_length, &test_two_frames_are_taken_one_by_one,
        &test_length_beyond_the_bound_is_refused_before_the_bytes_come, &test_header_longer_than_its_frame_is_malformed,
        &test_random_bytes_never_crash_the_decoder, &test_payload_beyond_the_bound_leaves_the_buffer_as_it_was, NULL};
    return suite_of("frame", 10, tests);
}
