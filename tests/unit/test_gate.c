/* The gate that keeps a fork out of OpenSSL. */
#include "module/rpc/gate.h"

#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/runner.h"

static pthread_mutex_t theirs = PTHREAD_MUTEX_INITIALIZER; /* stands for one of libcrypto's */
static int started[2];

static void *slow_stretch(void *arg)
{
    struct timespec longer_than_a_time_slice = {0, 400 * 1000 * 1000};

    (void)arg;
    gate_enter();
    pthread_mutex_lock(&theirs);
    ck_assert_int_eq(write(started[1], "", 1), 1);
    nanosleep(&longer_than_a_time_slice, NULL);
    pthread_mutex_unlock(&theirs);
    gate_leave();
    return NULL;
}

static int status_of(pid_t child)
{
    int status;

    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

START_TEST(test_a_fork_waits_for_a_thread_that_is_slow_in_the_gate)
{
    pthread_t thread;
    char byte;
    pid_t child;

    ck_assert(gate_install(NULL));
    ck_assert_int_eq(pipe(started), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, slow_stretch, NULL), 0);
    ck_assert_int_eq(read(started[0], &byte, 1), 1);
    child = fork();
    if (child == 0)
        _exit(pthread_mutex_trylock(&theirs) == 0 ? 0 : 1);
    ck_assert_int_eq(status_of(child), 0);
    pthread_join(thread, NULL);
}
END_TEST

/* A signal handler of the application may fork anywhere. */
START_TEST(test_a_fork_by_the_thread_in_the_gate_does_not_wait_for_itself)
{
    pid_t child;

    ck_assert(gate_install(NULL));
    gate_enter();
    alarm(10);
    child = fork();
    if (child == 0) {
        alarm(10);
        gate_leave();
        gate_enter();
        gate_leave();
        _exit(0);
    }
    gate_leave();
    ck_assert_int_eq(status_of(child), 0);
    child = fork(); /* and the door is as it was */
    if (child == 0)
        _exit(0);
    ck_assert_int_eq(status_of(child), 0);
    alarm(0);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_a_fork_waits_for_a_thread_that_is_slow_in_the_gate,
        &test_a_fork_by_the_thread_in_the_gate_does_not_wait_for_itself,
        NULL,
    };
    return suite_of("gate", 60, tests);
}
