/* Object ids come from leased blocks, each once, whatever threads ask. */
#include <pthread.h>
#include <stdlib.h>

#include "tests/unit/runner.h"
#include "vault/ids.h"

START_TEST(test_there_are_none_until_a_block_is_leased)
{
    struct ids *s = ids_new();
    uint64_t id;

    ck_assert(!ids_take(s, &id));
    ids_add(s, 100, 3);
    for (uint64_t i = 100; i < 103; i++) {
        ck_assert(ids_take(s, &id));
        ck_assert_uint_eq(id, i);
    }
    ck_assert(!ids_take(s, &id));
    ids_free(s);
}
END_TEST

START_TEST(test_several_blocks_give_each_id_once)
{
    struct ids *s = ids_new();
    bool given[300] = {false};
    uint64_t id;
    unsigned n = 0;

    ids_add(s, 100, 10);
    ids_add(s, 200, 10);
    while (ids_take(s, &id)) {
        ck_assert(id < 300 && !given[id]);
        given[id] = true;
        n++;
    }
    ck_assert_uint_eq(n, 20);
    ids_free(s);
}
END_TEST

START_TEST(test_block_that_can_be_no_block_is_let_go)
{
    struct ids *s = ids_new();
    uint64_t id;

    ids_add(s, 0, 10);          /* no outcome says so */
    ids_add(s, 1, 10);          /* the cluster record's */
    ids_add(s, 100, 0);
    ids_add(s, UINT64_MAX, 10); /* beyond the last number */
    ck_assert(!ids_take(s, &id));
    ids_free(s);
}
END_TEST

START_TEST(test_block_that_does_not_lie_above_all_before_is_refused)
{
    struct ids *s = ids_new();
    uint64_t id, last = 0;

    ck_assert(ids_add(s, 100, 10));
    ck_assert(!ids_add(s, 100, 10)); /* the same once more */
    ck_assert(!ids_add(s, 109, 10)); /* it laps over */
    ck_assert(!ids_add(s, 2, 10));
    while (ids_take(s, &id))
        last = id;
    ck_assert_uint_eq(last, 109);
    ck_assert(!ids_add(s, 100, 10)); /* also when it is used up */
    ck_assert(!ids_take(s, &id));
    ck_assert(ids_add(s, 110, 10));
    ids_free(s);
}
END_TEST

START_TEST(test_more_blocks_than_anybody_needs_are_let_go)
{
    struct ids *s = ids_new();
    uint64_t id;
    unsigned n = 0;

    for (uint64_t i = 1; i <= 1000; i++)
        ids_add(s, i * 10, 10);
    while (ids_take(s, &id))
        n++;
    ck_assert(n > 0 && n < 1000);
    ids_free(s);
}
END_TEST

enum { THREADS = 4, EACH = 5000 };

static uint64_t taken[THREADS][EACH];

static void *take_many(void *arg)
{
    struct ids *s = arg;
    static _Atomic unsigned next;
    unsigned me = next++;

    for (size_t i = 0; i < EACH; i++)
        if (!ids_take(s, &taken[me][i]))
            taken[me][i] = 0; /* none of the block */
    return NULL;
}

START_TEST(test_threads_never_get_the_same_id)
{
    struct ids *s = ids_new();
    bool *given = calloc(THREADS * EACH, sizeof *given), once = true;
    pthread_t threads[THREADS];

    ids_add(s, 1000, THREADS * EACH);
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, take_many, s), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < THREADS * EACH; i++) {
        uint64_t at = taken[i / EACH][i % EACH] - 1000;
        once = once && at < THREADS * EACH && !given[at];
        if (once)
            given[at] = true;
    }
    ck_assert(once);
    free(given);
    ids_free(s);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_there_are_none_until_a_block_is_leased, &test_several_blocks_give_each_id_once,
        &test_block_that_can_be_no_block_is_let_go, &test_block_that_does_not_lie_above_all_before_is_refused,
        &test_more_blocks_than_anybody_needs_are_let_go, &test_threads_never_get_the_same_id, NULL};
    return suite_of("ids", 30, tests);
}
