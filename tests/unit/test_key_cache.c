/* Loaded keys shared by threads: what hits, what leaves, and who frees. The sanitizers and valgrind judge the last. */
#include "tests/unit/secret_key.h"
#include "vault/object/key_cache.h"

#include <pthread.h>
#include <string.h>

#include "tests/unit/runner.h"

static struct key_cache *cache;

static struct key_cache_name name_of(uint64_t id, uint64_t version, uint8_t tag)
{
    struct key_cache_name name = {.id = id, .version = version};
    memset(name.tag, tag, sizeof name.tag);
    return name;
}

static struct key *key_of(uint8_t byte)
{
    return secret_key(CKK_GENERIC_SECRET, &byte, 1);
}

static const struct cached_key *put(uint64_t id, uint64_t version, uint8_t tag)
{
    struct key_cache_name name = name_of(id, version, tag);
    struct cached_key made = {.key = key_of((uint8_t)id), .object_class = CKO_SECRET_KEY, .may = CKF_SIGN};
    const struct cached_key *held = NULL;
    ck_assert_int_eq(key_cache_put(cache, &name, &made, &held), ERR_OK);
    return held;
}

static void put_and_let_go(uint64_t id)
{
    key_cache_give_back(cache, put(id, 1, (uint8_t)id));
}

static bool hits(uint64_t id, uint64_t version, uint8_t tag)
{
    struct key_cache_name name = name_of(id, version, tag);
    const struct cached_key *held = key_cache_borrow(cache, &name);
    key_cache_give_back(cache, held);
    return held != NULL;
}

START_TEST(test_cache_hits_by_id_version_and_tag_together)
{
    ck_assert_int_eq(key_cache_new(8, &cache), ERR_OK);
    put_and_let_go(3);
    ck_assert(hits(3, 1, 3));
    ck_assert(!hits(4, 1, 3));
    ck_assert(!hits(3, 2, 3));
    ck_assert(!hits(3, 1, 4));
    key_cache_free(cache);
}
END_TEST

START_TEST(test_cache_is_bounded_and_loses_what_was_not_used_for_longest)
{
    ck_assert_int_eq(key_cache_new(8, &cache), ERR_OK);
    for (uint64_t id = 1; id <= 8; id++)
        put_and_let_go(id);
    ck_assert(hits(1, 1, 1));
    put_and_let_go(9);
    ck_assert_uint_eq(key_cache_count(cache), 8);
    ck_assert(hits(1, 1, 1) && hits(9, 1, 9) && !hits(2, 1, 2) && hits(3, 1, 3));
    key_cache_free(cache);
}
END_TEST

START_TEST(test_key_that_is_held_outlives_its_place)
{
    const struct cached_key *held;
    ck_assert_int_eq(key_cache_new(1, &cache), ERR_OK);
    held = put(1, 1, 1);
    put_and_let_go(2);
    ck_assert(!hits(1, 1, 1));
    ck_assert_uint_eq(key_secret(held->key)->bytes[0], 1);
    key_cache_give_back(cache, held);
    ck_assert_uint_eq(key_cache_count(cache), 1);
    key_cache_free(cache);
}
END_TEST

START_TEST(test_second_key_of_the_same_name_is_not_kept)
{
    const struct cached_key *first, *second;
    ck_assert_int_eq(key_cache_new(4, &cache), ERR_OK);
    first = put(1, 1, 1);
    second = put(1, 1, 1);
    ck_assert_ptr_eq(first, second);
    ck_assert_uint_eq(key_cache_count(cache), 1);
    key_cache_give_back(cache, first);
    key_cache_give_back(cache, second);
    key_cache_free(cache);
}
END_TEST

START_TEST(test_forgotten_object_leaves_in_all_its_versions)
{
    const struct cached_key *held;
    ck_assert_int_eq(key_cache_new(8, &cache), ERR_OK);
    held = put(1, 1, 1);
    key_cache_give_back(cache, put(1, 2, 9));
    put_and_let_go(2);
    key_cache_forget(cache, 1);
    ck_assert(!hits(1, 1, 1) && !hits(1, 2, 9) && hits(2, 1, 2));
    ck_assert_uint_eq(key_secret(held->key)->bytes[0], 1);
    key_cache_give_back(cache, held);
    key_cache_free(cache);
}
END_TEST

enum { THREADS = 4, ROUNDS = 20000, IDS = 12 };

static void *hammer(void *seed)
{
    unsigned at = (unsigned)(uintptr_t)seed;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t id = 1 + (at = at * 1103515245u + 12345u) / 65536u % IDS;
        struct key_cache_name name = name_of(id, 1, (uint8_t)id);
        const struct cached_key *k = key_cache_borrow(cache, &name);
        if (k == NULL)
            k = put(id, 1, (uint8_t)id);
        if (key_secret(k->key)->bytes[0] != (uint8_t)id)
            return (void *)1;
        key_cache_give_back(cache, k);
        if (i % 1000 == 0)
            key_cache_forget(cache, id);
    }
    return NULL;
}

START_TEST(test_threads_share_a_cache_too_small_for_them)
{
    pthread_t threads[THREADS];
    ck_assert_int_eq(key_cache_new(5, &cache), ERR_OK);
    for (uintptr_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hammer, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++) {
        void *bad = NULL;
        ck_assert_int_eq(pthread_join(threads[i], &bad), 0);
        ck_assert_ptr_null(bad);
    }
    ck_assert_uint_le(key_cache_count(cache), 5);
    key_cache_free(cache);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_cache_hits_by_id_version_and_tag_together,
        &test_cache_is_bounded_and_loses_what_was_not_used_for_longest,
        &test_key_that_is_held_outlives_its_place,
        &test_second_key_of_the_same_name_is_not_kept,
        &test_forgotten_object_leaves_in_all_its_versions,
        &test_threads_share_a_cache_too_small_for_them,
        NULL,
    };

    return suite_of("key_cache", 60, tests);
}
