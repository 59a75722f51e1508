/* C_WaitForSlotEvent: nothing ever happens to the slot, so who waits does so until the module goes (PKCS #11 2.40 section 5.5). */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/runner.h"
#include "tests/unit/token.h"

enum { WAITERS = 8 };

static _Atomic unsigned ended;

static void *wait_for_event(void *arg)
{
    CK_SLOT_ID slot = 77;

    (void)arg;
    ck_rv(f->C_WaitForSlotEvent(0, &slot, NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    ck_assert_uint_eq(slot, 77);
    ended++;
    return NULL;
}

static void begin(pthread_t waiters[WAITERS])
{
    ended = 0;
    for (int i = 0; i < WAITERS; i++)
        ck_assert_int_eq(pthread_create(&waiters[i], NULL, wait_for_event, NULL), 0);
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    ck_assert_uint_eq(ended, 0);
}

static void end(pthread_t waiters[WAITERS])
{
    ck_ok(f->C_Finalize(NULL));
    for (int i = 0; i < WAITERS; i++)
        ck_assert_int_eq(pthread_join(waiters[i], NULL), 0);
    ck_assert_uint_eq(ended, WAITERS);
}

START_TEST(test_who_does_not_block_is_told_that_there_is_no_event)
{
    CK_SLOT_ID slot = 77;

    token_start(NULL);
    ck_rv(f->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_NO_EVENT);
    ck_rv(f->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, &slot), CKR_ARGUMENTS_BAD);
    ck_rv(f->C_WaitForSlotEvent(0, &slot, &slot), CKR_ARGUMENTS_BAD);
    ck_ok(f->C_Finalize(NULL));
    ck_rv(f->C_WaitForSlotEvent(0, &slot, NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    token_stop();
}
END_TEST

START_TEST(test_who_blocks_waits_for_finalize_and_others_go_on)
{
    pthread_t waiters[WAITERS];
    CK_SESSION_HANDLE s;
    CK_SESSION_INFO info;

    token_start(NULL);
    for (int i = 0; i < 3; i++) {
        begin(waiters);
        s = token_session();
        ck_ok(f->C_GetSessionInfo(s, &info));
        ck_ok(f->C_CloseSession(s));
        end(waiters);
        ck_ok(f->C_Initialize(NULL));
    }
    token_stop();
}
END_TEST

START_TEST(test_a_process_forks_while_its_threads_wait)
{
    pthread_t waiters[WAITERS];
    int status;
    pid_t child;

    token_start(NULL);
    begin(waiters);
    child = fork();
    if (child == 0) {
        CK_SLOT_ID slot;
        bool ok = f->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL) == CKR_NO_EVENT && f->C_Finalize(NULL) == CKR_OK &&
                  f->C_WaitForSlotEvent(0, &slot, NULL) == CKR_CRYPTOKI_NOT_INITIALIZED;
        _exit(ok ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(ended, 0);
    end(waiters);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_who_does_not_block_is_told_that_there_is_no_event,
        &test_who_blocks_waits_for_finalize_and_others_go_on,
        &test_a_process_forks_while_its_threads_wait,
        NULL,
    };
    return suite_of("module_wait", 60, tests);
}
