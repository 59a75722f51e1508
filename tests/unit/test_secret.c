#include "common/secret.h"
#include "tests/unit/runner.h"

#include <pthread.h>
#include <string.h>

START_TEST(test_secret_starts_as_zero_bytes)
{
    static const size_t sizes[] = {0, 1, 64, 65, 512, 4096, 4097, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct secret s = {0};
        ck_assert(secret_new(&s, sizes[i]));
        ck_assert_uint_eq(s.len, sizes[i]);
        for (size_t j = 0; j < s.len; j++)
            ck_assert_uint_eq(s.bytes[j], 0);
        memset(s.bytes, 0xa5, s.len);
        secret_clear(&s);
        ck_assert_ptr_null(s.bytes);
    }
}
END_TEST

START_TEST(test_secret_clear_wipes_the_slot)
{
    struct secret s = {0};
    ck_assert(secret_copy(&s, "password", 8));
    const uint8_t *slot = s.bytes; /* small slots stay mapped, so looking at them afterwards is sound */
    secret_clear(&s);
    for (size_t i = 0; i < 64; i++)
        ck_assert_uint_eq(slot[i], 0);
}
END_TEST

START_TEST(test_secret_wipes_beyond_a_lowered_length)
{
    struct secret s = {0};
    ck_assert(secret_copy(&s, "password", 8));
    const uint8_t *slot = s.bytes;
    s.len = 1;
    secret_clear(&s);
    ck_assert_uint_eq(slot[7], 0);
}
END_TEST

START_TEST(test_secret_equal_compares_length_and_bytes)
{
    struct secret a = {0}, b = {0};
    ck_assert(secret_equal(&a, &b));
    ck_assert(secret_copy(&a, "abcdef", 6));
    ck_assert(secret_copy(&b, "abcdef", 6));
    ck_assert(secret_equal(&a, &b));
    b.bytes[5] ^= 0x80;
    ck_assert(!secret_equal(&a, &b));
    ck_assert(secret_copy(&b, "abcde", 5));
    ck_assert(!secret_equal(&a, &b));
    secret_clear(&a);
    secret_clear(&b);
}
END_TEST

START_TEST(test_secret_move_empties_the_source)
{
    struct secret a = {0}, b = {0};
    ck_assert(secret_copy(&a, "abc", 3));
    ck_assert(secret_copy(&b, "old", 3));
    secret_move(&b, &a);
    ck_assert_ptr_null(a.bytes);
    ck_assert_mem_eq(b.bytes, "abc", 3);
    secret_move(&b, &b);
    ck_assert_mem_eq(b.bytes, "abc", 3);
    secret_clear(&b);
}
END_TEST

START_TEST(test_secret_copy_of_itself_survives)
{
    struct secret s = {0};
    ck_assert(secret_copy(&s, "abcdef", 6));
    ck_assert(secret_copy(&s, s.bytes + 2, 3));
    ck_assert_uint_eq(s.len, 3);
    ck_assert_mem_eq(s.bytes, "cde", 3);
    secret_clear(&s);
}
END_TEST

/* More than one slab's worth at once, so that the list of slabs is walked as well. */
enum { HELD = 150, ROUNDS = 50 };

static void *hold_many(void *mark)
{
    struct secret held[HELD] = {{0}};
    uint8_t byte = (uint8_t)(uintptr_t)mark;
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < HELD; i++) {
            if (!secret_new(&held[i], 48))
                return NULL;
            memset(held[i].bytes, byte, 48);
        }
        for (size_t i = 0; i < HELD; i++) {
            for (size_t j = 0; j < 48; j++)
                if (held[i].bytes[j] != byte)
                    return NULL;
            secret_clear(&held[i]);
        }
    }
    return mark;
}

START_TEST(test_secret_slots_belong_to_one_thread_at_a_time)
{
    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hold_many, (void *)(i + 1)), 0);
    for (uintptr_t i = 0; i < 4; i++) {
        void *answer = NULL;
        pthread_join(threads[i], &answer);
        ck_assert_uint_eq((uintptr_t)answer, i + 1);
    }
}
END_TEST

START_TEST(test_bytes_equal_sees_every_byte)
{
    uint8_t a[33] = {0}, b[33] = {0};
    ck_assert(bytes_equal(a, b, sizeof a));
    for (size_t i = 0; i < sizeof a; i++) {
        b[i] = 1;
        ck_assert(!bytes_equal(a, b, sizeof a));
        b[i] = 0;
    }
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_secret_starts_as_zero_bytes, &test_secret_clear_wipes_the_slot,
        &test_secret_wipes_beyond_a_lowered_length, &test_secret_equal_compares_length_and_bytes,
        &test_secret_move_empties_the_source, &test_secret_copy_of_itself_survives,
        &test_secret_slots_belong_to_one_thread_at_a_time, &test_bytes_equal_sees_every_byte, NULL};
    return suite_of("secret", 20, tests);
}
