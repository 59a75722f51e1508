/* An opened record is found by exactly what names its bytes, and lives as long as somebody holds it. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/runner.h"
#include "vault/record_cache.h"

static struct record_name name_of(uint64_t id, uint64_t version, uint8_t tag)
{
    struct record_name name = {.id = id, .version = version};
    memset(name.tag, tag, sizeof name.tag);
    return name;
}

static const struct opened_record *put(struct record_cache *c, uint64_t id, uint64_t version, uint8_t tag, size_t n)
{
    struct record_name name = name_of(id, version, tag);
    Hsm__RecordHeader *header = malloc(sizeof *header);
    struct secret text = {0};

    hsm__record_header__init(header);
    header->id = id;
    header->version = version;
    ck_assert(secret_new(&text, n));
    memset(text.bytes, (int)(id & 0xff), n);
    return record_cache_put(c, &name, header, &text);
}

static void fill(struct record_cache *c, uint64_t id, uint64_t version, uint8_t tag)
{
    record_cache_give_back(put(c, id, version, tag, 10));
}

static bool there(struct record_cache *c, uint64_t id, uint64_t version, uint8_t tag)
{
    struct record_name name = name_of(id, version, tag);
    const struct opened_record *r = record_cache_borrow(c, &name);

    if (r == NULL)
        return false;
    ck_assert_uint_eq(r->header->id, id);
    ck_assert_uint_eq(r->header->version, version);
    ck_assert_mem_eq(r->tag, name.tag, sizeof name.tag);
    ck_assert_uint_eq(r->text.bytes[0], id & 0xff);
    record_cache_give_back(r);
    return true;
}

START_TEST(test_record_is_found_by_id_version_and_tag_together)
{
    struct record_cache *c = record_cache_new();

    fill(c, 5, 2, 9);
    ck_assert(there(c, 5, 2, 9));
    ck_assert(!there(c, 5, 2, 8));
    ck_assert(!there(c, 5, 3, 9));
    ck_assert(!there(c, 6, 2, 9));
    record_cache_free(c);
}
END_TEST

START_TEST(test_newer_version_takes_the_place_of_the_older)
{
    struct record_cache *c = record_cache_new();

    fill(c, 5, 2, 9);
    fill(c, 5, 3, 7);
    ck_assert(there(c, 5, 3, 7));
    ck_assert(!there(c, 5, 2, 9));
    record_cache_free(c);
}
END_TEST

START_TEST(test_forgotten_record_lives_while_it_is_held)
{
    struct record_cache *c = record_cache_new();
    const struct opened_record *r = put(c, 5, 2, 9, 10);

    record_cache_forget(c, 5);
    ck_assert(!there(c, 5, 2, 9));
    ck_assert_uint_eq(r->text.len, 10);
    ck_assert_uint_eq(r->text.bytes[9], 5);
    record_cache_free(c);
    ck_assert_uint_eq(r->text.bytes[9], 5);
    record_cache_give_back(r);
}
END_TEST

START_TEST(test_large_record_is_given_but_not_kept)
{
    struct record_cache *c = record_cache_new();
    const struct opened_record *r = put(c, 5, 2, 9, RECORD_CACHE_BYTES_MAX + 1);

    ck_assert_uint_eq(r->text.len, RECORD_CACHE_BYTES_MAX + 1);
    ck_assert(!there(c, 5, 2, 9));
    record_cache_give_back(r);
    record_cache_free(c);
}
END_TEST

START_TEST(test_without_a_cache_records_are_given_all_the_same)
{
    const struct opened_record *r = put(NULL, 5, 2, 9, 10);
    struct record_name name = name_of(5, 2, 9);

    ck_assert_ptr_nonnull(r);
    ck_assert_ptr_null(record_cache_borrow(NULL, &name));
    record_cache_forget(NULL, 5);
    record_cache_give_back(r);
}
END_TEST

START_TEST(test_number_of_records_is_bounded_and_the_newest_stay)
{
    struct record_cache *c = record_cache_new();
    unsigned kept = 0;

    for (uint64_t id = 1; id <= 4 * RECORD_CACHE_MAX; id++) {
        fill(c, id, 1, 1);
        ck_assert(there(c, id, 1, 1));
    }
    for (uint64_t id = 1; id <= 4 * RECORD_CACHE_MAX; id++)
        kept += there(c, id, 1, 1);
    ck_assert_uint_gt(kept, RECORD_CACHE_MAX / 2);
    ck_assert_uint_le(kept, RECORD_CACHE_MAX);
    record_cache_free(c);
}
END_TEST

START_TEST(test_same_record_opened_twice_is_kept_once)
{
    struct record_cache *c = record_cache_new();
    const struct opened_record *a = put(c, 5, 2, 9, 10), *b = put(c, 5, 2, 9, 10);

    ck_assert(there(c, 5, 2, 9));
    record_cache_give_back(b);
    ck_assert(there(c, 5, 2, 9));
    record_cache_give_back(a);
    ck_assert(there(c, 5, 2, 9));
    record_cache_free(c);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_record_is_found_by_id_version_and_tag_together,
        &test_newer_version_takes_the_place_of_the_older, &test_forgotten_record_lives_while_it_is_held,
        &test_large_record_is_given_but_not_kept, &test_without_a_cache_records_are_given_all_the_same,
        &test_number_of_records_is_bounded_and_the_newest_stay, &test_same_record_opened_twice_is_kept_once, NULL};
    return suite_of("record cache", 30, tests);
}
