#include "daemon/seal.h"

#include "tests/unit/runner.h"
#include "tests/unit/temp_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder, path[600];
static struct diag why;
static struct secret passphrase;

static void set_up(void)
{
    folder = temp_folder_new("seal");
    snprintf(path, sizeof path, "%s/seal", folder);
    diag_clear(&why);
}

static void tear_down(void)
{
    secret_clear(&passphrase);
    temp_folder_free(folder);
}

static void write_file(size_t n, mode_t mode)
{
    char bytes[64] = {0};
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
}

static void assert_refused(void)
{
    ck_assert_int_eq(seal_file_open(path, true, &why), -1);
    ck_assert_str_ne(why.what, "");
    ck_assert_str_ne(why.remedy, "");
    ck_assert_str_eq(why.where, path);
}

START_TEST(test_seal_is_made_once_random_and_for_its_owner_alone)
{
    uint8_t first[40], again[40], zero[32] = {0};
    struct stat st;
    int fd = seal_file_open(path, true, &why);

    ck_assert_msg(fd >= 0, "%s", why.what);
    ck_assert_int_eq(read(fd, first, sizeof first), 32);
    ck_assert_int_ne(memcmp(first, zero, 32), 0);
    close(fd);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    fd = seal_file_open(path, true, &why);
    ck_assert_int_eq(read(fd, again, sizeof again), 32);
    ck_assert_mem_eq(first, again, 32);
    close(fd);
}
END_TEST

START_TEST(test_seal_that_is_missing_is_not_made_where_there_is_state)
{
    struct stat st;
    ck_assert_int_eq(seal_file_open(path, false, &why), -1);
    ck_assert_str_ne(why.remedy, "");
    ck_assert_int_ne(stat(path, &st), 0);
}
END_TEST

START_TEST(test_seal_that_others_may_use_is_refused)
{
    static const mode_t modes[] = {0640, 0604, 0660, 0602, 0610};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        write_file(32, modes[i]);
        assert_refused();
    }
}
END_TEST

START_TEST(test_seal_of_another_length_is_refused)
{
    static const size_t lengths[] = {0, 31, 33};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        write_file(lengths[i], 0600);
        assert_refused();
    }
}
END_TEST

START_TEST(test_seal_that_is_a_link_or_no_file_is_refused)
{
    char other[600];

    write_file(32, 0600);
    snprintf(other, sizeof other, "%s/other", folder);
    ck_assert_int_eq(rename(path, other), 0);
    ck_assert_int_eq(symlink(other, path), 0);
    assert_refused();
    unlink(path);
    ck_assert_int_eq(symlink("nowhere", path), 0);
    assert_refused();
    unlink(path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    assert_refused();
    rmdir(path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    assert_refused();
}
END_TEST

START_TEST(test_seal_of_another_user_is_refused)
{
    write_file(32, 0600);
    if (chown(path, 12345, 12345) == 0) /* only root can try */
        assert_refused();
}
END_TEST

START_TEST(test_seal_in_a_folder_that_is_not_there_is_refused)
{
    snprintf(path, sizeof path, "%s/nowhere/seal", folder);
    assert_refused();
}
END_TEST

static bool give(const char *text, size_t n, bool is_first)
{
    int fds[2];
    bool ok;

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(write(fds[1], text, n), (ssize_t)n);
    close(fds[1]);
    diag_clear(&why);
    ck_assert_str_eq(why.what, "");
    ok = seal_passphrase_read(fds[0], is_first, &passphrase, &why);
    close(fds[0]);
    return ok;
}

START_TEST(test_passphrase_is_one_line_or_all_there_is)
{
    ck_assert(give("correct horse\nbattery", 21, true));
    ck_assert_uint_eq(passphrase.len, 13);
    ck_assert_mem_eq(passphrase.bytes, "correct horse", 13);
    ck_assert(give("battery staple", 14, true));
    ck_assert_uint_eq(passphrase.len, 14);
}
END_TEST

START_TEST(test_passphrase_that_is_too_short_at_first_empty_or_too_long_is_refused)
{
    char longest[SEAL_PASSPHRASE_BYTES_MAX + 1];

    memset(longest, 'x', sizeof longest);
    ck_assert(!give("seven77", 7, true));
    ck_assert_str_ne(why.remedy, "");
    ck_assert(give("seven77", 7, false)); /* it was chosen before there was a rule */
    ck_assert(!give("", 0, false));
    ck_assert(!give("\n", 1, false));
    ck_assert(give(longest, sizeof longest - 1, true));
    ck_assert(!give(longest, sizeof longest, true));
    ck_assert_uint_eq(passphrase.len, 0);
}
END_TEST

START_TEST(test_passphrase_from_a_closed_descriptor_is_refused)
{
    ck_assert(!seal_passphrase_read(900, false, &passphrase, &why));
    ck_assert_str_ne(why.remedy, "");
}
END_TEST

START_TEST(test_passphrase_pipe_holds_it_and_nothing_else)
{
    char got[64];
    int fd;

    ck_assert(secret_copy(&passphrase, "correct horse", 13));
    fd = seal_passphrase_pipe(&passphrase, &why);
    ck_assert_int_eq(read(fd, got, sizeof got), 13);
    ck_assert_mem_eq(got, "correct horse", 13);
    ck_assert_int_eq(read(fd, got, sizeof got), 0);
    close(fd);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_seal_is_made_once_random_and_for_its_owner_alone,
        &test_seal_that_is_missing_is_not_made_where_there_is_state, &test_seal_that_others_may_use_is_refused,
        &test_seal_of_another_length_is_refused, &test_seal_that_is_a_link_or_no_file_is_refused,
        &test_seal_of_another_user_is_refused, &test_seal_in_a_folder_that_is_not_there_is_refused,
        &test_passphrase_is_one_line_or_all_there_is,
        &test_passphrase_that_is_too_short_at_first_empty_or_too_long_is_refused,
        &test_passphrase_from_a_closed_descriptor_is_refused, &test_passphrase_pipe_holds_it_and_nothing_else, NULL};
    Suite *suite = suite_create("seal");
    TCase *tc = tcase_create("seal");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    for (size_t i = 0; tests[i] != NULL; i++)
        tcase_add_test(tc, *tests[i]);
    suite_add_tcase(suite, tc);
    return suite;
}
