#include "daemon/net/vkey.h"

#include "common/tls.h"
#include "tests/unit/certificates.h"
#include "tests/unit/runner.h"

#include <openssl/err.h>
#include <openssl/provider.h>
#include <string.h>

static OSSL_LIB_CTX *libctx;
static EVP_PKEY *ca_key, *server_key, *client_key, *held;
static X509 *ca, *server, *client;
static STACK_OF(X509) *roots;
static unsigned signatures;
static size_t signed_bytes;
static char signed_start[65];

static bool sign_here(void *arg, const char *digest, const uint8_t *bytes, size_t n, uint8_t *signature, size_t *len,
    size_t room)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok;
    signatures++;
    signed_bytes = n;
    memcpy(signed_start, bytes, 64);
    *len = room;
    ok = EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, arg, NULL) == 1 &&
        EVP_DigestSign(ctx, signature, len, bytes, n) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

static bool sign_never(void *arg, const char *digest, const uint8_t *bytes, size_t n, uint8_t *signature, size_t *len,
    size_t room)
{
    (void)arg, (void)digest, (void)bytes, (void)n, (void)signature, (void)len, (void)room;
    signatures++;
    return false;
}

static void setup(void)
{
    libctx = OSSL_LIB_CTX_new();
    ck_assert_ptr_nonnull(OSSL_PROVIDER_load(libctx, "default"));
    ck_assert(vkey_provider_load(libctx, NULL));
    ca_key = test_key_new();
    server_key = test_key_new();
    client_key = test_key_new();
    ca = test_certificate_new("ca", ca_key, NULL, NULL);
    server = test_certificate_new("server", server_key, ca, ca_key);
    client = test_certificate_new("client", client_key, ca, ca_key);
    roots = sk_X509_new_null();
    sk_X509_push(roots, ca);
    signatures = 0;
}

static void teardown(void)
{
    EVP_PKEY_free(held);
    held = NULL;
    sk_X509_free(roots);
    X509_free(ca);
    X509_free(server);
    X509_free(client);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(server_key);
    EVP_PKEY_free(client_key);
    test_providers_unload(libctx);
    OSSL_LIB_CTX_free(libctx);
}

/* Mutual handshake over a BIO pair, the held key on the server or the client. True: done on both ends. *alert: what the
 * other end was told. */
static bool shake(enum tls_side held_side, EVP_PKEY *key, int *alert)
{
    struct tls_setup s = {.libctx = libctx, .side = TLS_SERVER, .certificate = server, .key = server_key};
    struct tls_setup c = {.libctx = libctx, .side = TLS_CLIENT, .certificate = client, .key = client_key};
    struct diag why = {0};
    BIO *a, *b;
    int s_done = 0, c_done = 0;
    s.roots = c.roots = roots;
    *(held_side == TLS_SERVER ? &s.key : &c.key) = key;
    SSL_CTX *s_ctx = tls_context_new(&s, &why), *c_ctx = tls_context_new(&c, &why);
    ck_assert_msg(s_ctx && c_ctx, "%s", why.what);
    SSL *s_end = SSL_new(s_ctx), *c_end = SSL_new(c_ctx);
    ck_assert_int_eq(BIO_new_bio_pair(&a, 0, &b, 0), 1);
    SSL_set_bio(s_end, a, a);
    SSL_set_bio(c_end, b, b);
    for (int turn = 0; turn < 10; turn++) {
        ERR_clear_error();
        c_done = SSL_connect(c_end);
        if (alert != NULL && c_done != 1 && SSL_get_error(c_end, c_done) == SSL_ERROR_SSL && *alert == 0)
            *alert = ERR_GET_REASON(ERR_peek_last_error()) - SSL_AD_REASON_OFFSET;
        ERR_clear_error();
        s_done = SSL_accept(s_end);
    }
    ERR_clear_error();
    SSL_free(s_end);
    SSL_free(c_end);
    SSL_CTX_free(s_ctx);
    SSL_CTX_free(c_ctx);
    return s_done == 1 && c_done == 1;
}

