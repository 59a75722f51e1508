/* hsm-front as a process, between a vault that is made of words and clients with real TLS.
 *
 * FRONT_LOG=debug shows its log; FRONT_BABBLE=10000 babbles longer at its doors. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "common/buffer.h"
#include "common/tls.h"
#include "proto/error.h"
#include "proto/frame.h"
#include "proto/node.pb-c.h"
#include "proto/request.h"
#include "tests/unit/certificates.h"
#include "tests/unit/front_vault.h"
#include "tests/unit/runner.h"
#include "tests/unit/temp_folder.h"

enum { PAIRS = FRONT_VAULT_PAIRS, FIRST_FD = 4, WAIT_MS = 20000 };

static char *folder, config[512], socket_path[512];
static uint16_t port;
static pid_t front;
static int fds[PAIRS];
static EVP_PKEY *ca_key, *cluster_key, *client_key, *foreign_key;
static X509 *ca, *cluster_cert, *client_cert, *foreign_ca, *foreign_client;
static uint32_t seed = 1;

/* ---- the process ---- */

static void become_front(bool create)
{
    /* A sanitizer's search for leaks at the end reads /proc, from which the front has shut itself out. */
    static char no_leaks[] = "ASAN_OPTIONS=detect_leaks=0", *environment[] = {no_leaks, NULL};
    static char config_option[] = "--config", create_option[] = "--create";
    const char *top = getenv("top_builddir");
    char path[512];
    int high[PAIRS];

    for (int i = 0; i < PAIRS; i++)
        high[i] = fcntl(fds[i], F_DUPFD, 100);
    for (int i = 0; i < PAIRS; i++)
        dup2(high[i], FIRST_FD + i);
    for (int fd = FIRST_FD + PAIRS; fd < 200; fd++)
        close(fd);
    snprintf(path, sizeof path, "%s/hsm-front", top != NULL ? top : ".");
    execve(path, (char *[]){path, config_option, config, create ? create_option : NULL, NULL}, environment);
    _exit(127);
}

static void start_front(bool create)
{
    struct front_vault_keys keys = {.cluster_key = cluster_key, .cluster_certificate = cluster_cert, .client_anchor = ca};
    front_vault_start(&keys, fds);
    front = fork();
    ck_assert_int_ge(front, 0);
    if (front == 0)
        become_front(create);
    for (int i = 0; i < PAIRS; i++)
        close(fds[i]);
}

/* The exit status; the process must end in time. */
static int wait_front(void)
{
    int status = -1;
    for (int i = 0; i < WAIT_MS / 10; i++, usleep(10000))
        if (waitpid(front, &status, WNOHANG) == front)
            break;
    ck_assert_msg(WIFEXITED(status), "hsm-front did not end by itself: status %d", status);
    front = 0;
    return WEXITSTATUS(status);
}

static void stop_front(void)
{
    kill(front, SIGTERM);
    ck_assert_int_eq(wait_front(), 0);
    front_vault_end();
}

/* ---- the operator ---- */

static bool receive_frame(int fd, struct buffer *in, struct frame *f)
{
    size_t taken = 0;
    buffer_reset(in);
    for (;;) {
        uint8_t *into;
        ssize_t n;
        if (in->len > 0 && frame_decode(in->data, in->len, f, &taken) != ERR_OK)
            return false;
        if (taken > 0)
            return true;
        into = buffer_extend(in, 4096);
        n = recv(fd, into, 4096, 0);
        in->len -= 4096 - (size_t)(n > 0 ? n : 0);
        if (n <= 0)
            return false;
    }
}

static int dial_local(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct timeval t = {.tv_sec = WAIT_MS / 1000};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    ck_assert_uint_lt(strlen(socket_path), sizeof at.sun_path);
    memcpy(at.sun_path, socket_path, strlen(socket_path) + 1);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    for (int i = 0; i < WAIT_MS / 10; i++, usleep(10000))
        if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
            return fd;
    ck_abort_msg("the Unix socket never came");
    return -1;
}

