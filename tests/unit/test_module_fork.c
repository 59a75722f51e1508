/* The module over a fork: a child goes on as its parent was, or begins anew; neither harms the other. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/runner.h"
#include "tests/unit/token.h"

static CK_MECHANISM ecdsa = {CKM_ECDSA_SHA256, NULL, 0};
static CK_BYTE data[] = "data";
static CK_SESSION_HANDLE s;
static struct token_pair p;

static void setup(void)
{
    token_start_with_users();
    s = token_alice();
    p = token_ec(s, true, "ec");
}

static CK_RV sign_with(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    CK_BYTE signature[128];
    CK_ULONG n = sizeof signature;
    CK_RV rv = f->C_SignInit(session, &ecdsa, key);

    return rv == CKR_OK ? f->C_Sign(session, data, 4, signature, &n) : rv;
}

/* What other threads of the parent were about is lost in a child, and valgrind would call it leaked: a child that ends as
 * another program is not asked. */
static void end_as_another(void)
{
    execl("/bin/true", "true", (char *)NULL);
    _exit(127);
}

/* Check writes down every check that holds, under a lock of its own, which another thread may have had when a child was made: in a child
 * nothing is written (linked with --wrap=_mark_point). */
static bool is_child;

void __real__mark_point(const char *file, int line);
void __wrap__mark_point(const char *file, int line);

void __wrap__mark_point(const char *file, int line)
{
    if (!is_child)
        __real__mark_point(file, line);
}

/* Runs in a child, which ends with the test's verdict; a failed check in there ends it badly. */
static void in_child_that_ends(void (*what)(void), void (*end)(void))
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        is_child = true;
        what();
        end();
        _exit(0);
    }
    ck_assert_int_ge(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with 0x%x", (unsigned)status);
}

static void end_here(void)
{
}

static void in_child(void (*what)(void))
{
    in_child_that_ends(what, end_here);
}

#define must(call, wanted)                 \
    do {                                   \
        if ((call) != (wanted))            \
            _exit(__LINE__ % 200 + 1);     \
    } while (0)

static void use_on(void)
{
    must(sign_with(s, p.private_key), CKR_OK);
    must(sign_with(s, p.private_key), CKR_OK);
    must(f->C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED); /* it is in use by now */
}

START_TEST(test_child_goes_on_with_sessions_and_login)
{
    setup();
    ck_ok(sign_with(s, p.private_key));
    for (int i = 0; i < 3; i++) {
        in_child(use_on);
        ck_ok(sign_with(s, p.private_key)); /* the parent's connection is untouched */
    }
    token_stop();
}
END_TEST

static void begin_anew(void)
{
    CK_SESSION_INFO info;
    CK_SESSION_HANDLE mine;

    must(f->C_Initialize(NULL), CKR_OK);
    must(f->C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
    must(f->C_GetSessionInfo(s, &info), CKR_SESSION_HANDLE_INVALID);
    must(f->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &mine), CKR_OK);
    must(f->C_SignInit(mine, &ecdsa, p.private_key), CKR_USER_NOT_LOGGED_IN);
    must(token_login(mine, CKU_USER, ALICE), CKR_OK);
    must(sign_with(mine, p.private_key), CKR_OK);
    must(f->C_Finalize(NULL), CKR_OK);
    must(f->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    must(token_opened(), 1); /* the parent's client: no file was read again */
}

START_TEST(test_child_begins_anew_with_initialize)
{
    setup();
    ck_ok(sign_with(s, p.private_key));
    in_child(begin_anew);
    ck_ok(sign_with(s, p.private_key));
    token_stop();
}
END_TEST

static void end_and_begin(void)
{
    CK_SESSION_HANDLE mine;

    must(f->C_Finalize(NULL), CKR_OK);
    must(f->C_GetInfo(&(CK_INFO){.flags = 0}), CKR_CRYPTOKI_NOT_INITIALIZED);
    must(f->C_Initialize(NULL), CKR_OK);
    must(token_opened(), 1);
    must(f->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &mine), CKR_OK);
    must(token_login(mine, CKU_USER, ALICE), CKR_OK);
    must(sign_with(mine, p.private_key), CKR_OK);
    _exit(0); /* and never finalizes */
}

START_TEST(test_child_may_finalize_first_and_reads_no_file_again)
{
    setup();
    in_child(end_and_begin);
    ck_ok(sign_with(s, p.private_key));
    token_stop();
}
END_TEST

static void grandchild(void)
{
    must(sign_with(s, p.private_key), CKR_OK);
    in_child(use_on);
    in_child(begin_anew);
    must(sign_with(s, p.private_key), CKR_OK);
}

START_TEST(test_grandchildren_too)
{
    setup();
    in_child(grandchild);
    token_stop();
}
END_TEST

