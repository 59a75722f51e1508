/* hsmctl's command line, against a table of the test's own. */
#include "tools/args.h"

#include <string.h>

#include "tests/unit/runner.h"

static enum status nothing(const struct invocation *call)
{
    (void)call;
    return STATUS_DONE;
}

static const struct command table[] = {
    {"lamp", "light", "", OPTION_BIT(label) | OPTION_BIT(private_only), "make light", nothing},
    {"lamp", "paint", "COLOUR [SECOND]", 0, "colour it", nothing},
    {"room", "enter", "WHO...", OPTION_BIT(conf), "go in", nothing},
};

enum { ROWS = sizeof table / sizeof table[0] };

static struct invocation call;
static const char *noun;
static struct diag why;

#define PARSE(...) parse((const char *const[]){"hsmctl", ##__VA_ARGS__, NULL})

static enum args_verdict parse(const char *const *argv)
{
    int n = 0;

    while (argv[n] != NULL)
        n++;
    memset(&why, 0, sizeof why);
    return args_parse(table, ROWS, n, (char **)(uintptr_t)argv, &call, &noun, &why);
}

START_TEST(test_command_with_its_options_is_found)
{
    ck_assert_int_eq(PARSE("lamp", "light", "--label", "a b", "--private-only"), ARGS_RUN);
    ck_assert_ptr_eq(call.command, &table[0]);
    ck_assert_str_eq(call.options[OPTION_label], "a b");
    ck_assert_str_eq(call.options[OPTION_private_only], "");
    ck_assert_ptr_null(call.options[OPTION_json]);
    ck_assert_int_eq(PARSE("lamp", "light", "--label=--x", "--json"), ARGS_RUN);
    ck_assert_str_eq(call.options[OPTION_label], "--x");
    ck_assert_ptr_nonnull(call.options[OPTION_json]);
}
END_TEST

