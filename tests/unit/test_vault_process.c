/* hsm-vault as a process: what it has given up, what it has open, and a node's first steps through its pairs. */
#include "tests/unit/vault_process.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "certs/issue.h"
#include "common/clock.h"
#include "crypto/channel.h"
#include "proto/error.h"
#include "proto/frame.pb-c.h"
#include "proto/request.h"
#include "proto/request.pb-c.h"
#include "tests/unit/runner.h"
#include "vault/process/confine.h"

static const char *const plain[] = {"--allow-swap", NULL};
static struct vault_process p;
static Hsm__VaultAnswer *a;

static void forget(void)
{
    if (a != NULL)
        hsm__vault_answer__free_unpacked(a, NULL);
    a = NULL;
}

static void start(int threads, int seal_fd)
{
    vault_process_start(&p, threads, seal_fd, plain);
    if (seal_fd >= 0)
        close(seal_fd);
}

static void end_well(void)
{
    int status;

    forget();
    status = vault_process_end(&p);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}

/* ---- the node's first steps */

static const Hsm__NodeAnswer *node(Hsm__NodeCall *call)
{
    forget();
    a = vault_process_node(p.requests[0], call);
    ck_assert_ptr_nonnull(a);
    ck_assert_int_eq((int)a->of_case, HSM__VAULT_ANSWER__OF_NODE);
    return a->node;
}

static const Hsm__NodeAnswer *ok(Hsm__NodeCall *call)
{
    const Hsm__NodeAnswer *answer = node(call);

    ck_assert_msg(answer->error == ERR_OK, "%s: %s", err_name(err_from_wire(answer->error)), answer->detail);
    return answer;
}

static const Hsm__NodeAnswer *call_start(void)
{
    Hsm__NodeCall call = HSM__NODE_CALL__INIT;
    Hsm__NodeStart s = HSM__NODE_START__INIT;

    call.of_case = HSM__NODE_CALL__OF_START;
    call.start = &s;
    return node(&call);
}

static ProtobufCBinaryData der_of(X509 *cert)
{
    struct buffer b = {0};
    ProtobufCBinaryData der;

    ck_assert_int_eq(cert_write(cert, &b), ERR_OK);
    der.data = buffer_take(&b, &der.len);
    X509_free(cert);
    return der;
}

static X509 *issue(enum cert_role role, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key)
{
    struct cert_order o = {.role = role, .name = "test", .subject_key = key, .issuer = issuer, .issuer_key = issuer_key,
                           .now_s = (int64_t)clock_real_s(), .days = 10};
    X509 *cert = NULL;

    ck_assert_int_eq(cert_issue(&o, &cert, NULL), ERR_OK);
    return cert;
}

/* Hardware key, both certificates, a cluster: the vault holds every kind of key. */
static void live(void)
{
    EVP_PKEY *keys[] = {EVP_EC_gen("P-256"), EVP_EC_gen("P-256")};
    X509 *roots[] = {issue(CERT_ROOT, keys[0], NULL, keys[0]), issue(CERT_ROOT, keys[1], NULL, keys[1])};
    Hsm__NodeCall call = HSM__NODE_CALL__INIT;
    Hsm__NodeMakeHardware make = HSM__NODE_MAKE_HARDWARE__INIT;
    Hsm__NodeCertify certify = HSM__NODE_CERTIFY__INIT;
    Hsm__ClusterCreate create = HSM__CLUSTER_CREATE__INIT;
    ProtobufCBinaryData ders[4];
    X509_REQ *csr = NULL;

    ck_assert_int_eq((int)call_start()->error, ERR_OK);
    make.name = (char[]){"test"};
    call.of_case = HSM__NODE_CALL__OF_MAKE_HARDWARE;
    call.make_hardware = &make;
    ok(&call);
    ck_assert_int_eq(csr_read(NULL, a->node->csr.data, a->node->csr.len, &csr, NULL), ERR_OK);
    for (int i = 0; i < 2; i++) {
        ders[2 * i] = der_of(issue(CERT_HARDWARE, X509_REQ_get0_pubkey(csr), roots[i], keys[i]));
        ders[2 * i + 1] = der_of(roots[i]);
        EVP_PKEY_free(keys[i]);
    }
    X509_REQ_free(csr);
    certify.manufacturer_certificate = ders[0];
    certify.manufacturer_root = ders[1];
    certify.operator_certificate = ders[2];
    certify.operator_root = ders[3];
    call.of_case = HSM__NODE_CALL__OF_CERTIFY;
    call.certify = &certify;
    ok(&call);
    create.node_id = 1;
    call.of_case = HSM__NODE_CALL__OF_CREATE;
    call.create = &create;
    ok(&call);
    for (int i = 0; i < 4; i++)
        free(ders[i].data);
}

/* ---- what it has given up */

