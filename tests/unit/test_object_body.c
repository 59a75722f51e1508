/* Objects in memory: their order, their packed form, and what is refused of a body. */
#include "vault/object/body.h"

#include <string.h>

#include "proto/attribute.h"
#include "proto/limits.h"
#include "tests/unit/runner.h"
#include "tests/unit/sample_template.h"

static struct object o;

static void start(void)
{
    object_init(&o, sample_memory());
}

START_TEST(test_there_is_room_for_every_row_of_the_table)
{
    size_t rows = 0;
    while (attribute_at(rows) != NULL)
        rows++;
    ck_assert_uint_le(rows, OBJECT_ATTRIBUTES_MAX);
}
END_TEST

START_TEST(test_put_keeps_attributes_sorted_and_the_last_value)
{
    start();
    ck_assert_int_eq(object_put(&o, CKA_ID, "first", 5), ERR_OK);
    ck_assert_int_eq(object_put_ulong(&o, CKA_CLASS, CKO_DATA), ERR_OK);
    ck_assert_int_eq(object_put_bool(&o, CKA_TOKEN, true), ERR_OK);
    ck_assert_int_eq(object_put(&o, CKA_ID, "2", 1), ERR_OK);
    ck_assert_uint_eq(o.n, 3);
    for (size_t i = 1; i < o.n; i++)
        ck_assert_uint_lt(o.attributes[i - 1].type, o.attributes[i].type);
    ck_assert_uint_eq(object_find(&o, CKA_ID)->n, 1);
    ck_assert_uint_eq(object_ulong(&o, CKA_CLASS, 77), CKO_DATA);
    ck_assert_uint_eq(object_ulong(&o, CKA_KEY_TYPE, 77), 77);
    ck_assert(object_bool(&o, CKA_TOKEN));
    ck_assert(!object_bool(&o, CKA_PRIVATE));
    sample_memory_free();
}
END_TEST

START_TEST(test_packed_object_comes_back)
{
    struct object again;
    struct secret packed = {0};
    start();
    object_put_ulong(&o, CKA_KEY_GEN_MECHANISM, CK_UNAVAILABLE_INFORMATION);
    object_put(&o, CKA_LABEL, "name", 4);
    object_put(&o, CKA_ID, NULL, 0);
    ck_assert_int_eq(object_pack(&o, &packed), ERR_OK);
    object_init(&again, sample_memory());
    ck_assert_int_eq(object_read(&again, packed.bytes, packed.len), ERR_OK);
    ck_assert_uint_eq(again.n, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(again.attributes[i].type, o.attributes[i].type);
        ck_assert_uint_eq(again.attributes[i].n, o.attributes[i].n);
        ck_assert_int_eq(memcmp(again.attributes[i].value != NULL ? again.attributes[i].value : (const uint8_t *)"",
                                o.attributes[i].value, o.attributes[i].n), 0);
    }
    ck_assert_uint_eq(object_ulong(&again, CKA_KEY_GEN_MECHANISM, 0), CK_UNAVAILABLE_INFORMATION);
    secret_clear(&packed);
    sample_memory_free();
}
END_TEST

START_TEST(test_body_that_is_no_object_is_refused)
{
    static const uint8_t unsorted[] = {0x0a, 2, 8, 3, 0x0a, 2, 8, 2}, twice[] = {0x0a, 2, 8, 3, 0x0a, 2, 8, 3},
                         unknown[] = {0x12, 0}, cut[] = {0x0a, 5, 8};
    uint8_t many[4 * (OBJECT_ATTRIBUTES_MAX + 1)];
    start();
    ck_assert_int_eq(object_read(&o, unsorted, sizeof unsorted), ERR_CORRUPT);
    ck_assert_int_eq(object_read(&o, twice, sizeof twice), ERR_CORRUPT);
    ck_assert_int_eq(object_read(&o, unknown, sizeof unknown), ERR_CORRUPT);
    ck_assert_int_eq(object_read(&o, cut, sizeof cut), ERR_CORRUPT);
    for (size_t i = 0; i < sizeof many; i += 4)
        memcpy(many + i, (uint8_t[]){0x0a, 2, 8, (uint8_t)(i / 4)}, 4);
    ck_assert_int_eq(object_read(&o, many, sizeof many), ERR_CORRUPT);
    ck_assert_int_eq(object_read(&o, many, sizeof many - 4), ERR_OK);
    ck_assert_int_eq(object_put(&o, CKA_ID, "", 0), ERR_BUG);
    sample_memory_free();
}
END_TEST

START_TEST(test_no_memory_is_not_taken_for_a_malformed_body)
{
    struct secret packed = {0};
    enum err e = ERR_NO_MEMORY;
    start();
    for (CK_ATTRIBUTE_TYPE type = 1; type < 20; type++)
        object_put(&o, type, "value", 5);
    ck_assert_int_eq(object_pack(&o, &packed), ERR_OK);
    for (size_t n = 0; e != ERR_OK; n++) {
        start();
        sample_memory_fail(n);
        e = object_read(&o, packed.bytes, packed.len);
        ck_assert(e == ERR_OK || e == ERR_NO_MEMORY);
        ck_assert_uint_lt(n, 200);
    }
    sample_memory_fail(0);
    ck_assert_int_eq(object_put(&o, CKA_ID, "x", 1), ERR_NO_MEMORY);
    sample_memory_fail(SIZE_MAX);
    secret_clear(&packed);
    sample_memory_free();
}
END_TEST

START_TEST(test_object_larger_than_the_limit_is_not_packed)
{
    static const uint8_t large[ATTRIBUTE_BYTES_MAX];
    struct secret packed = {0};
    start();
    object_put(&o, CKA_VALUE, large, sizeof large);
    ck_assert_int_eq(object_pack(&o, &packed), ERR_OK);
    object_put(&o, CKA_SUBJECT, large, sizeof large);
    ck_assert_int_eq(object_pack(&o, &packed), ERR_TOO_LARGE);
    secret_clear(&packed);
    sample_memory_free();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_there_is_room_for_every_row_of_the_table,
        &test_put_keeps_attributes_sorted_and_the_last_value,
        &test_packed_object_comes_back,
        &test_body_that_is_no_object_is_refused,
        &test_no_memory_is_not_taken_for_a_malformed_body,
        &test_object_larger_than_the_limit_is_not_packed,
        NULL,
    };

    return suite_of("object_body", 20, tests);
}
