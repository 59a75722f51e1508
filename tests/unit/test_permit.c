/* The table of what each key may sign, held against every key and every form of text. */
#include "vault/node/permit.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "crypto/curve.h"
#include "tests/unit/runner.h"
#include "vault/node/node_key.h"
#include "vault/provider/ecdsa_text.h"

enum { CONTENT_BYTES_MAX = 64 + 34 + 64 };

static OSSL_LIB_CTX *libctx;
static struct key *pair;
static struct buffer out;

static void set_up(void)
{
    Hsm__NodeState *state = identity_new_state();

    libctx = OSSL_LIB_CTX_new();
    ck_assert_int_eq(node_key_make(libctx, &state->node_private, &pair), ERR_OK);
    identity_state_free(state);
    out = (struct buffer){0};
}

static void tear_down(void)
{
    buffer_clear(&out);
    key_free(pair);
    OSSL_LIB_CTX_free(libctx);
}

static struct permit_key as(enum identity_key which)
{
    return (struct permit_key){.libctx = libctx, .which = which, .key = key_evp(pair)};
}

/* RFC 8446 section 4.4.3. */
static size_t content_of(const char *side, size_t hash_bytes, uint8_t to[CONTENT_BYTES_MAX])
{
    char context[40];
    int n = snprintf(context, sizeof context, "TLS 1.3, %s CertificateVerify", side);

    memset(to, ' ', 64);
    memcpy(to + 64, context, (size_t)n + 1);
    memset(to + 64 + n + 1, 0xab, hash_bytes);
    return 64 + (size_t)n + 1 + hash_bytes;
}

static enum err sign_tls(enum identity_key which, const char *side, size_t hash_bytes)
{
    uint8_t content[CONTENT_BYTES_MAX];
    size_t n = content_of(side, hash_bytes, content);
    struct permit_key k = as(which);

    buffer_reset(&out);
    return permit_sign_tls(&k, "SHA2-256", content, n, &out);
}

START_TEST(test_cluster_key_signs_as_a_server_and_never_as_a_client)
{
    uint8_t content[CONTENT_BYTES_MAX];
    size_t n = content_of("server", 32, content);

    ck_assert_int_eq(sign_tls(IDENTITY_CLUSTER, "server", 32), ERR_OK);
    ck_assert_int_eq(ecdsa_text_verify(libctx, key_evp(pair), content, n, out.data, out.len), ERR_OK);
    ck_assert_int_eq(sign_tls(IDENTITY_CLUSTER, "server", 48), ERR_OK);
    ck_assert_int_eq(sign_tls(IDENTITY_CLUSTER, "client", 32), ERR_PERMISSION);
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

START_TEST(test_node_key_signs_as_server_and_client)
{
    ck_assert_int_eq(sign_tls(IDENTITY_NODE, "server", 32), ERR_OK);
    ck_assert_int_eq(sign_tls(IDENTITY_NODE, "client", 48), ERR_OK);
}
END_TEST

START_TEST(test_hardware_key_signs_no_handshake)
{
    ck_assert_int_eq(sign_tls(IDENTITY_HARDWARE, "server", 32), ERR_PERMISSION);
    ck_assert_int_eq(sign_tls(IDENTITY_HARDWARE, "client", 32), ERR_PERMISSION);
}
END_TEST

START_TEST(test_hash_of_another_length_is_refused)
{
    const size_t lengths[] = {0, 20, 31, 33, 47, 49, 64};

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        ck_assert_int_eq(sign_tls(IDENTITY_NODE, "server", lengths[i]), ERR_PERMISSION);
}
END_TEST

START_TEST(test_every_changed_byte_before_the_hash_is_refused)
{
    struct permit_key k = as(IDENTITY_NODE);
    uint8_t content[CONTENT_BYTES_MAX];
    size_t n = content_of("server", 32, content);

    for (size_t i = 0; i < n - 32; i++) {
        content[i] ^= 1;
        ck_assert_int_eq(permit_sign_tls(&k, "SHA2-256", content, n, &out), ERR_PERMISSION);
        content[i] ^= 1;
    }
    ck_assert_int_eq(permit_sign_tls(&k, "SHA2-256", content, n, &out), ERR_OK);
}
END_TEST

START_TEST(test_bare_digest_arbitrary_text_and_other_digests_are_refused)
{
    struct permit_key k = as(IDENTITY_CLUSTER);
    uint8_t content[CONTENT_BYTES_MAX];
    size_t n = content_of("server", 32, content);

    ck_assert_int_eq(permit_sign_tls(&k, "SHA2-256", content + n - 32, 32, &out), ERR_PERMISSION);
    ck_assert_int_eq(permit_sign_tls(&k, "SHA2-256", (const uint8_t *)"pay to bearer", 13, &out), ERR_PERMISSION);
    ck_assert_int_eq(permit_sign_tls(&k, "SHA2-256", NULL, 0, &out), ERR_PERMISSION);
    ck_assert_int_eq(permit_sign_tls(&k, "SHA2-256", (const uint8_t *)"clusterhsm login key\0x", 22, &out), ERR_PERMISSION);
    ck_assert_int_eq(permit_sign_tls(&k, "SHA1", content, n, &out), ERR_PERMISSION);
    ck_assert_int_eq(permit_sign_tls(&k, "", content, n, &out), ERR_PERMISSION);
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

/* Written out once more, so that a slip in the table is a fault here. */
static const struct {
    enum permit_use use;
    bool hardware, node, cluster;
} texts[] = {
    {PERMIT_TLS_SERVER, false, false, false}, /* by permit_sign_tls alone */
    {PERMIT_TLS_CLIENT, false, false, false},
    {PERMIT_LOGIN_STATEMENT, false, false, true},
    {PERMIT_JOIN_REQUEST, false, true, false},
    {PERMIT_JOIN_KEYS, false, true, false},
    {PERMIT_REQUEST, false, false, false}, /* made of their parts alone */
    {PERMIT_NODE_CERTIFICATE, false, false, false},
    {PERMIT_HSM_CERTIFICATE, false, false, false},
    {PERMIT_USES, false, false, false},
};

START_TEST(test_each_key_signs_its_labelled_texts_and_no_others)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const bool want[IDENTITY_KEYS] = {[IDENTITY_HARDWARE] = texts[i].hardware, [IDENTITY_NODE] = texts[i].node,
                                          [IDENTITY_CLUSTER] = texts[i].cluster};
        for (int which = 0; which < IDENTITY_KEYS; which++) {
            struct permit_key k = as((enum identity_key)which);
            enum err e = permit_sign_text(&k, texts[i].use, (const uint8_t *)"text", 4, &out);
            ck_assert_msg(e == (want[which] ? ERR_OK : ERR_PERMISSION), "use %zu key %d: %s", i, which, err_name(e));
        }
    }
}
END_TEST

