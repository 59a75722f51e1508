#include "common/tls.h"

#include "tests/unit/certificates.h"
#include "tests/unit/runner.h"

#include <openssl/err.h>
#include <string.h>

/* One customer's authority with a server and a client, and an authority that nobody knows with a client of its own. */
static EVP_PKEY *ca_key, *server_key, *client_key, *foreign_ca_key;
static X509 *ca, *server, *client, *foreign_ca, *foreign_client;
static STACK_OF(X509) *roots;
static SSL_CTX *server_ctx, *client_ctx;
static SSL *server_end, *client_end;

static void setup(void)
{
    ca_key = test_key_new();
    server_key = test_key_new();
    client_key = test_key_new();
    foreign_ca_key = test_key_new();
    ca = test_certificate_new("ca", ca_key, NULL, NULL);
    server = test_certificate_new("server", server_key, ca, ca_key);
    client = test_certificate_new("client", client_key, ca, ca_key);
    foreign_ca = test_certificate_new("ca", foreign_ca_key, NULL, NULL);
    foreign_client = test_certificate_new("client", client_key, foreign_ca, foreign_ca_key);
    roots = sk_X509_new_null();
    sk_X509_push(roots, ca);
}

static void teardown(void)
{
    SSL_free(server_end);
    SSL_free(client_end);
    SSL_CTX_free(server_ctx);
    SSL_CTX_free(client_ctx);
    sk_X509_free(roots);
    X509_free(ca);
    X509_free(server);
    X509_free(client);
    X509_free(foreign_ca);
    X509_free(foreign_client);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(server_key);
    EVP_PKEY_free(client_key);
    EVP_PKEY_free(foreign_ca_key);
    server_end = client_end = NULL; /* the next test may not get as far as making its own */
    server_ctx = client_ctx = NULL;
}

static struct tls_setup server_setup(void)
{
    return (struct tls_setup){.side = TLS_SERVER, .certificate = server, .key = server_key, .roots = roots};
}

static struct tls_setup client_setup(void)
{
    return (struct tls_setup){.side = TLS_CLIENT, .certificate = client, .key = client_key, .roots = roots};
}

/* Shakes hands over a pair of memory BIOs. True: both ends are content, and a byte went each way. */
static bool shake(const struct tls_setup *s, const struct tls_setup *c)
{
    struct diag why = {0};
    BIO *a, *b;
    char byte;
    int server_done = 0, client_done = 0;
    server_ctx = tls_context_new(s, &why);
    client_ctx = tls_context_new(c, &why);
    ck_assert_msg(server_ctx && client_ctx, "%s", why.what);
    server_end = SSL_new(server_ctx);
    client_end = SSL_new(client_ctx);
    ck_assert_int_eq(BIO_new_bio_pair(&a, 0, &b, 0), 1);
    SSL_set_bio(server_end, a, a);
    SSL_set_bio(client_end, b, b);
    for (int turn = 0; turn < 10; turn++) {
        client_done = SSL_connect(client_end);
        server_done = SSL_accept(server_end);
    }
    return server_done == 1 && client_done == 1 && SSL_write(client_end, "c", 1) == 1 &&
        SSL_read(server_end, &byte, 1) == 1 && byte == 'c' && SSL_write(server_end, "s", 1) == 1 &&
        SSL_read(client_end, &byte, 1) == 1 && byte == 's';
}

START_TEST(test_tls_ends_know_each_other)
{
    struct tls_setup s = server_setup(), c = client_setup();
    ck_assert(shake(&s, &c));
    ck_assert_int_eq(SSL_version(client_end), TLS1_3_VERSION);
    ck_assert_int_eq(X509_cmp(SSL_get0_peer_certificate(server_end), client), 0);
    ck_assert_int_eq(X509_cmp(SSL_get0_peer_certificate(client_end), server), 0);
}
END_TEST

START_TEST(test_tls_gives_nothing_to_resume)
{
    struct tls_setup s = server_setup(), c = client_setup();
    ck_assert(shake(&s, &c));
    ck_assert(!SSL_SESSION_is_resumable(SSL_get0_session(client_end)));
}
END_TEST

