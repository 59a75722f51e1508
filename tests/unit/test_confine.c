/* The sandbox from inside: what work needs goes on in every thread, and what it forbids ends the process. */
#include "vault/process/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "common/log.h"
#include "crypto/curve.h"
#include "tests/unit/runner.h"
#include "vault/access/password.h"
#include "vault/process/warm.h"
#include "vault/provider/generate.h"
#include "vault/provider/sign.h"

enum { THREADS = 3, ALL_WELL = 42 };

static OSSL_LIB_CTX *libctx;
static pthread_barrier_t ready, go;

/* One of each dear and cheap thing that requests ask for. */
static bool work(void)
{
    static const uint8_t f4[] = {1, 0, 1}, hash[32] = {7};
    struct sign s = {.libctx = libctx};
    struct key *rsa = NULL, *ec = NULL;
    struct password_hash password;
    struct secret big = {0};
    uint8_t signature[SIGNATURE_BYTES_MAX];
    size_t n = 0;
    bool right = false, ok;

    ok = generate_rsa(libctx, 2048, f4, sizeof f4, &rsa) == ERR_OK && generate_ec(libctx, curve_by_name("P-384"), &ec) == ERR_OK;
    s.key = rsa;
    s.mechanism = mechanism_find(CKM_SHA256_RSA_PKCS);
    ok = ok && sign_data(&s, hash, sizeof hash, signature, &n) == ERR_OK;
    s.key = ec;
    s.mechanism = mechanism_find(CKM_ECDSA);
    ok = ok && sign_data(&s, hash, sizeof hash, signature, &n) == ERR_OK;
    ok = ok && password_hash(libctx, (const uint8_t *)"password", 8, &password) == ERR_OK &&
         password_check(libctx, &password, (const uint8_t *)"password", 8, &right) == ERR_OK && right;
    ok = ok && secret_new(&big, 1 << 20) && warm_up(libctx, NULL);
    secret_clear(&big);
    key_free(rsa);
    key_free(ec);
    log_error("a line", "is=written");
    return ok;
}

static void *run(void *arg)
{
    pthread_barrier_wait(&ready);
    pthread_barrier_wait(&go);
    *(bool *)arg = work();
    return NULL;
}

/* The child's life: threads, the sandbox, then `inside`. Its exit status is the verdict. */
static void live(int (*inside)(void)) __attribute__((noreturn));
static void live(int (*inside)(void))
{
    pthread_t threads[THREADS];
    bool well[THREADS] = {false};
    pthread_attr_t attr;
    struct diag why = {0};
    int fds[2], status;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0 || dup2(fds[0], 100) < 0 || !confine_process(100, 100, THREADS, &why))
        _exit(1);
    libctx = OSSL_LIB_CTX_new();
    if (!warm_up(libctx, &why))
        _exit(2);
    pthread_barrier_init(&ready, NULL, THREADS + 1);
    pthread_barrier_init(&go, NULL, THREADS + 1);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 512 * 1024);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], &attr, run, &well[i]) != 0)
            _exit(3);
    pthread_barrier_wait(&ready);
    if (!confine_threads(&why))
        _exit(4);
    status = inside();
    pthread_barrier_wait(&go);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        if (!well[i])
            status = 5;
    }
    OSSL_LIB_CTX_free(libctx);
    _exit(status);
}

/* Under valgrind (make check-valgrind, which forbids forks to Check) the sandbox would close around valgrind itself. */
static bool can_confine(void)
{
    const char *fork = getenv("CK_FORK");
    return confine_built_in && (fork == NULL || strcmp(fork, "no") != 0);
}

static int status_of(int (*inside)(void))
{
    pid_t child = fork();
    int status = -1;

    if (child == 0)
        live(inside);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

static int nothing(void)
{
    return ALL_WELL;
}

static int open_file(void)
{
    return open("/etc/passwd", O_RDONLY) < 0 && errno == EPERM ? ALL_WELL : 6;
}

static int make_socket(void)
{
    (void)socket(AF_INET, SOCK_STREAM, 0);
    return 6;
}

static int run_program(void)
{
    char *const none[] = {NULL};
    (void)execve("/bin/true", none, none);
    return 6;
}

static int map_code(void)
{
    (void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return 6;
}

static int protect_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)mprotect(page, 4096, PROT_READ | PROT_EXEC);
    return 6;
}

static void *idle(void *arg)
{
    return arg;
}

static int make_thread(void)
{
    pthread_t t;
    (void)pthread_create(&t, NULL, idle, NULL);
    return 6;
}

static int be_dumpable(void)
{
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    return 6;
}

static int take_descriptor(void)
{
    char byte;
    struct iovec piece = {&byte, 1};
    struct msghdr m = {.msg_iov = &piece, .msg_iovlen = 1};
    (void)recvmsg(100, &m, MSG_DONTWAIT);
    return 6;
}

static int kill_another(void)
{
    (void)kill(getpid(), 0);
    return 6;
}

START_TEST(test_keys_passwords_and_certificates_are_made_inside_in_every_thread)
{
    int status;

    if (confine_built_in && !can_confine())
        return;
    status = status_of(nothing);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == ALL_WELL, "status %x", (unsigned)status);
}
END_TEST

START_TEST(test_opening_a_file_is_refused_and_survived)
{
    int status;

    if (!can_confine())
        return;
    status = status_of(open_file);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == ALL_WELL, "status %x", (unsigned)status);
}
END_TEST

static int (*const forbidden[])(void) = {make_socket,  run_program, map_code,        protect_code,
                                         make_thread, be_dumpable, take_descriptor, kill_another};

START_TEST(test_forbidden_call_ends_the_process)
{
    int status;

    if (!can_confine())
        return;
    status = status_of(forbidden[_i]);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "call %d: status %x", _i, (unsigned)status);
}
END_TEST

START_TEST(test_descriptor_that_is_no_socket_is_named)
{
    struct diag why = {0};
    int file = open("/dev/null", O_RDONLY);

    ck_assert(!confine_process(file, file, 1, &why));
    ck_assert_str_ne(why.remedy, "");
    close(file);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("confine");
    TCase *tc = tcase_create("confine");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_keys_passwords_and_certificates_are_made_inside_in_every_thread);
    tcase_add_test(tc, test_opening_a_file_is_refused_and_survived);
    tcase_add_loop_test(tc, test_forbidden_call_ends_the_process, 0, (int)(sizeof forbidden / sizeof forbidden[0]));
    tcase_add_test(tc, test_descriptor_that_is_no_socket_is_named);
    suite_add_tcase(s, tc);
    return s;
}
