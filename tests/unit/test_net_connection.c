#include "daemon/net/connection.h"

#include "common/tls.h"
#include "daemon/net/listener.h"
#include "tests/unit/certificates.h"
#include "tests/unit/runner.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FRAME_MAX = 4096, ROUNDS = 1000, PATIENT_MS = 60000 /* longer than a loaded machine makes a test wait */ };

/* What one end has seen. */
struct end {
    unsigned opened, frames, closed;
    size_t bytes;
    char reason[160];
    char peer[64];
    bool echoes, holds;
    struct connection *last;
};

static uv_loop_t loop;
static uv_timer_t bell;
static bool rang;
static EVP_PKEY *ca_key, *server_key, *client_key;
static X509 *ca, *server, *client;
static STACK_OF(X509) *roots;
static SSL_CTX *server_ctx, *client_ctx;
static struct end near, far; /* the client's end, the server's */
static struct listener *listener;

static void on_open(void *owner, struct connection *c)
{
    struct end *e = owner;
    e->opened++;
    e->last = c;
    if (connection_peer(c) != NULL)
        X509_NAME_get_text_by_NID(X509_get_subject_name(connection_peer(c)), NID_commonName, e->peer, sizeof e->peer);
}

static bool on_frame(void *owner, struct connection *c, const uint8_t *bytes, size_t n)
{
    struct end *e = owner;
    e->frames++;
    e->bytes += n;
    if (e->holds)
        connection_hold(c);
    if (e->echoes)
        connection_send(c, bytes, n);
    return bytes[4] != 'x';
}

static void on_closed(void *owner, struct connection *c, const char *reason)
{
    struct end *e = owner;
    (void)c;
    e->closed++;
    snprintf(e->reason, sizeof e->reason, "%s", reason);
}

static const struct connection_events events = {.open = on_open, .frame = on_frame, .closed = on_closed};

static struct connection_setup setup_of(struct end *e, SSL_CTX *tls)
{
    return (struct connection_setup){.loop = &loop, .tls = tls, .events = &events, .owner = e,
        .limits = {.frame_bytes_max = FRAME_MAX, .out_bytes_max = 65536, .pending_max = 8, .handshake_ms_max = 5000,
            .stall_ms_max = PATIENT_MS}};
}

static void setup(void)
{
    struct tls_setup s = {.side = TLS_SERVER}, c = {.side = TLS_CLIENT};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGPIPE, &ignore, NULL); /* as the front does */
    uv_loop_init(&loop);
    uv_timer_init(&loop, &bell);
    memset(&near, 0, sizeof near);
    memset(&far, 0, sizeof far);
    ca_key = test_key_new();
    server_key = test_key_new();
    client_key = test_key_new();
    ca = test_certificate_new("ca", ca_key, NULL, NULL);
    server = test_certificate_new("server", server_key, ca, ca_key);
    client = test_certificate_new("client", client_key, ca, ca_key);
    roots = sk_X509_new_null();
    sk_X509_push(roots, ca);
    s.certificate = server, s.key = server_key, s.roots = roots;
    c.certificate = client, c.key = client_key, c.roots = roots;
    server_ctx = tls_context_new(&s, NULL);
    client_ctx = tls_context_new(&c, NULL);
    ck_assert(server_ctx && client_ctx);
}