static Hsm__LocalReply *ask_local(const Hsm__LocalRequest *r)
{
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
    struct buffer payload = {0}, frame = {0}, in = {0};
    struct frame f = {0};
    Hsm__LocalReply *reply;
    int fd = dial_local();

    header.kind = HSM__FRAME_KIND__FRAME_LOCAL;
    header.exchange = 9;
    hsm__local_request__pack(r, buffer_extend(&payload, hsm__local_request__get_packed_size(r)));
    ck_assert(frame_put(&frame, &header, payload.data, payload.len));
    ck_assert_int_eq(send(fd, frame.data, frame.len, 0), (ssize_t)frame.len);
    ck_assert(receive_frame(fd, &in, &f));
    ck_assert_int_eq(f.header->kind, HSM__FRAME_KIND__FRAME_LOCAL_REPLY);
    ck_assert_uint_eq(f.header->exchange, 9);
    reply = hsm__local_reply__unpack(NULL, f.payload_len, f.payload);
    ck_assert_ptr_nonnull(reply);
    frame_clear(&f);
    buffer_clear(&payload);
    buffer_clear(&frame);
    buffer_clear(&in);
    close(fd);
    return reply;
}

#define ASK(name, NAME, Type)                                \
    static Hsm__LocalReply *ask_##name(void)                 \
    {                                                        \
        Hsm__LocalRequest r = HSM__LOCAL_REQUEST__INIT;      \
        Hsm__##Type what = HSM__##NAME##__INIT;              \
        r.name = &what;                                      \
        r.of_case = HSM__LOCAL_REQUEST__OF_##name;           \
        return ask_local(&r);                                \
    }
#define HSM__LOCAL_REQUEST__OF_status HSM__LOCAL_REQUEST__OF_STATUS
#define HSM__LOCAL_REQUEST__OF_csr HSM__LOCAL_REQUEST__OF_CSR
#define HSM__LOCAL_REQUEST__OF_provision HSM__LOCAL_REQUEST__OF_PROVISION
#define HSM__LOCAL_REQUEST__OF_initialize HSM__LOCAL_REQUEST__OF_INITIALIZE
ASK(status, LOCAL_STATUS, LocalStatus)
ASK(csr, LOCAL_CSR, LocalCsr)
ASK(provision, LOCAL_PROVISION, LocalProvision)
ASK(initialize, LOCAL_INITIALIZE, LocalInitialize)

static void wait_state(const char *state)
{
    for (int i = 0; i < WAIT_MS / 10; i++, usleep(10000)) {
        Hsm__LocalReply *r = ask_status();
        bool is = strcmp(r->facts->state, state) == 0 &&
            (strcmp(state, "unprovisioned") != 0 || r->facts->hardware_csr.len > 0);
        hsm__local_reply__free_unpacked(r, NULL);
        if (is)
            return;
    }
    ck_abort_msg("the node never became %s", state);
}

static void expect_answer(Hsm__LocalReply *r, uint32_t error, const char *word)
{
    ck_assert_uint_eq(r->error, error);
    if (word != NULL)
        ck_assert_msg(strstr(r->detail, word) != NULL, "\"%s\" does not say \"%s\"", r->detail, word);
    hsm__local_reply__free_unpacked(r, NULL);
}

static void initialize_again(void)
{
    for (int i = 0; i < WAIT_MS / 10; i++, usleep(10000)) { /* the replica may not lead yet */
        Hsm__LocalReply *r = ask_initialize();
        uint32_t error = r->error;
        hsm__local_reply__free_unpacked(r, NULL);
        if (error == ERR_OK)
            return;
        ck_assert_int_eq(error, ERR_BUSY);
    }
}

/* From an empty folder to a cluster that serves. */
static void raise_cluster(void)
{
    start_front(true);
    wait_state("unprovisioned");
    expect_answer(ask_provision(), ERR_OK, NULL);
    wait_state("uninitialized");
    initialize_again();
    wait_state("initialized");
}

/* ---- a client ---- */

struct end {
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
};