START_TEST(test_text_of_one_use_does_not_pass_for_anothers)
{
    struct permit_key k = as(IDENTITY_NODE);

    ck_assert_int_eq(permit_sign_text(&k, PERMIT_JOIN_REQUEST, (const uint8_t *)" keys", 6, &out), ERR_OK);
    ck_assert_int_eq(
        permit_verify_text(libctx, k.key, PERMIT_JOIN_REQUEST, (const uint8_t *)" keys", 6, out.data, out.len), ERR_OK);
    ck_assert_int_eq(permit_verify_text(libctx, k.key, PERMIT_JOIN_KEYS, NULL, 0, out.data, out.len), ERR_SIGNATURE);
    ck_assert_int_eq(
        permit_verify_text(libctx, k.key, PERMIT_LOGIN_STATEMENT, (const uint8_t *)" keys", 6, out.data, out.len), ERR_SIGNATURE);
}
END_TEST

static enum err certificate(enum identity_key which, enum cert_role role)
{
    static const uint8_t kem[CERT_KEM_BYTES] = {1};
    struct cert_order o = {.libctx = libctx, .role = role, .name = "x", .subject_key = key_evp(pair), .now_s = 1800000000, .days = 1,
                           .kem_public = role == CERT_NODE ? kem : NULL};
    struct permit_key k = as(which);
    X509 *cert = NULL;
    enum err e = permit_certificate(&k, &o, &cert, NULL);

    X509_free(cert);
    return e;
}

START_TEST(test_hardware_key_alone_issues_and_only_node_and_hsm_certificates)
{
    for (int role = CERT_ROOT; role < CERT_ROLES; role++) {
        bool may = role == CERT_NODE || role == CERT_HSM;
        ck_assert_int_eq(certificate(IDENTITY_HARDWARE, (enum cert_role)role), may ? ERR_OK : ERR_PERMISSION);
        ck_assert_int_eq(certificate(IDENTITY_NODE, (enum cert_role)role), ERR_PERMISSION);
        ck_assert_int_eq(certificate(IDENTITY_CLUSTER, (enum cert_role)role), ERR_PERMISSION);
    }
}
END_TEST

START_TEST(test_requests_are_for_the_hardware_and_the_cluster_key)
{
    for (int which = 0; which < IDENTITY_KEYS; which++) {
        struct permit_key k = as((enum identity_key)which);
        X509_REQ *csr = NULL;
        ck_assert_int_eq(permit_request(&k, "x", &csr, NULL), which == IDENTITY_NODE ? ERR_PERMISSION : ERR_OK);
        X509_REQ_free(csr);
    }
}
END_TEST

START_TEST(test_key_that_is_not_there_signs_nothing)
{
    struct permit_key k = {.libctx = libctx, .which = IDENTITY_CLUSTER};
    uint8_t content[CONTENT_BYTES_MAX];
    size_t n = content_of("server", 32, content);

    ck_assert_int_eq(permit_sign_tls(&k, "SHA2-256", content, n, &out), ERR_WRONG_STATE);
    ck_assert_int_eq(permit_sign_text(&k, PERMIT_LOGIN_STATEMENT, NULL, 0, &out), ERR_WRONG_STATE);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("permit");
    TCase *tc = tcase_create("permit");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, test_cluster_key_signs_as_a_server_and_never_as_a_client);
    tcase_add_test(tc, test_node_key_signs_as_server_and_client);
    tcase_add_test(tc, test_hardware_key_signs_no_handshake);
    tcase_add_test(tc, test_hash_of_another_length_is_refused);
    tcase_add_test(tc, test_every_changed_byte_before_the_hash_is_refused);
    tcase_add_test(tc, test_bare_digest_arbitrary_text_and_other_digests_are_refused);
    tcase_add_test(tc, test_each_key_signs_its_labelled_texts_and_no_others);
    tcase_add_test(tc, test_text_of_one_use_does_not_pass_for_anothers);
    tcase_add_test(tc, test_hardware_key_alone_issues_and_only_node_and_hsm_certificates);
    tcase_add_test(tc, test_requests_are_for_the_hardware_and_the_cluster_key);
    tcase_add_test(tc, test_key_that_is_not_there_signs_nothing);
    suite_add_tcase(s, tc);
    return s;
}
