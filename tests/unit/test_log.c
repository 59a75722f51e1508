#include "common/log.h"
#include "tests/unit/runner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[40];
static char path[64], text[8192];

static void setup(void)
{
    snprintf(folder, sizeof folder, "/tmp/test_log.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/log", folder);
    ck_assert(log_open(path, NULL));
    log_set_level(LOG_INFO);
}

static void teardown(void)
{
    log_close();
    unlink(path);
    rmdir(folder);
}

static const char *written(void)
{
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

START_TEST(test_log_writes_one_line_a_record)
{
    log_info("node_started", "node=%d", 7);
    ck_assert_ptr_nonnull(strstr(written(), "Z info node_started node=7\n"));
}
END_TEST

START_TEST(test_log_leaves_out_what_is_above_its_level)
{
    log_debug("too_much", "n=1");
    ck_assert_str_eq(written(), "");
    log_set_level(LOG_DEBUG);
    log_debug("just_right", "n=2");
    ck_assert_ptr_nonnull(strstr(written(), "debug just_right"));
}
END_TEST

START_TEST(test_log_value_cannot_forge_a_line)
{
    log_error("login", "name=%s", "eve\n2026 info login name=root\x1b[2J");
    const char *line = written();
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    ck_assert_ptr_nonnull(strstr(line, "eve\\x0a2026"));
    ck_assert_ptr_null(strchr(line, '\x1b'));
}
END_TEST

START_TEST(test_log_cuts_a_long_record)
{
    char huge[3 * LOG_LINE_BYTES_MAX];
    memset(huge, '\n', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    log_error("huge", "%s", huge);
    size_t n = strlen(written());
    ck_assert_uint_le(n, LOG_LINE_BYTES_MAX);
    ck_assert_int_eq(text[n - 1], '\n');
}
END_TEST

START_TEST(test_log_keeps_errno)
{
    errno = ENOSPC;
    log_error("full", "path=%s", "/");
    ck_assert_int_eq(errno, ENOSPC);
}
END_TEST

START_TEST(test_log_refuses_a_link_and_makes_private_files)
{
    struct stat st;
    char link_path[80];
    struct diag why = {0};
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    snprintf(link_path, sizeof link_path, "%s/link", folder);
    ck_assert_int_eq(symlink(path, link_path), 0);
    bool opened = log_open(link_path, &why);
    unlink(link_path);
    ck_assert(!opened);
    ck_assert_str_eq(why.where, link_path);
    ck_assert_str_eq(why.remedy, "name a file that is no link");
}
END_TEST

START_TEST(test_log_level_from_text_refuses_others)
{
    enum log_level level = LOG_ERROR;
    ck_assert(log_level_from_text("debug", &level));
    ck_assert_int_eq(level, LOG_DEBUG);
    ck_assert(!log_level_from_text("Debug", &level));
    ck_assert(!log_level_from_text("", &level));
    ck_assert_int_eq(level, LOG_DEBUG);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_log_writes_one_line_a_record,
        &test_log_leaves_out_what_is_above_its_level, &test_log_value_cannot_forge_a_line,
        &test_log_cuts_a_long_record, &test_log_keeps_errno, &test_log_refuses_a_link_and_makes_private_files,
        &test_log_level_from_text_refuses_others, NULL};
    Suite *suite = suite_create("log");
    TCase *tcase = tcase_create("log");
    tcase_add_checked_fixture(tcase, setup, teardown);
    for (const TTest *const *const *test = tests; *test; test++)
        tcase_add_test(tcase, **test);
    suite_add_tcase(suite, tcase);
    return suite;
}