START_TEST(test_arguments_are_counted_by_the_row)
{
    ck_assert_int_eq(PARSE("lamp", "light", "red"), ARGS_WRONG);
    ck_assert_int_eq(PARSE("lamp", "paint"), ARGS_WRONG);
    ck_assert_int_eq(PARSE("lamp", "paint", "red"), ARGS_RUN);
    ck_assert_int_eq(PARSE("lamp", "paint", "red", "blue"), ARGS_RUN);
    ck_assert_uint_eq(call.n_arguments, 2);
    ck_assert_int_eq(PARSE("lamp", "paint", "red", "blue", "green"), ARGS_WRONG);
    ck_assert_int_eq(PARSE("room", "enter"), ARGS_WRONG);
    ck_assert_int_eq(PARSE("room", "enter", "a", "b", "c"), ARGS_RUN);
    ck_assert_int_eq(PARSE("room", "enter", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17"),
                     ARGS_WRONG);
}
END_TEST

START_TEST(test_two_dashes_end_the_options)
{
    ck_assert_int_eq(PARSE("lamp", "paint", "--", "--json"), ARGS_RUN);
    ck_assert_str_eq(call.arguments[0], "--json");
    ck_assert_int_eq(PARSE("lamp", "paint", "-"), ARGS_RUN);
}
END_TEST

START_TEST(test_wrong_words_are_named_with_what_to_try)
{
    ck_assert_int_eq(PARSE("house"), ARGS_WRONG);
    ck_assert_ptr_nonnull(strstr(why.what, "house"));
    ck_assert_int_eq(PARSE("--json", "lamp", "light"), ARGS_WRONG);
    ck_assert_ptr_nonnull(strstr(why.what, "--json"));
    ck_assert_ptr_nonnull(strstr(why.remedy, "behind"));
    ck_assert_int_eq(PARSE("lamp", "break"), ARGS_WRONG);
    ck_assert_ptr_nonnull(strstr(why.what, "break"));
    ck_assert_ptr_nonnull(strstr(why.remedy, "lamp --help"));
    ck_assert_int_eq(PARSE("lamp", "light", "--conf", "x"), ARGS_WRONG); /* a word, but not this command's */
    ck_assert_int_eq(PARSE("lamp", "light", "--labe", "x"), ARGS_WRONG);
    ck_assert_int_eq(PARSE("lamp", "light", "-l"), ARGS_WRONG);
    ck_assert_int_eq(PARSE("lamp", "light", "--label"), ARGS_WRONG);
    ck_assert_int_eq(PARSE("lamp", "light", "--label="), ARGS_WRONG);
    ck_assert_int_eq(PARSE("lamp", "light", "--json=yes"), ARGS_WRONG);
    ck_assert_int_eq(PARSE("lamp", "light", "--json", "--json"), ARGS_WRONG);
    ck_assert_str_ne(why.remedy, "");
}
END_TEST

START_TEST(test_who_asks_for_json_has_wrong_words_as_json)
{
    ck_assert_int_eq(PARSE("lamp", "light", "--nonsense", "--json"), ARGS_WRONG);
    ck_assert_ptr_nonnull(call.options[OPTION_json]);
    ck_assert_int_eq(PARSE("lamp", "paint", "--json"), ARGS_WRONG);
    ck_assert_ptr_nonnull(call.options[OPTION_json]);
    ck_assert_int_eq(PARSE("--json", "lamp"), ARGS_WRONG);
    ck_assert_ptr_nonnull(call.options[OPTION_json]);
    ck_assert_int_eq(PARSE("house", "--json"), ARGS_WRONG);
    ck_assert_ptr_nonnull(call.options[OPTION_json]);
    ck_assert_int_eq(PARSE("lamp", "light", "--nonsense", "--", "--json"), ARGS_WRONG);
    ck_assert_ptr_null(call.options[OPTION_json]);
}
END_TEST

START_TEST(test_help_is_there_on_every_level)
{
    ck_assert_int_eq(PARSE("--help"), ARGS_HELP);
    ck_assert_ptr_null(noun);
    ck_assert_int_eq(parse((const char *const[]){"hsmctl", NULL}), ARGS_HELP);
    ck_assert_int_eq(PARSE("room", "--help"), ARGS_HELP);
    ck_assert_str_eq(noun, "room");
    ck_assert_ptr_null(call.command);
    ck_assert_int_eq(PARSE("room"), ARGS_HELP);
    ck_assert_int_eq(PARSE("room", "enter", "--help"), ARGS_HELP); /* although an argument is missing */
    ck_assert_ptr_eq(call.command, &table[2]);
    ck_assert_int_eq(PARSE("help", "lamp", "paint"), ARGS_HELP);
    ck_assert_ptr_eq(call.command, &table[1]);
    ck_assert_int_eq(PARSE("--version"), ARGS_VERSION);
}
END_TEST

START_TEST(test_help_says_all_that_the_row_does)
{
    char text[8192] = "";
    FILE *f = fmemopen(text, sizeof text, "w");

    args_help(f, table, ROWS, NULL, &table[0]);
    args_help(f, table, ROWS, "room", NULL);
    fclose(f);
    ck_assert_ptr_nonnull(strstr(text, "make light"));
    ck_assert_ptr_nonnull(strstr(text, "--label TEXT"));
    ck_assert_ptr_nonnull(strstr(text, "--json"));
    ck_assert_ptr_null(strstr(text, "--conf"));
    ck_assert_ptr_nonnull(strstr(text, "hsmctl room enter WHO..."));
    ck_assert_ptr_null(strstr(text, "colour it"));
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_command_with_its_options_is_found, &test_arguments_are_counted_by_the_row,
        &test_two_dashes_end_the_options, &test_wrong_words_are_named_with_what_to_try,
        &test_who_asks_for_json_has_wrong_words_as_json, &test_help_is_there_on_every_level,
        &test_help_says_all_that_the_row_does, NULL};
    return suite_of("args", 5, tests);
}