static int dial(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval t = {.tv_sec = WAIT_MS / 1000};
    for (int i = 0; i < WAIT_MS / 10; i++, usleep(10000)) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
        if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
            return fd;
        close(fd);
    }
    ck_abort_msg("the client port never opened");
    return -1;
}

static struct end connect_as(X509 *cert)
{
    STACK_OF(X509) *roots = sk_X509_new_null();
    struct tls_setup s = {.side = TLS_CLIENT, .certificate = cert, .key = client_key, .roots = roots};
    struct end e;
    sk_X509_push(roots, ca);
    e.ctx = tls_context_new(&s, NULL);
    e.ssl = SSL_new(e.ctx);
    e.fd = dial();
    SSL_set_fd(e.ssl, e.fd);
    ck_assert_int_eq(SSL_connect(e.ssl), 1);
    sk_X509_free(roots);
    return e;
}

static void hang_up(struct end *e)
{
    SSL_free(e->ssl);
    SSL_CTX_free(e->ctx);
    close(e->fd);
}

static void say(struct end *e, Hsm__FrameKind kind, const void *payload, size_t n)
{
    Hsm__FrameHeader header = HSM__FRAME_HEADER__INIT;
    struct buffer out = {0};
    header.kind = kind;
    header.exchange = 7;
    header.request = kind == HSM__FRAME_KIND__FRAME_REQUEST ? REQUEST_sign : 0;
    ck_assert(frame_put(&out, &header, payload, n));
    ck_assert_int_eq(SSL_write(e->ssl, out.data, (int)out.len), (int)out.len);
    buffer_clear(&out);
}

/* Its kind; the payload as text. */
static int hear(struct end *e, char *text, size_t room)
{
    struct buffer in = {0};
    struct frame f = {0};
    size_t taken = 0;
    int kind;
    while (taken == 0) {
        uint8_t part[4096];
        int n = SSL_read(e->ssl, part, sizeof part);
        if (n <= 0) {
            buffer_clear(&in);
            return -1;
        }
        buffer_put(&in, part, (size_t)n);
        ck_assert_int_eq(frame_decode(in.data, in.len, &f, &taken), ERR_OK);
    }
    kind = (int)f.header->kind;
    snprintf(text, room, "%.*s", (int)f.payload_len, (const char *)f.payload);
    frame_clear(&f);
    buffer_clear(&in);
    return kind;
}

static void be_served(void)
{
    static const uint8_t hello[] = {8, 1, 16, 1}; /* Hello {1, 1} */
    char text[256];
    struct end e = connect_as(client_cert);
    say(&e, HSM__FRAME_KIND__FRAME_HELLO, hello, sizeof hello);
    ck_assert_int_eq(hear(&e, text, sizeof text), HSM__FRAME_KIND__FRAME_WELCOME);
    say(&e, HSM__FRAME_KIND__FRAME_OPEN, "noise", 5);
    ck_assert_int_eq(hear(&e, text, sizeof text), HSM__FRAME_KIND__FRAME_OPENED);
    ck_assert_str_eq(text, "second");
    say(&e, HSM__FRAME_KIND__FRAME_REQUEST, "sealed", 6);
    ck_assert_int_eq(hear(&e, text, sizeof text), HSM__FRAME_KIND__FRAME_REPLY);
    ck_assert_str_eq(text, "sealed");
    hang_up(&e);
}

/* ---- fixture ---- */

static uint16_t free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    getsockname(fd, (struct sockaddr *)&at, &n);
    close(fd);
    return ntohs(at.sin_port);
}

