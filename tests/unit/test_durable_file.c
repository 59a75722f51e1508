#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/durable_file.h"
#include "tests/unit/runner.h"
#include "tests/unit/temp_folder.h"

static char *folder;

static void setup(void)
{
    folder = temp_folder_new("durable");
}

static void teardown(void)
{
    temp_folder_free(folder);
}

static void must_hold(const char *text)
{
    char path[512], bytes[64] = "";
    FILE *f;

    snprintf(path, sizeof path, "%s/file", folder);
    f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fread(bytes, 1, sizeof bytes - 1, f), strlen(text));
    fclose(f);
    ck_assert_str_eq(bytes, text);
}

START_TEST(test_durable_file_is_replaced_whole)
{
    struct stat st;
    char path[512];

    ck_assert(durable_file_replace(folder, "file", "a longer text", 13));
    must_hold("a longer text");
    ck_assert(durable_file_replace(folder, "file", "short", 5));
    must_hold("short");
    snprintf(path, sizeof path, "%s/file", folder);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s/file.new", folder);
    ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(test_durable_file_that_cannot_be_written_leaves_the_old_one)
{
    char path[512];

    ck_assert(durable_file_replace(folder, "file", "old", 3));
    snprintf(path, sizeof path, "%s/file.new", folder);
    ck_assert_int_eq(symlink("/dev/null", path), 0);
    ck_assert(!durable_file_replace(folder, "file", "new", 3));
    ck_assert_int_eq(errno, ELOOP);
    must_hold("old");
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(test_durable_file_says_why_it_failed)
{
    char name[2000];

    ck_assert(!durable_file_replace("/nowhere/at/all", "file", "x", 1));
    ck_assert_int_eq(errno, ENOENT);
    ck_assert(!durable_folder("/nowhere/at/all"));
    ck_assert_int_eq(errno, ENOENT);
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ck_assert(!durable_file_replace(folder, name, "x", 1));
    ck_assert_int_eq(errno, ENAMETOOLONG);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("durable_file");
    TCase *c = tcase_create("durable_file");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_durable_file_is_replaced_whole);
    tcase_add_test(c, test_durable_file_that_cannot_be_written_leaves_the_old_one);
    tcase_add_test(c, test_durable_file_says_why_it_failed);
    suite_add_tcase(s, c);
    return s;
}