static EVP_PKEY *hold(EVP_PKEY *pub, vkey_sign_fn *fn, EVP_PKEY *with)
{
    struct diag why = {0};
    held = vkey_new(libctx, pub, fn, with, &why);
    ck_assert_msg(held != NULL, "%s", why.what);
    return held;
}

START_TEST(test_vkey_server_key_is_behind_the_callback)
{
    hold(X509_get0_pubkey(server), sign_here, server_key);
    ck_assert(shake(TLS_SERVER, held, NULL));
    ck_assert_uint_eq(signatures, 1);
}
END_TEST

START_TEST(test_vkey_client_key_is_behind_the_callback)
{
    hold(X509_get0_pubkey(client), sign_here, client_key);
    ck_assert(shake(TLS_CLIENT, held, NULL));
    ck_assert_uint_eq(signatures, 1);
}
END_TEST

/* RFC 8446 section 4.4.3: the vault can see what it signs. */
START_TEST(test_vkey_callback_gets_the_whole_text)
{
    char spaces[64];
    memset(spaces, ' ', sizeof spaces);
    hold(X509_get0_pubkey(server), sign_here, server_key);
    ck_assert(shake(TLS_SERVER, held, NULL));
    ck_assert_mem_eq(signed_start, spaces, 64);
    ck_assert(signed_bytes == 64 + 33 + 1 + 32 || signed_bytes == 64 + 33 + 1 + 48);
}
END_TEST

START_TEST(test_vkey_of_another_certificate_is_refused)
{
    struct tls_setup s = {.libctx = libctx, .side = TLS_SERVER, .certificate = server, .roots = roots};
    struct diag why = {0};
    s.key = hold(client_key, sign_here, client_key);
    ck_assert_ptr_null(tls_context_new(&s, &why));
    ck_assert_ptr_nonnull(strstr(why.what, "private key"));
}
END_TEST

START_TEST(test_vkey_signature_by_a_wrong_key_ends_the_handshake)
{
    hold(X509_get0_pubkey(server), sign_here, client_key);
    ck_assert(!shake(TLS_SERVER, held, NULL));
    ck_assert_uint_eq(signatures, 1);
}
END_TEST

START_TEST(test_vkey_failing_callback_ends_in_an_alert)
{
    int alert = 0;
    hold(X509_get0_pubkey(server), sign_never, NULL);
    ck_assert(!shake(TLS_SERVER, held, &alert));
    ck_assert_uint_eq(signatures, 1);
    ck_assert_int_eq(alert, SSL_AD_INTERNAL_ERROR);
}
END_TEST

START_TEST(test_vkey_gives_no_private_half)
{
    OSSL_PARAM *params = NULL;
    hold(X509_get0_pubkey(server), sign_here, server_key);
    ck_assert_int_ne(EVP_PKEY_todata(held, EVP_PKEY_KEYPAIR, &params), 1);
    ERR_clear_error();
}
END_TEST

START_TEST(test_vkey_refuses_a_key_that_is_not_ec)
{
    EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    ck_assert_ptr_null(vkey_new(libctx, ed, sign_here, NULL, NULL));
    EVP_PKEY_free(ed);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("net_vkey");
    TCase *tc = tcase_create("vkey");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_vkey_server_key_is_behind_the_callback);
    tcase_add_test(tc, test_vkey_client_key_is_behind_the_callback);
    tcase_add_test(tc, test_vkey_callback_gets_the_whole_text);
    tcase_add_test(tc, test_vkey_of_another_certificate_is_refused);
    tcase_add_test(tc, test_vkey_signature_by_a_wrong_key_ends_the_handshake);
    tcase_add_test(tc, test_vkey_failing_callback_ends_in_an_alert);
    tcase_add_test(tc, test_vkey_gives_no_private_half);
    tcase_add_test(tc, test_vkey_refuses_a_key_that_is_not_ec);
    suite_add_tcase(s, tc);
    return s;
}