START_TEST(test_process_is_confined_in_all_its_threads)
{
    char path[64];
    struct dirent *entry;
    DIR *tasks;
    pid_t task;
    int n = 0;

    start(2, vault_process_seal('a'));
    ck_assert_int_eq((int)call_start()->error, ERR_OK);
    ck_assert(!confine_built_in || vault_process_status(p.pid, "Threads") == 1 + 3 + 2 + 2); /* a sanitizer has threads of its own */
    snprintf(path, sizeof path, "/proc/%d/task", (int)p.pid);
    tasks = opendir(path);
    while (confine_built_in && (entry = readdir(tasks)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        task = (pid_t)strtol(entry->d_name, NULL, 10);
        ck_assert_int_eq(vault_process_status(task, "Seccomp"), 2);
        ck_assert_int_eq(vault_process_status(task, "NoNewPrivs"), 1);
        n++;
    }
    closedir(tasks);
    ck_assert(!confine_built_in || n == 8);
    end_well();
}
END_TEST

START_TEST(test_only_the_expected_descriptors_are_open)
{
    char path[64], target[256];
    struct dirent *entry;
    int files = 0, sockets = 0, bells = 0;
    ssize_t n;
    DIR *fds;

    start(2, vault_process_seal('a'));
    ck_assert_int_eq((int)call_start()->error, ERR_OK);
    snprintf(path, sizeof path, "/proc/%d/fd", (int)p.pid);
    fds = opendir(path);
    ck_assert_ptr_nonnull(fds);
    while ((entry = readdir(fds)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        n = readlinkat(dirfd(fds), entry->d_name, target, sizeof target - 1);
        ck_assert_int_gt(n, 0);
        target[n] = '\0';
        if (strncmp(target, "socket:", 7) == 0)
            sockets++;
        else if (strcmp(target, "anon_inode:[eventfd]") == 0)
            bells++;
        else if (strcmp(target, "/dev/null") == 0 || strstr(target, "/log") != NULL)
            files++;
        else
            ck_abort_msg("descriptor %s is %s", entry->d_name, target);
    }
    closedir(fds);
    ck_assert_int_eq(sockets, 5); /* check, two requests, two signers */
    ck_assert_int_eq(bells, 4);   /* the end, and jobs of three stations */
    ck_assert_int_eq(files, 3);
    end_well();
}
END_TEST

START_TEST(test_memory_is_locked_where_it_may_be)
{
    static const char *const strict[] = {NULL};
    int seal = vault_process_seal('a');

    if (geteuid() != 0 || !confine_built_in) { /* only root may surely lock */
        close(seal);
        return;
    }
    vault_process_start(&p, 1, seal, strict);
    close(seal);
    ck_assert_int_eq((int)call_start()->error, ERR_OK);
    ck_assert_int_gt(vault_process_status(p.pid, "VmLck"), 0);
    end_well();
}
END_TEST

/* ---- seals */

START_TEST(test_vault_without_a_seal_is_locked)
{
    start(1, -1);
    ck_assert_int_eq((int)call_start()->error, ERR_VAULT_LOCKED);
    ck_assert(a->node->facts->locked);
    end_well();
}
END_TEST

START_TEST(test_passphrase_comes_by_a_pipe)
{
    static const char *const passphrase[] = {"--allow-swap", "--seal", "passphrase", NULL};
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(write(fds[1], "correct horse\n", 14), 14);
    close(fds[1]);
    vault_process_start(&p, 1, fds[0], passphrase);
    close(fds[0]);
    ck_assert_int_eq((int)call_start()->error, ERR_OK);
    ck_assert_str_eq(a->node->facts->state, "unprovisioned");
    end_well();
}
END_TEST

/* Ends by itself, and its log says this. */
static void assert_not_started(const char *says)
{
    siginfo_t ended;
    char *log;
    int status;

    ck_assert_ptr_null(vault_process_receive(p.check));
    ck_assert_int_eq(waitid(P_PID, (id_t)p.pid, &ended, WEXITED | WNOWAIT), 0);
    log = vault_process_log(&p);
    ck_assert_msg(strstr(log, says) != NULL, "the log does not say \"%s\": %s", says, log);
    free(log);
    status = vault_process_end(&p);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

START_TEST(test_seal_of_the_wrong_length_is_refused)
{
    int seal = vault_process_seal('a');

    ck_assert_int_eq(ftruncate(seal, 31), 0);
    start(1, seal);
    assert_not_started("32 bytes");
}
END_TEST

START_TEST(test_seal_that_others_can_read_is_refused)
{
    int seal = vault_process_seal('a');

    ck_assert_int_eq(fchmod(seal, 0640), 0);
    start(1, seal);
    assert_not_started("chmod 600");
}
END_TEST

/* ---- work */

START_TEST(test_node_lives_its_first_steps_inside_the_sandbox)
{
    start(1, vault_process_seal('a'));
    live();
    ck_assert_str_eq(a->node->facts->state, "uninitialized");
    ck_assert_uint_gt(a->node->state.len, 0);
    ck_assert_uint_gt(a->node->facts->cluster_csr.len, 0);
    end_well();
}
END_TEST

static size_t handshake(const char *side, uint8_t *to)
{
    size_t n = 64 + (size_t)snprintf((char *)to + 64, 64, "TLS 1.3, %s CertificateVerify", side) + 1;

    memset(to, ' ', 64);
    memset(to + n, 0x5a, 32);
    return n + 32;
}

static void assert_signature(int signer, uint32_t key, const char *side, enum err want)
{
    uint8_t content[256];
    size_t n = handshake(side, content);
    Hsm__SignAnswer *answer = vault_process_sign(p.signers[signer], key, content, n);

    ck_assert_msg((enum err)answer->error == want, "key %u as %s: %s", key, side, err_name(err_from_wire(answer->error)));
    ck_assert((answer->signature.len > 0) == (want == ERR_OK));
    hsm__sign_answer__free_unpacked(answer, NULL);
}

START_TEST(test_signers_sign_handshakes_by_the_table_and_nothing_else)
{
    Hsm__SignAnswer *answer;

    start(2, vault_process_seal('a'));
    assert_signature(0, 1, "server", ERR_VAULT_LOCKED);
    live();
    for (int i = 0; i < 2; i++) {
        assert_signature(i, 1, "server", ERR_OK);
        assert_signature(i, 1, "client", ERR_PERMISSION);
        assert_signature(i, 2, "server", ERR_OK);
        assert_signature(i, 2, "client", ERR_OK);
        assert_signature(i, 0, "server", ERR_ARGUMENTS);
        assert_signature(i, 3, "server", ERR_ARGUMENTS);
    }
    answer = vault_process_sign(p.signers[0], 1, (const uint8_t *)"clusterhsm login key\0statement", 30);
    ck_assert_int_eq((int)answer->error, ERR_PERMISSION);
    hsm__sign_answer__free_unpacked(answer, NULL);
    end_well();
}
END_TEST

/* The login key's public half, as the vault keeps it, is not shown before the cluster is initialized: the channel is opened to a key that
 * is surely another, and the vault says so. */
START_TEST(test_channel_to_another_key_is_refused_and_the_vault_goes_on)
{
    static const uint8_t other[CHANNEL_KEY_BYTES] = {9};
    struct channel_setup setup = {.server_public = other, .prologue = CHANNEL_PROLOGUE, .prologue_bytes = sizeof CHANNEL_PROLOGUE - 1};
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__ChannelOpen open = HSM__CHANNEL_OPEN__INIT;
    struct buffer message = {0};
    struct channel *c = NULL;

    start(1, vault_process_seal('a'));
    live();
    ck_assert_int_eq(channel_new(&setup, &c), ERR_OK);
    ck_assert_int_eq(channel_write_open(c, NULL, 0, &message), ERR_OK);
    open.connection = 1;
    open.message = (ProtobufCBinaryData){.data = message.data, .len = message.len};
    call.of_case = HSM__VAULT_CALL__OF_CHANNEL_OPEN;
    call.channel_open = &open;
    forget();
    a = vault_process_call(p.requests[0], &call);
    ck_assert_int_eq((int)a->of_case, HSM__VAULT_ANSWER__OF_REFUSED);
    ck_assert_int_eq((int)a->refused->error, ERR_FORGED);
    channel_free(c);
    buffer_clear(&message);
    assert_signature(0, 1, "server", ERR_OK);
    end_well();
}
END_TEST

START_TEST(test_many_calls_in_one_write_are_answered_each)
{
    enum { CALLS = 200 };
    uint8_t bytes[CALLS * 16];
    size_t n = 0;

    start(1, vault_process_seal('a'));
    for (uint64_t i = 1; i <= CALLS; i++) {
        Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
        Hsm__ChannelClose close_it = HSM__CHANNEL_CLOSE__INIT;
        size_t len;
        call.call = i;
        call.of_case = HSM__VAULT_CALL__OF_CHANNEL_CLOSE;
        call.channel_close = &close_it;
        len = hsm__vault_call__pack(&call, bytes + n + 4);
        memcpy(bytes + n, (uint8_t[]){0, 0, 0, (uint8_t)len}, 4);
        n += 4 + len;
    }
    /* In two pieces, so that a message is cut. */
    ck_assert_int_eq(send(p.requests[0], bytes, 777, 0), 777);
    usleep(20000);
    ck_assert_int_eq(send(p.requests[0], bytes + 777, n - 777, 0), (ssize_t)(n - 777));
    for (uint64_t i = 1; i <= CALLS; i++) {
        forget();
        a = vault_process_receive(p.requests[0]);
        ck_assert_uint_eq(a->call, i);
        ck_assert_int_eq((int)a->of_case, HSM__VAULT_ANSWER__OF_DROPPED);
    }
    end_well();
}
END_TEST

/* ---- the end */

START_TEST(test_process_ends_when_any_of_its_pairs_does)
{
    int *const pairs[] = {&p.check, &p.requests[0], &p.signers[0], &p.signers[1]};

    start(2, vault_process_seal('a'));
    ck_assert_int_eq((int)call_start()->error, ERR_OK);
    ck_assert_int_eq(shutdown(*pairs[_i], SHUT_RDWR), 0);
    ck_assert_ptr_null(vault_process_receive(p.requests[1]));
    end_well();
}
END_TEST

static void assert_broken(int fd, const void *bytes, size_t n)
{
    int status;

    ck_assert_int_eq(send(fd, bytes, n, 0), (ssize_t)n);
    ck_assert_ptr_null(vault_process_receive(p.check));
    forget();
    status = vault_process_end(&p);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 1, "status %x", (unsigned)status);
}

START_TEST(test_message_that_claims_to_be_endless_ends_the_process)
{
    start(1, vault_process_seal('a'));
    assert_broken(p.requests[0], "\xff\xff\xff\xff", 4);
}
END_TEST

START_TEST(test_message_that_is_none_ends_the_process)
{
    start(1, vault_process_seal('a'));
    assert_broken(p.signers[0], "\0\0\0\3\xff\xff\xff", 7);
}
END_TEST

/* ---- memory */

/* Where these 16 bytes, kept XORed here, stand in the memory of a process. */
static size_t count_in_memory(pid_t pid, const uint8_t hidden[16], uint8_t mask)
{
    char path[64], line[512];
    uint8_t pattern[16], *bytes;
    size_t found = 0;
    FILE *maps, *mem;

    for (int i = 0; i < 16; i++)
        pattern[i] = hidden[i] ^ mask;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    maps = fopen(path, "r");
    snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    mem = fopen(path, "r");
    while (maps != NULL && mem != NULL && fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        char rights[8];
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || rights[0] != 'r' || to - from > (64UL << 20))
            continue;
        bytes = malloc(to - from);
        if (fseek(mem, (long)from, SEEK_SET) == 0 && fread(bytes, 1, to - from, mem) == to - from)
            for (uint8_t *at = bytes; (at = memmem(at, to - from - (size_t)(at - bytes), pattern, 16)) != NULL; at++)
                found++;
        free(bytes);
    }
    if (maps != NULL)
        fclose(maps);
    if (mem != NULL)
        fclose(mem);
    return found;
}

START_TEST(test_passphrase_is_in_memory_while_it_is_kept_and_the_scan_finds_it)
{
    static const char *const passphrase[] = {"--allow-swap", "--seal", "passphrase", NULL};
    uint8_t hidden[16];
    char text[17] = "sixteen letters!";
    int fds[2];

    if (geteuid() != 0) /* only root may look */
        return;
    for (int i = 0; i < 16; i++)
        hidden[i] = (uint8_t)text[i] ^ 0x5c;
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(write(fds[1], text, 16), 16);
    close(fds[1]);
    vault_process_start(&p, 1, fds[0], passphrase);
    close(fds[0]);
    ck_assert_int_eq((int)call_start()->error, ERR_OK);
    ck_assert_uint_eq(count_in_memory(p.pid, hidden, 0x5c), 1); /* in its secret, and nowhere else */
    end_well();
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_process_is_confined_in_all_its_threads,
        &test_only_the_expected_descriptors_are_open,
        &test_memory_is_locked_where_it_may_be,
        &test_vault_without_a_seal_is_locked,
        &test_passphrase_comes_by_a_pipe,
        &test_seal_of_the_wrong_length_is_refused,
        &test_seal_that_others_can_read_is_refused,
        &test_node_lives_its_first_steps_inside_the_sandbox,
        &test_signers_sign_handshakes_by_the_table_and_nothing_else,
        &test_channel_to_another_key_is_refused_and_the_vault_goes_on,
        &test_many_calls_in_one_write_are_answered_each,
        &test_message_that_claims_to_be_endless_ends_the_process,
        &test_message_that_is_none_ends_the_process,
        &test_passphrase_is_in_memory_while_it_is_kept_and_the_scan_finds_it,
        NULL,
    };
    Suite *s = suite_create("vault_process");
    TCase *tc = tcase_create("vault_process");

    tcase_set_timeout(tc, 120);
    for (size_t i = 0; tests[i] != NULL; i++)
        tcase_add_test(tc, *tests[i]);
    tcase_add_loop_test(tc, test_process_ends_when_any_of_its_pairs_does, 0, 4);
    suite_add_tcase(s, tc);
    return s;
}
