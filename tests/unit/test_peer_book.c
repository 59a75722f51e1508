#include "daemon/peer_book.h"

#include "tests/unit/runner.h"
#include "tests/unit/temp_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uv_loop_t loop;
static char *folder, path[600];
static struct peer_book *book;
static struct diag why;

static void set_up(void)
{
    uv_loop_init(&loop);
    folder = temp_folder_new("book");
    snprintf(path, sizeof path, "%s/peers.db", folder);
    book = peer_book_open(&loop, folder, &why);
    ck_assert_ptr_nonnull(book);
}

static void idle(void *arg)
{
    *(bool *)arg = true;
}

static void close_book(void)
{
    bool is_idle = false;
    peer_book_stop(book, idle, &is_idle);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert(is_idle);
    peer_book_free(book);
    book = NULL;
}

static void tear_down(void)
{
    if (book != NULL)
        close_book();
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    temp_folder_free(folder);
}

static void reopen(void)
{
    close_book();
    book = peer_book_open(&loop, folder, &why);
    ck_assert_msg(book != NULL, "%s", why.what);
}

START_TEST(test_book_keeps_what_was_heard_and_known_over_a_restart)
{
    uint8_t fingerprint[32] = {1, 2, 3};

    peer_book_heard(book, 2, 3, 4, 500);
    peer_book_know(book, 2, fingerprint, "10.0.0.2:1", "10.0.0.2:2");
    peer_book_heard(book, 3, 1, 1, 1);
    reopen();
    ck_assert_uint_eq(peer_book_count(book), 2);
    const struct peer_book_row *r = peer_book_find(book, 2);
    ck_assert_uint_eq(r->boot, 3);
    ck_assert_uint_eq(r->term, 4);
    ck_assert_uint_eq(r->applied, 500);
    ck_assert(r->has_fingerprint && r->fingerprint[2] == 3);
    ck_assert_str_eq(r->peer_address, "10.0.0.2:1");
    ck_assert_str_eq(r->client_address, "10.0.0.2:2");
    ck_assert(!peer_book_find(book, 3)->has_fingerprint);
}
END_TEST

START_TEST(test_book_refuses_less_than_was_acknowledged_in_each_of_the_three)
{
    peer_book_heard(book, 2, 3, 4, 500);
    ck_assert_int_eq(peer_book_check(book, 2, 3, 4, 500, &why), ERR_OK);
    ck_assert_int_eq(peer_book_check(book, 2, 4, 5, 501, &why), ERR_OK);
    ck_assert_int_eq(peer_book_check(book, 2, 2, 4, 500, &why), ERR_OLD_DISK);
    ck_assert_int_eq(peer_book_check(book, 2, 3, 3, 500, &why), ERR_OLD_DISK);
    ck_assert_int_eq(peer_book_check(book, 2, 3, 4, 499, &why), ERR_OLD_DISK);
    ck_assert_str_ne(why.remedy, "");
    ck_assert_int_eq(peer_book_check(book, 9, 0, 0, 0, &why), ERR_OK); /* never heard of */
}
END_TEST

START_TEST(test_book_never_lowers_what_it_has_heard)
{
    peer_book_heard(book, 2, 3, 4, 500);
    peer_book_heard(book, 2, 1, 9, 7);
    ck_assert_uint_eq(peer_book_find(book, 2)->boot, 3);
    ck_assert_uint_eq(peer_book_find(book, 2)->term, 9);
    ck_assert_uint_eq(peer_book_find(book, 2)->applied, 500);
}
END_TEST

START_TEST(test_book_forgets_a_removed_node_for_good)
{
    peer_book_heard(book, 2, 3, 4, 500);
    peer_book_heard(book, 3, 3, 4, 500);
    peer_book_forget(book, 2);
    reopen();
    ck_assert_ptr_null(peer_book_find(book, 2));
    ck_assert_ptr_nonnull(peer_book_find(book, 3));
}
END_TEST

START_TEST(test_book_that_is_damaged_anywhere_is_refused_with_a_remedy)
{
    uint8_t bytes[1024];
    ssize_t n;
    int fd;

    peer_book_know(book, 2, NULL, "10.0.0.2:1", NULL);
    close_book();
    fd = open(path, O_RDWR | O_CLOEXEC);
    n = read(fd, bytes, sizeof bytes);
    ck_assert_int_gt(n, 40);
    for (ssize_t i = 0; i < n; i++) {
        uint8_t bent = bytes[i] ^ 0x10;
        ck_assert_int_eq(pwrite(fd, &bent, 1, i), 1);
        diag_clear(&why);
        ck_assert_ptr_null(peer_book_open(&loop, folder, &why));
        ck_assert_str_ne(why.remedy, "");
        ck_assert_int_eq(pwrite(fd, &bytes[i], 1, i), 1);
    }
    for (ssize_t i = 0; i < n; i++) {
        ck_assert_int_eq(ftruncate(fd, i), 0);
        ck_assert_ptr_null(peer_book_open(&loop, folder, &why));
        ck_assert_int_eq(pwrite(fd, bytes, (size_t)n, 0), n);
    }
    close(fd);
    book = peer_book_open(&loop, folder, &why);
    ck_assert_ptr_nonnull(book);
}
END_TEST

START_TEST(test_book_is_for_its_owner_alone)
{
    struct stat st;

    peer_book_heard(book, 2, 3, 4, 500);
    close_book();
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

START_TEST(test_book_holds_a_bounded_number_of_nodes)
{
    for (uint64_t id = 1; id <= PEER_BOOK_ROWS_MAX + 10; id++)
        peer_book_heard(book, id, 1, 1, 1);
    ck_assert_uint_eq(peer_book_count(book), PEER_BOOK_ROWS_MAX);
    reopen();
    ck_assert_uint_eq(peer_book_count(book), PEER_BOOK_ROWS_MAX);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_book_keeps_what_was_heard_and_known_over_a_restart,
        &test_book_refuses_less_than_was_acknowledged_in_each_of_the_three, &test_book_never_lowers_what_it_has_heard,
        &test_book_forgets_a_removed_node_for_good, &test_book_that_is_damaged_anywhere_is_refused_with_a_remedy,
        &test_book_is_for_its_owner_alone, &test_book_holds_a_bounded_number_of_nodes, NULL};
    Suite *suite = suite_create("peer_book");
    TCase *tc = tcase_create("peer_book");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    for (size_t i = 0; tests[i] != NULL; i++)
        tcase_add_test(tc, *tests[i]);
    suite_add_tcase(suite, tc);
    return suite;
}
