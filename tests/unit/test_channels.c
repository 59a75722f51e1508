/* A connection has one channel; whoever holds it keeps it alive, and nobody finds it once it is closed. */
#include "proto/limits.h"
#include "tests/unit/runner.h"
#include "vault/channels.h"

/* Nothing is said on any of them, so none is needed. */
#define NO_NOISE NULL

START_TEST(test_channel_is_found_by_its_connection)
{
    struct channels *c = channels_new();
    struct vault_channel *v;

    ck_assert_ptr_null(channels_hold(c, 1));
    ck_assert_int_eq(channels_put(c, 1, NO_NOISE), ERR_OK);
    ck_assert_int_eq(channels_put(c, 1 + 4096, NO_NOISE), ERR_OK); /* the same bucket, whatever its size of 2^n */
    v = channels_hold(c, 1);
    ck_assert_uint_eq(v->connection, 1);
    channels_done(v);
    v = channels_hold(c, 1 + 4096);
    ck_assert_uint_eq(v->connection, 1 + 4096);
    channels_done(v);
    ck_assert_ptr_null(channels_hold(c, 2));
    channels_free(c);
}
END_TEST

START_TEST(test_second_channel_of_a_connection_replaces_the_first_and_its_login)
{
    struct channels *c = channels_new();
    struct vault_channel *first, *second;

    ck_assert_int_eq(channels_put(c, 1, NO_NOISE), ERR_OK);
    first = channels_hold(c, 1);
    first->login.user_id = 5;
    ck_assert_int_eq(channels_put(c, 1, NO_NOISE), ERR_OK);
    second = channels_hold(c, 1);
    ck_assert_ptr_ne(first, second);
    ck_assert(first->closed && !second->closed);
    ck_assert_uint_eq(second->login.user_id, 0);
    channels_done(first);
    channels_done(second);
    channels_free(c);
}
END_TEST

START_TEST(test_closed_channel_lives_while_it_is_held)
{
    struct channels *c = channels_new();
    struct vault_channel *v;

    ck_assert_int_eq(channels_put(c, 1, NO_NOISE), ERR_OK);
    v = channels_hold(c, 1);
    channels_close(c, 1);
    channels_close(c, 1); /* twice is once */
    ck_assert(v->closed);
    ck_assert_ptr_null(channels_hold(c, 1));
    channels_free(c);
    ck_assert_uint_eq(v->connection, 1);
    channels_done(v);
}
END_TEST

START_TEST(test_number_of_channels_is_bounded_and_closing_makes_room)
{
    struct channels *c = channels_new();

    for (uint64_t i = 0; i < VAULT_CHANNELS_MAX; i++)
        ck_assert_int_eq(channels_put(c, i, NO_NOISE), ERR_OK);
    ck_assert_int_eq(channels_put(c, VAULT_CHANNELS_MAX, NO_NOISE), ERR_LIMIT);
    ck_assert_int_eq(channels_put(c, 7, NO_NOISE), ERR_OK); /* in its own place */
    channels_close(c, 7);
    ck_assert_int_eq(channels_put(c, VAULT_CHANNELS_MAX, NO_NOISE), ERR_OK);
    channels_free(c);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_channel_is_found_by_its_connection,
        &test_second_channel_of_a_connection_replaces_the_first_and_its_login, &test_closed_channel_lives_while_it_is_held,
        &test_number_of_channels_is_bounded_and_closing_makes_room, NULL};
    return suite_of("channels", 60, tests);
}
