#include "daemon/spawn.h"

#include "tests/unit/runner.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct diag why;

/* Runs a shell script with the descriptors; what it writes to its descriptor 3 is the answer. */
static const char *shell(const char *script, const int *more, size_t n_more, int *status)
{
    static char answer[4096];
    char *const argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char *)(uintptr_t)script, NULL};
    struct spawn s = {.path = "/bin/sh", .argv = argv};
    int fds[8], report[2], got;
    ssize_t n = 0, k;
    pid_t pid;

    ck_assert_int_eq(pipe2(report, O_CLOEXEC), 0);
    fds[0] = report[1];
    for (size_t i = 0; i < n_more; i++)
        fds[i + 1] = more[i];
    s.fds = fds;
    s.n_fds = n_more + 1;
    pid = spawn_start(&s, &why);
    ck_assert_msg(pid > 0, "%s", why.what);
    close(report[1]);
    while ((k = read(report[0], answer + n, sizeof answer - 1 - (size_t)n)) > 0)
        n += k;
    answer[n] = '\0';
    close(report[0]);
    ck_assert_int_eq(waitpid(pid, &got, 0), pid);
    if (status != NULL)
        *status = got;
    return answer;
}

START_TEST(test_spawned_has_its_descriptors_at_their_places_and_no_others)
{
    int stray = open("/dev/null", O_RDONLY), a = open("/etc/passwd", O_RDONLY), b = open("/dev/zero", O_RDONLY);
    const int more[] = {b, -1, a};
    const char *got;

    ck_assert_int_ge(stray, 0);
    got = shell("i=0; while [ $i -lt 64 ]; do [ -e /proc/$$/fd/$i ] && l=\"$l $i\"; i=$((i + 1)); done; echo $l >&3;"
        "for i in 0 1 4 6; do r=$(readlink /proc/$$/fd/$i); echo $r >&3; done", more, 3, NULL);
    ck_assert_str_eq(got, "0 1 2 3 4 6\n/dev/null\n/dev/null\n/dev/zero\n/etc/passwd\n");
    close(stray);
    close(a);
    close(b);
}
END_TEST

START_TEST(test_spawned_places_descriptors_that_already_have_each_others_numbers)
{
    int a = open("/etc/passwd", O_RDONLY), b = open("/dev/zero", O_RDONLY);
    int four, five;

    /* a where b is to go, and the other way round */
    ck_assert_int_eq(dup2(b, 104), 104);
    ck_assert_int_eq(dup2(a, 105), 105);
    four = dup2(104, 4) == 4 ? 4 : -1;
    five = dup2(105, 5) == 5 ? 5 : -1;
    const int more[] = {five, four};
    const char *got = shell("echo \"$(readlink /proc/self/fd/4) $(readlink /proc/self/fd/5)\" >&3", more, 2, NULL);
    ck_assert_str_eq(got, "/etc/passwd /dev/zero\n");
}
END_TEST

START_TEST(test_spawned_has_an_empty_environment_and_no_core_files)
{
    ck_assert_str_eq(shell("tr '\\0' '\\n' </proc/self/environ | grep -v -E '^(PWD|OLDPWD|SHLVL|_)=' >&3; ulimit -c >&3", NULL, 0, NULL),
        "0\n");
}
END_TEST

