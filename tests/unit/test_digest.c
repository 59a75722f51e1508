/* Digests in parts, and copies of them. */
#include "crypto/digest.h"

#include <string.h>

#include "common/hex.h"
#include "tests/unit/runner.h"

static const char abc_sha256[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; /* FIPS 180-4 */

static void assert_final_is(struct digest *d, const char *hex)
{
    uint8_t out[DIGEST_BYTES_MAX];
    char text[2 * DIGEST_BYTES_MAX + 1];

    ck_assert_int_eq(digest_final(d, out), ERR_OK);
    hex_encode(out, digest_bytes(d), text);
    ck_assert_str_eq(text, hex);
}

START_TEST(test_parts_give_the_digest_of_the_whole_and_a_fresh_start)
{
    struct digest *d = NULL;

    ck_assert_int_eq(digest_new(NULL, "SHA256", &d), ERR_OK);
    ck_assert_int_eq(digest_update(d, "a", 1), ERR_OK);
    ck_assert_int_eq(digest_update(d, NULL, 0), ERR_OK);
    ck_assert_int_eq(digest_update(d, "bc", 2), ERR_OK);
    assert_final_is(d, abc_sha256);
    ck_assert_int_eq(digest_update(d, "abc", 3), ERR_OK);
    assert_final_is(d, abc_sha256);
    digest_free(d);
}
END_TEST

START_TEST(test_clone_goes_on_by_itself)
{
    struct digest *d = NULL, *copy = NULL;

    ck_assert_int_eq(digest_new(NULL, "SHA256", &d), ERR_OK);
    ck_assert_int_eq(digest_update(d, "ab", 2), ERR_OK);
    ck_assert_int_eq(digest_clone(d, &copy), ERR_OK);
    ck_assert_int_eq(digest_update(d, "x", 1), ERR_OK);
    digest_free(d);
    ck_assert_int_eq(digest_update(copy, "c", 1), ERR_OK);
    assert_final_is(copy, abc_sha256);
    digest_free(copy);
}
END_TEST

START_TEST(test_unknown_digest_is_refused)
{
    struct digest *d = NULL;

    ck_assert_int_eq(digest_new(NULL, "SHA257", &d), ERR_MECHANISM);
    ck_assert_ptr_null(d);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_parts_give_the_digest_of_the_whole_and_a_fresh_start,
        &test_clone_goes_on_by_itself, &test_unknown_digest_is_refused, NULL};
    return suite_of("digest", 10, tests);
}
