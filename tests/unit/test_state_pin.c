#include "module/state/pin.h"

#include <string.h>

#include "tests/unit/runner.h"

static enum err parse(const char *text, const char *default_user, struct pin *out)
{
    return pin_parse(text, strlen(text), default_user, out);
}

static void expect(struct pin *p, const char *name, const char *password)
{
    ck_assert_str_eq(p->name, name);
    ck_assert_uint_eq(p->password.len, strlen(password));
    ck_assert_mem_eq(p->password.bytes, password, strlen(password));
    pin_clear(p);
}

START_TEST(test_pin_splits_at_the_first_colon)
{
    struct pin p = {0};
    ck_assert_int_eq(parse("Web_1:pass:word", NULL, &p), ERR_OK);
    expect(&p, "web_1", "pass:word");
}
END_TEST

START_TEST(test_pin_without_colon_is_the_default_users)
{
    struct pin p = {0};
    ck_assert_int_eq(parse("password", "web", &p), ERR_OK);
    expect(&p, "web", "password");
    ck_assert_int_eq(parse("password", NULL, &p), ERR_PIN_INVALID);
}
END_TEST

START_TEST(test_pin_takes_the_longest_and_no_longer)
{
    struct pin p = {0};
    char text[USER_NAME_BYTES_MAX + 1 + PASSWORD_BYTES_MAX + 1];
    memset(text, 'a', sizeof text);
    text[USER_NAME_BYTES_MAX] = ':';
    ck_assert_int_eq(pin_parse(text, sizeof text - 1, NULL, &p), ERR_OK);
    ck_assert_uint_eq(strlen(p.name), USER_NAME_BYTES_MAX);
    ck_assert_uint_eq(p.password.len, PASSWORD_BYTES_MAX);
    pin_clear(&p);
    ck_assert_int_eq(pin_parse(text, sizeof text, NULL, &p), ERR_PIN_LEN);
    text[USER_NAME_BYTES_MAX] = 'a';
    text[USER_NAME_BYTES_MAX + 1] = ':';
    ck_assert_int_eq(pin_parse(text, USER_NAME_BYTES_MAX + 12, NULL, &p), ERR_PIN_LEN);
}
END_TEST

START_TEST(test_pin_refuses_what_names_no_user_and_leaves_the_result_alone)
{
    static const char *const bad[] = {"", ":password", "web:", "we b:password", "w\xc3\xa9:password", "a-b:password"};
    struct pin p = {0};
    memcpy(p.name, "before", 7);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_int_eq(parse(bad[i], "web", &p), ERR_PIN_INVALID);
        ck_assert_str_eq(p.name, "before");
        ck_assert_ptr_null(p.password.bytes);
    }
    ck_assert_int_eq(pin_parse("w\0b:password", 12, NULL, &p), ERR_PIN_INVALID);
    ck_assert_int_eq(pin_parse(NULL, 0, "web", &p), ERR_ARGUMENTS);
    ck_assert_int_eq(pin_from_parts(NULL, 0, "password", 8, &p), ERR_ARGUMENTS);
}
END_TEST

START_TEST(test_pin_parts_may_have_colons_in_the_password_only)
{
    struct pin p = {0};
    ck_assert_int_eq(pin_from_parts("web", 3, "a:b", 3, &p), ERR_OK);
    expect(&p, "web", "a:b");
    ck_assert_int_eq(pin_from_parts("w:b", 3, "password", 8, &p), ERR_PIN_INVALID);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_pin_splits_at_the_first_colon, &test_pin_without_colon_is_the_default_users,
        &test_pin_takes_the_longest_and_no_longer, &test_pin_refuses_what_names_no_user_and_leaves_the_result_alone,
        &test_pin_parts_may_have_colons_in_the_password_only, NULL};
    return suite_of("state_pin", 5, tests);
}