static void setup(void)
{
    FILE *f;
    folder = temp_folder_new("front");
    port = free_port();
    snprintf(config, sizeof config, "%s/hsmd.yaml", folder);
    snprintf(socket_path, sizeof socket_path, "%s/data/hsmd.sock", folder);
    f = fopen(config, "w");
    fprintf(f, "data: data\nname: n1\nfront: {threads: %d}\nseal: {file: seal}\n", FRONT_VAULT_THREADS);
    fprintf(f, "listen:\n  client: 127.0.0.1:%u\n  peer: 127.0.0.1:%u\n", port, free_port());
    fprintf(f, "raft: {election_timeout: 100ms, lease: 400ms}\nstore: {bytes_max: 64MiB}\nlog: {level: %s}\n",
        getenv("FRONT_LOG") != NULL ? getenv("FRONT_LOG") : "none");
    fclose(f);
    ck_assert_int_eq(chmod(config, 0600), 0);
    ca_key = test_key_new(), cluster_key = test_key_new(), client_key = test_key_new(), foreign_key = test_key_new();
    ca = test_certificate_new("ca", ca_key, NULL, NULL);
    cluster_cert = test_certificate_new("cluster", cluster_key, ca, ca_key);
    client_cert = test_certificate_new("client", client_key, ca, ca_key);
    foreign_ca = test_certificate_new("ca", foreign_key, NULL, NULL);
    foreign_client = test_certificate_new("client", client_key, foreign_ca, foreign_key);
}

static void teardown(void)
{
    if (front > 0)
        stop_front();
    X509_free(ca), X509_free(cluster_cert), X509_free(client_cert), X509_free(foreign_ca), X509_free(foreign_client);
    EVP_PKEY_free(ca_key), EVP_PKEY_free(cluster_key), EVP_PKEY_free(client_key), EVP_PKEY_free(foreign_key);
    temp_folder_free(folder);
}

/* ---- claims ---- */

START_TEST(test_front_goes_from_an_empty_folder_to_a_served_client)
{
    raise_cluster();
    be_served();
    be_served();
}
END_TEST

START_TEST(test_front_ends_cleanly_and_serves_again_after_a_restart)
{
    struct stat st;
    raise_cluster();
    be_served();
    stop_front();
    ck_assert_int_ne(stat(socket_path, &st), 0);
    start_front(true);
    be_served();
    stop_front();
    start_front(false);
    be_served();
}
END_TEST

START_TEST(test_front_tells_its_operator_what_to_do_next)
{
    start_front(true);
    wait_state("unprovisioned");
    expect_answer(ask_csr(), ERR_WRONG_STATE, "hsm-provision");
    expect_answer(ask_initialize(), ERR_WRONG_STATE, "hsmctl node provision");
    expect_answer(ask_provision(), ERR_OK, NULL);
    wait_state("uninitialized");
    expect_answer(ask_csr(), ERR_OK, NULL);
    expect_answer(ask_provision(), ERR_WRONG_STATE, "provisioned already");
    initialize_again();
    wait_state("initialized");
    expect_answer(ask_initialize(), ERR_WRONG_STATE, "initialized already");
}
END_TEST

START_TEST(test_front_without_create_waits_to_join)
{
    start_front(false);
    wait_state("unprovisioned");
    expect_answer(ask_provision(), ERR_OK, NULL);
    wait_state("provisioned");
    usleep(200000);
    expect_answer(ask_csr(), ERR_WRONG_STATE, "hsmctl node join");
}
END_TEST

START_TEST(test_front_refuses_a_client_that_no_anchor_vouches_for)
{
    char text[256];
    raise_cluster();
    struct end e = connect_as(foreign_client); /* in TLS 1.3 the refusal comes with the first bytes */
    ck_assert_int_eq(hear(&e, text, sizeof text), -1);
    hang_up(&e);
    e = connect_as(NULL);
    ck_assert_int_eq(hear(&e, text, sizeof text), -1);
    hang_up(&e);
    be_served();
}
END_TEST

START_TEST(test_front_ends_when_its_vault_dies)
{
    raise_cluster();
    be_served();
    front_vault_end();
    ck_assert_int_ne(wait_front(), 0);
}
END_TEST

START_TEST(test_front_without_its_log_does_not_found_the_cluster_anew)
{
    char path[600];
    raise_cluster();
    stop_front();
    snprintf(path, sizeof path, "%s/data/raft", folder);
    char moved[620];
    snprintf(moved, sizeof moved, "%s.moved", path);
    ck_assert_int_eq(rename(path, moved), 0);
    start_front(true);
    ck_assert_int_eq(wait_front(), 1);
    front_vault_end();
}
END_TEST