START_TEST(test_spawned_blocks_and_ignores_no_signal)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    unsigned long long blocked = 1, ignored = 1;
    sigset_t all;

    sigaction(SIGPIPE, &ignore, NULL);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    const char *got = shell("grep -E '^Sig(Blk|Ign)' /proc/self/status >&3", NULL, 0, NULL);
    ck_assert_int_eq(sscanf(got, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
    ck_assert_uint_eq(blocked, 0);
    /* 32 and 33 are the C library's own: as whoever started this test left them, and nobody can change that through it. */
    ck_assert_uint_eq(ignored & ~0x180000000ull, 0);
}
END_TEST

START_TEST(test_spawned_is_in_a_process_group_of_its_own)
{
    char self[16];
    const char *got = shell("read -r pid name state parent group rest </proc/self/stat; echo $group >&3", NULL, 0, NULL);
    snprintf(self, sizeof self, "%d\n", getpgrp());
    ck_assert_str_ne(got, self);
}
END_TEST

START_TEST(test_spawn_says_that_the_program_is_not_there)
{
    char *const argv[] = {(char[]){"x"}, NULL};
    const struct spawn s = {.path = "/nowhere/x", .argv = argv};

    ck_assert_int_eq(spawn_start(&s, &why), -1);
    ck_assert_str_eq(why.where, "/nowhere/x");
    ck_assert_str_ne(why.remedy, "");
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left of it */
}
END_TEST

START_TEST(test_spawned_dies_with_its_parent)
{
    int hold[2];
    char byte;
    pid_t parent;

    ck_assert_int_eq(pipe(hold), 0);
    parent = fork();
    if (parent == 0) {
        char *const argv[] = {(char[]){"sleep"}, (char[]){"1000"}, NULL};
        const struct spawn s = {.path = "/bin/sleep", .argv = argv, .fds = &hold[1], .n_fds = 1};
        close(hold[0]);
        _exit(spawn_start(&s, NULL) > 0 ? 0 : 1);
    }
    close(hold[1]);
    waitpid(parent, NULL, 0);
    ck_assert_int_eq(read(hold[0], &byte, 1), 0); /* its end is closed: it is gone */
}
END_TEST

START_TEST(test_spawn_user_by_number_name_and_nobody)
{
    struct spawn_user u;

    ck_assert(spawn_user_find("front.user", "", &u, &why));
    ck_assert(!u.change);
    ck_assert(!spawn_user_find("front.user", "no-such-user-here", &u, &why));
    ck_assert_ptr_nonnull(strstr(why.what, "front.user"));
    ck_assert_str_ne(why.remedy, "");
    if (geteuid() != 0) {
        ck_assert(!spawn_user_find("front.user", "0", &u, &why));
        return;
    }
    ck_assert(spawn_user_find("front.user", "nobody", &u, &why));
    ck_assert(u.change && u.uid != 0);
    ck_assert(spawn_user_find("front.user", "54321", &u, &why));
    ck_assert(u.change && u.uid == 54321 && u.gid == 54321);
}
END_TEST

START_TEST(test_spawned_as_another_user_has_no_privilege_left)
{
    char *const argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"exec >&3; id -u; id -G; grep CapEff /proc/self/status"}, NULL};
    struct spawn s = {.path = "/bin/sh", .argv = argv, .n_fds = 1};
    char got[256] = {0};
    struct stat root;
    int report[2];
    pid_t pid;

    /* Where nobody but root may search "/", nobody else has a /bin/sh. */
    if (geteuid() != 0 || stat("/", &root) != 0 || (root.st_mode & S_IXOTH) == 0)
        return;
    ck_assert(spawn_user_find("front.user", "54321", &s.user, &why));
    ck_assert_int_eq(pipe2(report, O_CLOEXEC), 0);
    s.fds = &report[1];
    pid = spawn_start(&s, &why);
    ck_assert_msg(pid > 0, "%s", why.what);
    close(report[1]);
    waitpid(pid, NULL, 0);
    ck_assert_int_gt(read(report[0], got, sizeof got - 1), 0);
    ck_assert_str_eq(got, "54321\n54321\nCapEff:\t0000000000000000\n");
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_spawned_has_its_descriptors_at_their_places_and_no_others,
        &test_spawned_places_descriptors_that_already_have_each_others_numbers,
        &test_spawned_has_an_empty_environment_and_no_core_files, &test_spawned_blocks_and_ignores_no_signal,
        &test_spawned_is_in_a_process_group_of_its_own, &test_spawn_says_that_the_program_is_not_there,
        &test_spawned_dies_with_its_parent, &test_spawn_user_by_number_name_and_nobody,
        &test_spawned_as_another_user_has_no_privilege_left, NULL};
    return suite_of("spawn", 20, tests);
}