/* Nothing may be left on the loop: every close path ends here. */
static void teardown(void)
{
    if (listener != NULL)
        listener_close(listener, NULL, NULL);
    listener = NULL;
    uv_close((uv_handle_t *)&bell, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    SSL_CTX_free(server_ctx);
    SSL_CTX_free(client_ctx);
    sk_X509_free(roots);
    X509_free(ca);
    X509_free(server);
    X509_free(client);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(server_key);
    EVP_PKEY_free(client_key);
}

static void on_bell(uv_timer_t *timer)
{
    (void)timer;
    rang = true;
}

/* Runs the loop until the counter reaches the number. False: not within the time. */
static bool run_until(const unsigned *counter, unsigned number, unsigned ms)
{
    rang = false;
    uv_timer_start(&bell, on_bell, patient(ms), 0);
    while (*counter < number && !rang)
        uv_run(&loop, UV_RUN_ONCE);
    uv_timer_stop(&bell);
    return *counter >= number;
}

static void serve(SSL_CTX *tls, uint32_t handshake_ms)
{
    struct connection_setup s = setup_of(&far, tls);
    struct diag why = {0};
    s.limits.handshake_ms_max = handshake_ms;
    far.echoes = true;
    listener = listener_open(&s, "127.0.0.1", 0, 64, &why);
    ck_assert_msg(listener != NULL, "%s", why.what);
}

static struct connection *dial(SSL_CTX *tls)
{
    struct connection_setup s = setup_of(&near, tls);
    struct diag why = {0};
    struct connection *c;
    s.dialled = true;
    c = connection_dial(&s, "127.0.0.1", listener_port(listener), &why);
    ck_assert_msg(c != NULL, "%s", why.what);
    return c;
}

static void send_frame(struct connection *c, uint32_t n, char fill)
{
    uint8_t bytes[4 + FRAME_MAX];
    bytes[0] = bytes[1] = 0, bytes[2] = (uint8_t)(n >> 8), bytes[3] = (uint8_t)n;
    memset(bytes + 4, fill, n);
    connection_send(c, bytes, 4 + n);
}

START_TEST(test_connection_echoes_frames_through_mutual_tls)
{
    serve(server_ctx, 5000);
    struct connection *c = dial(client_ctx);
    for (uint32_t i = 1; i <= 50; i++)
        send_frame(c, i * 80, 'a');
    ck_assert(run_until(&near.frames, 50, 5000));
    ck_assert_uint_eq(near.bytes, far.bytes);
    ck_assert_str_eq(near.peer, "server");
    ck_assert_str_eq(far.peer, "client");
    connection_end(c, "done");
    ck_assert(run_until(&far.closed, 1, 5000));
    ck_assert_str_eq(far.reason, "the other end said goodbye");
}
END_TEST

START_TEST(test_connection_ends_at_a_frame_beyond_the_limit)
{
    static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 0};
    serve(server_ctx, 5000);
    connection_send(dial(client_ctx), huge, sizeof huge);
    ck_assert(run_until(&far.closed, 1, 5000));
    ck_assert_str_eq(far.reason, "a frame is longer than the limit");
    ck_assert(run_until(&near.closed, 1, 5000));
}
END_TEST

START_TEST(test_connection_ends_at_a_frame_that_the_layer_above_refuses)
{
    serve(server_ctx, 5000);
    send_frame(dial(client_ctx), 3, 'x');
    ck_assert(run_until(&far.closed, 1, 5000));
    ck_assert_str_eq(far.reason, "a frame is not of the protocol");
}
END_TEST

START_TEST(test_connection_ends_plain_text_at_a_tls_port)
{
    serve(server_ctx, 5000);
    send_frame(dial(NULL), 300, 'a');
    ck_assert(run_until(&far.closed, 1, 5000));
    ck_assert_uint_eq(far.opened, 0);
    ck_assert_uint_eq(far.frames, 0);
}
END_TEST

START_TEST(test_connection_refuses_client_without_certificate)
{
    struct tls_setup c = {.side = TLS_CLIENT, .roots = roots};
    SSL_CTX *bare = tls_context_new(&c, NULL);
    serve(server_ctx, 5000);
    dial(bare);
    ck_assert(run_until(&far.closed, 1, 5000));
    ck_assert(run_until(&near.closed, 1, 5000));
    ck_assert_uint_eq(far.opened, 0);
    SSL_CTX_free(bare);
}
END_TEST