START_TEST(test_front_shares_its_data_folder_with_nobody)
{
    pid_t first;
    int other[2];
    start_front(true);
    wait_state("unprovisioned");
    first = front;
    front = fork();
    if (front == 0) { /* its pairs lead nowhere: it must not come so far as to use them */
        for (int i = 0; i < PAIRS; i++)
            if (socketpair(AF_UNIX, SOCK_STREAM, 0, other) == 0)
                fds[i] = other[0];
        become_front(true);
    }
    ck_assert_int_eq(wait_front(), 1);
    front = first;
}
END_TEST

START_TEST(test_front_started_by_hand_says_who_starts_it)
{
    front = fork();
    if (front == 0) {
        for (int fd = 3; fd < 200; fd++)
            close(fd);
        become_front(false);
    }
    ck_assert_int_eq(wait_front(), 1);
}
END_TEST

static uint32_t chance(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

/* Random bytes; every second time with a length in front that fits. */
static void babble(int fd)
{
    uint8_t bytes[512];
    uint32_t n = 6 + chance() % 500;
    for (uint32_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)chance();
    if (chance() % 2 == 0)
        bytes[0] = bytes[1] = 0, bytes[2] = (uint8_t)((n - 4) >> 8), bytes[3] = (uint8_t)(n - 4), bytes[4] = 0, bytes[5] = 2,
        bytes[6] = 8, bytes[7] = (uint8_t)(chance() % 12);
    (void)!send(fd, bytes, n, MSG_NOSIGNAL);
}

START_TEST(test_front_survives_babble_at_its_doors)
{
    const char *asked = getenv("FRONT_BABBLE");
    int times = asked != NULL ? (int)strtol(asked, NULL, 10) : 300;
    raise_cluster();
    for (int i = 0; i < times; i++) {
        int fd = i % 2 == 0 ? dial() : dial_local();
        babble(fd);
        close(fd);
    }
    for (int i = 0; i < times / 3; i++) { /* behind TLS too */
        struct end e = connect_as(client_cert);
        uint8_t bytes[300];
        for (size_t b = 0; b < sizeof bytes; b++)
            bytes[b] = (uint8_t)chance();
        bytes[0] = bytes[1] = 0, bytes[2] = 1, bytes[3] = 40, bytes[4] = 0, bytes[5] = (uint8_t)(chance() % 6);
        SSL_write(e.ssl, bytes, (int)(chance() % 300) + 1);
        hang_up(&e);
    }
    be_served();
    expect_answer(ask_status(), ERR_OK, NULL);
}
END_TEST

START_TEST(test_front_waits_for_nobody_who_says_nothing)
{
    int silent[20];
    raise_cluster();
    for (int i = 0; i < 20; i++)
        silent[i] = dial();
    be_served();
    for (int i = 0; i < 20; i++)
        close(silent[i]);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("front");
    TCase *tc = tcase_create("front");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_front_goes_from_an_empty_folder_to_a_served_client);
    tcase_add_test(tc, test_front_ends_cleanly_and_serves_again_after_a_restart);
    tcase_add_test(tc, test_front_tells_its_operator_what_to_do_next);
    tcase_add_test(tc, test_front_without_create_waits_to_join);
    tcase_add_test(tc, test_front_refuses_a_client_that_no_anchor_vouches_for);
    tcase_add_test(tc, test_front_ends_when_its_vault_dies);
    tcase_add_test(tc, test_front_without_its_log_does_not_found_the_cluster_anew);
    tcase_add_test(tc, test_front_shares_its_data_folder_with_nobody);
    tcase_add_test(tc, test_front_started_by_hand_says_who_starts_it);
    tcase_add_test(tc, test_front_survives_babble_at_its_doors);
    tcase_add_test(tc, test_front_waits_for_nobody_who_says_nothing);
    suite_add_tcase(s, tc);
    return s;
}