START_TEST(test_tls_server_refuses_client_without_certificate)
{
    struct tls_setup s = server_setup(), c = client_setup();
    c.certificate = NULL;
    ck_assert(!shake(&s, &c));
}
END_TEST

START_TEST(test_tls_server_takes_client_without_certificate_where_optional)
{
    struct tls_setup s = server_setup(), c = client_setup();
    c.certificate = NULL;
    s.peer_optional = true;
    ck_assert(shake(&s, &c));
    ck_assert_ptr_null(SSL_get0_peer_certificate(server_end));
}
END_TEST

START_TEST(test_tls_server_refuses_foreign_client)
{
    char text[200];
    struct tls_setup s = server_setup(), c = client_setup();
    c.certificate = foreign_client;
    ck_assert(!shake(&s, &c));
    ERR_clear_error();
    ck_assert_ptr_nonnull(strstr(tls_error_text(server_end, text, sizeof text), "certificate"));
}
END_TEST

/* Who refuses by rules of his own (SSL_CTX_set_cert_verify_callback) has said in the log which: OpenSSL has no word for it. */
START_TEST(test_tls_refusal_of_our_own_leads_to_the_log)
{
    struct tls_setup s = server_setup(), c = client_setup();
    char text[160];

    ck_assert(shake(&s, &c));
    SSL_set_verify_result(client_end, X509_V_ERR_APPLICATION_VERIFICATION);
    ck_assert_str_eq(tls_error_text(client_end, text, sizeof text), "its certificates are refused, and the log has the reason");
}
END_TEST

START_TEST(test_tls_client_trusts_nobody_by_default)
{
    struct tls_setup s = server_setup(), c = client_setup();
    c.roots = NULL;
    ck_assert(!shake(&s, &c));
}
END_TEST

static int refuse_all(X509_STORE_CTX *store, void *calls)
{
    ++*(int *)calls;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REVOKED);
    return 0;
}

START_TEST(test_tls_verify_hook_has_the_last_word)
{
    int calls = 0;
    struct tls_setup s = server_setup(), c = client_setup();
    s.verify = refuse_all;
    s.verify_arg = &calls;
    ck_assert(!shake(&s, &c));
    ck_assert_int_eq(calls, 1);
    ck_assert_int_eq(SSL_get_verify_result(server_end), X509_V_ERR_CERT_REVOKED);
}
END_TEST

START_TEST(test_tls_refuses_older_versions)
{
    BIO *a, *b;
    struct tls_setup s = server_setup();
    struct diag why = {0};
    server_ctx = tls_context_new(&s, &why);
    client_ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(client_ctx, TLS1_2_VERSION);
    server_end = SSL_new(server_ctx);
    client_end = SSL_new(client_ctx);
    ck_assert_int_eq(BIO_new_bio_pair(&a, 0, &b, 0), 1);
    SSL_set_bio(server_end, a, a);
    SSL_set_bio(client_end, b, b);
    SSL_connect(client_end);
    ck_assert_int_eq(SSL_accept(server_end), -1);
    ck_assert_int_eq(SSL_get_error(server_end, -1), SSL_ERROR_SSL);
}
END_TEST

START_TEST(test_tls_refuses_key_of_another_certificate)
{
    struct diag why = {0};
    struct tls_setup s = server_setup();
    s.key = client_key;
    ck_assert_ptr_null(tls_context_new(&s, &why));
    ck_assert(why.what[0] && why.remedy[0]);
    ck_assert_uint_eq(ERR_peek_error(), 0);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_tls_ends_know_each_other, &test_tls_gives_nothing_to_resume,
        &test_tls_server_refuses_client_without_certificate,
        &test_tls_server_takes_client_without_certificate_where_optional, &test_tls_server_refuses_foreign_client,
        &test_tls_refusal_of_our_own_leads_to_the_log,
        &test_tls_client_trusts_nobody_by_default, &test_tls_verify_hook_has_the_last_word,
        &test_tls_refuses_older_versions, &test_tls_refuses_key_of_another_certificate, NULL};
    Suite *suite = suite_create("tls");
    TCase *tcase = tcase_create("tls");
    tcase_add_checked_fixture(tcase, setup, teardown);
    for (const TTest *const *const *test = tests; *test; test++)
        tcase_add_test(tcase, **test);
    suite_add_tcase(suite, tcase);
    return suite;
}