START_TEST(test_connection_refuses_tls_1_2)
{
    SSL_CTX_set_min_proto_version(client_ctx, TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(client_ctx, TLS1_2_VERSION);
    serve(server_ctx, 5000);
    dial(client_ctx);
    ck_assert(run_until(&far.closed, 1, 5000));
    ck_assert_uint_eq(far.opened + near.opened, 0);
}
END_TEST

START_TEST(test_connection_ends_one_that_says_nothing)
{
    serve(server_ctx, 100);
    dial(client_ctx); /* shakes hands and then is silent */
    ck_assert(run_until(&far.opened, 1, 5000));
    ck_assert(run_until(&far.closed, 1, 5000));
    ck_assert_str_eq(far.reason, "no handshake and first frame in time");
}
END_TEST

START_TEST(test_connection_reads_no_more_than_may_be_in_work)
{
    unsigned never = 0;
    serve(server_ctx, 5000);
    far.holds = true;
    struct connection *c = dial(client_ctx);
    for (int i = 0; i < 20; i++)
        send_frame(c, 100, 'a');
    ck_assert(!run_until(&never, 1, 200));
    ck_assert_uint_eq(far.frames, 8);
    for (int i = 0; i < 3; i++)
        connection_release(far.last);
    ck_assert(run_until(&far.frames, 11, 5000));
    ck_assert(!run_until(&never, 1, 100));
    ck_assert_uint_eq(far.frames, 11);
}
END_TEST

/* The echoes pile up at the server, which then stops reading: what it holds is bounded, and nobody is lost. */
START_TEST(test_connection_throttles_an_end_that_does_not_read)
{
    struct connection_setup s = setup_of(&near, NULL);
    unsigned never = 0;
    serve(NULL, PATIENT_MS);
    s.dialled = true;
    s.limits.handshake_ms_max = PATIENT_MS;
    s.limits.pending_max = 0; /* never reads */
    s.limits.out_bytes_max = 64 << 20;
    struct connection *c = connection_dial(&s, "127.0.0.1", listener_port(listener), NULL);
    for (int i = 0; i < 8000; i++)
        send_frame(c, FRAME_MAX, 'a');
    ck_assert(!run_until(&never, 1, 500));
    ck_assert_uint_gt(far.frames, 0);
    ck_assert_uint_lt(far.frames, 8000);
    ck_assert_msg(far.closed == 0, "%s", far.reason);
}
END_TEST

START_TEST(test_connection_survives_a_thousand_comings_and_goings)
{
    serve(server_ctx, 5000);
    for (unsigned i = 1; i <= ROUNDS; i++) {
        struct connection *c = dial(client_ctx);
        if (i % 3 != 0)
            ck_assert(run_until(&near.opened, near.opened + 1, 5000));
        connection_end(c, "done");
        ck_assert(run_until(&near.closed, i, 5000));
    }
    ck_assert(run_until(&far.closed, (unsigned)listener_counts(listener).accepted, 5000));
    ck_assert_uint_eq(listener_counts(listener).open, 0);
}
END_TEST

START_TEST(test_listener_refuses_more_than_its_limit)
{
    serve(server_ctx, 5000);
    for (int i = 0; i < 66; i++)
        dial(client_ctx);
    ck_assert(run_until(&near.closed, 2, 5000));
    ck_assert_uint_eq(listener_counts(listener).open, 64);
}
END_TEST

START_TEST(test_listener_on_a_unix_socket_is_for_its_user_alone)
{
    char folder[] = "/tmp/net.XXXXXX", path[64];
    struct connection_setup s = setup_of(&far, NULL);
    struct stat st;
    int fds[2];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/s", folder);
    listener = listener_open_local(&s, path, 4, NULL);
    ck_assert_ptr_nonnull(listener);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    listener_close(listener, NULL, NULL);
    listener = NULL;
    uv_run(&loop, UV_RUN_NOWAIT);
    rmdir(folder);
    /* The same framing on a descriptor that is there already. */
    ck_assert_int_eq(uv_socketpair(SOCK_STREAM, 0, fds, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE), 0);
    s = setup_of(&near, NULL);
    struct connection *a = connection_adopt(&s, fds[0], NULL);
    s = setup_of(&far, NULL);
    ck_assert_ptr_nonnull(connection_adopt(&s, fds[1], NULL));
    send_frame(a, 5, 'a');
    ck_assert(run_until(&far.frames, 1, 5000));
    connection_end(a, "done");
    ck_assert(run_until(&far.closed, 1, 5000));
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("net_connection");
    TCase *tc = tcase_create("connection");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_connection_echoes_frames_through_mutual_tls);
    tcase_add_test(tc, test_connection_ends_at_a_frame_beyond_the_limit);
    tcase_add_test(tc, test_connection_ends_at_a_frame_that_the_layer_above_refuses);
    tcase_add_test(tc, test_connection_ends_plain_text_at_a_tls_port);
    tcase_add_test(tc, test_connection_refuses_client_without_certificate);
    tcase_add_test(tc, test_connection_refuses_tls_1_2);
    tcase_add_test(tc, test_connection_ends_one_that_says_nothing);
    tcase_add_test(tc, test_connection_reads_no_more_than_may_be_in_work);
    tcase_add_test(tc, test_connection_throttles_an_end_that_does_not_read);
    tcase_add_test(tc, test_connection_survives_a_thousand_comings_and_goings);
    tcase_add_test(tc, test_listener_refuses_more_than_its_limit);
    tcase_add_test(tc, test_listener_on_a_unix_socket_is_for_its_user_alone);
    suite_add_tcase(s, tc);
    return s;
}