static void not_strict(void)
{
    CK_SESSION_HANDLE mine;

    must(f->C_GetInfo(&(CK_INFO){.flags = 0}), CKR_CRYPTOKI_NOT_INITIALIZED);
    must(f->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &mine), CKR_CRYPTOKI_NOT_INITIALIZED);
    must(f->C_Initialize(NULL), CKR_OK);
    must(f->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &mine), CKR_OK);
}

START_TEST(test_strict_child_must_initialize)
{
    token_start("fork: {mode: strict}");
    in_child(not_strict);
    ck_ok(f->C_GetInfo(&(CK_INFO){.flags = 0}));
    token_stop();
}
END_TEST

/* ---- a fork while other threads are at work. Not under a sanitizer, whose own allocator does not survive that. */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BUSY_FORKS 0
#else
#define BUSY_FORKS 60
#endif

static _Atomic bool stop;

static void *work(void *arg)
{
    CK_SESSION_HANDLE mine = token_session();
    CK_MECHANISM sha = {CKM_SHA256, NULL, 0};
    CK_BYTE out[64];

    (void)arg;
    while (!stop) {
        CK_ULONG n = sizeof out;
        CK_SESSION_HANDLE another = token_session();
        ck_ok(f->C_DigestInit(mine, &sha));
        ck_ok(f->C_Digest(mine, data, 4, out, &n));
        ck_ok(f->C_GenerateRandom(mine, out, 16));
        ck_ok(f->C_CloseSession(another));
    }
    ck_ok(f->C_CloseSession(mine));
    return NULL;
}

static void digest_and_sign(void)
{
    CK_MECHANISM sha = {CKM_SHA256, NULL, 0};
    CK_BYTE out[64];
    CK_ULONG n = sizeof out;
    CK_SESSION_HANDLE mine;

    alarm(patient(60)); /* hanging on an inherited lock */
    must(f->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &mine), CKR_OK);
    must(f->C_DigestInit(mine, &sha), CKR_OK);
    must(f->C_Digest(mine, data, 4, out, &n), CKR_OK);
    must(f->C_GenerateRandom(mine, out, 16), CKR_OK);
    must(f->C_CloseSession(mine), CKR_OK);
    must(sign_with(s, p.private_key), CKR_OK);
}

/* No login: the children's node is the parent's store, which only one of them may write. */
static void initialize_and_digest(void)
{
    CK_MECHANISM sha = {CKM_SHA256, NULL, 0};
    CK_BYTE out[64];
    CK_ULONG n = sizeof out;
    CK_SESSION_HANDLE mine;

    alarm(patient(60));
    must(f->C_Initialize(NULL), CKR_OK);
    must(f->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &mine), CKR_OK);
    must(f->C_DigestInit(mine, &sha), CKR_OK);
    must(f->C_Digest(mine, data, 4, out, &n), CKR_OK);
    must(f->C_Finalize(NULL), CKR_OK);
}

START_TEST(test_children_of_a_busy_process_never_hang)
{
    pthread_t threads[4];

    setup();
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, NULL), 0);
    for (int i = 0; i < BUSY_FORKS; i++)
        in_child_that_ends(i % 2 == 0 ? digest_and_sign : initialize_and_digest, end_as_another);
    stop = true;
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_ok(sign_with(s, p.private_key));
    token_stop();
}
END_TEST

static void *initialize(void *arg)
{
    CK_RV *rv = arg;

    *rv = f->C_Initialize(NULL);
    return NULL;
}

static void many_initialize(void)
{
    pthread_t threads[64];
    CK_RV rv[64];
    unsigned ok = 0;

    for (int i = 0; i < 64; i++)
        must(pthread_create(&threads[i], NULL, initialize, &rv[i]), 0);
    for (int i = 0; i < 64; i++) {
        pthread_join(threads[i], NULL);
        ok += rv[i] == CKR_OK;
        must(rv[i] == CKR_OK || rv[i] == CKR_CRYPTOKI_ALREADY_INITIALIZED, true);
    }
    must(ok, 1);
    must(f->C_GetInfo(&(CK_INFO){.flags = 0}), CKR_OK);
}

START_TEST(test_sixty_four_threads_initialize_a_child_at_once)
{
    setup();
    in_child(many_initialize);
    ck_ok(f->C_Finalize(NULL));
    in_child(many_initialize);
    token_stop();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_child_goes_on_with_sessions_and_login,
        &test_child_begins_anew_with_initialize,
        &test_child_may_finalize_first_and_reads_no_file_again,
        &test_grandchildren_too,
        &test_strict_child_must_initialize,
        &test_children_of_a_busy_process_never_hang,
        &test_sixty_four_threads_initialize_a_child_at_once,
        NULL,
    };
    return suite_of("module_fork", 120, tests);
}
