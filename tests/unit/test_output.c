/* One description, two forms. */
#include "tools/output.h"

#include <string.h>

#include "tests/unit/runner.h"

static char shown[4096];

static const char *print(struct output *o, bool json)
{
    FILE *f;

    memset(shown, 0, sizeof shown);
    f = fmemopen(shown, sizeof shown, "w");
    ck_assert(output_print(o, json, f));
    fclose(f);
    return shown;
}

static struct output *sample(void)
{
    struct output *o = output_new();

    output_text(o, "state", "active");
    output_number(o, "leader_id", 7);
    output_bytes(o, "id", "\x01\xff", 2);
    output_text(o, "none", NULL);
    output_table(o, "nodes");
    output_row(o);
    output_number(o, "id", 1);
    output_text(o, "role", "leader");
    output_flag(o, "connected", true);
    output_row(o);
    output_number(o, "id", 10);
    output_text(o, "role", "voter");
    output_flag(o, "connected", false);
    output_table_end(o);
    output_text(o, "after", "x");
    return o;
}

START_TEST(test_text_is_aligned)
{
    struct output *o = sample();

    ck_assert_str_eq(print(o, false), "state      active\n"
                                      "leader id  7\n"
                                      "id         01ff\n"
                                      "none       -\n"
                                      "\n"
                                      "id  role    connected\n"
                                      "1   leader  yes\n"
                                      "10  voter   no\n"
                                      "after      x\n");
    output_free(o);
}
END_TEST

START_TEST(test_json_has_the_same_keys)
{
    struct output *o = sample();

    ck_assert_str_eq(print(o, true), "{\n"
                                     "  \"state\": \"active\",\n"
                                     "  \"leader_id\": 7,\n"
                                     "  \"id\": \"01ff\",\n"
                                     "  \"none\": null,\n"
                                     "  \"nodes\": [\n"
                                     "    {\"id\": 1, \"role\": \"leader\", \"connected\": true},\n"
                                     "    {\"id\": 10, \"role\": \"voter\", \"connected\": false}\n"
                                     "  ],\n"
                                     "  \"after\": \"x\"\n"
                                     "}\n");
    output_free(o);
}
END_TEST

START_TEST(test_empty_table_is_a_list_and_a_sentence)
{
    struct output *o = output_new();

    output_table(o, "users");
    output_table_end(o);
    ck_assert_str_eq(print(o, true), "{\n  \"users\": []\n}\n");
    ck_assert_str_eq(print(o, false), "no users\n");
    output_free(o);
}
END_TEST

START_TEST(test_foreign_text_reaches_neither_terminal_nor_parser_raw)
{
    struct output *o = output_new();

    output_text(o, "label", "a\"b\\c\n\x1b[2J\x80\xc2\x9b\xed\xa0\x80 \xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91");
    ck_assert_str_eq(print(o, true), "{\n  \"label\": \"a\\\"b\\\\c\\u000a\\u001b[2J\\ufffd\\u009b\\ufffd\\ufffd\\ufffd "
                                     "\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91\"\n}\n");
    ck_assert_str_eq(print(o, false), "label  a\"b\\c\\x0a\\x1b[2J\\x80\\xc2\\x9b\\xed\\xa0\\x80 "
                                      "\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91\n");
    output_free(o);
}
END_TEST

START_TEST(test_no_memory_shows_when_printing)
{
    output_text(NULL, "a", "b");
    ck_assert(!output_print(NULL, true, stdout));
    output_free(NULL);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_text_is_aligned, &test_json_has_the_same_keys,
        &test_empty_table_is_a_list_and_a_sentence, &test_foreign_text_reaches_neither_terminal_nor_parser_raw,
        &test_no_memory_shows_when_printing, NULL};
    return suite_of("output", 5, tests);
}
