/* The login key's statement as a vault makes it, held against the module's own check. */
#include "module/rpc/statement.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "certs/issue.h"
#include "crypto/cluster_name.h"
#include "tests/unit/node_world.h"
#include "tests/unit/runner.h"

static struct node_world w;
static const Hsm__NodeAnswer *a;

static void set_up(void)
{
    node_world_open(&w);
}

static void tear_down(void)
{
    node_world_close(&w);
}

START_TEST(test_login_statement_is_what_the_module_accepts)
{
    struct stream_peer peer = {0};
    struct cluster_view known = {0};
    Hsm__Welcome welcome = HSM__WELCOME__INIT;
    uint8_t login[32], *der = NULL;
    struct diag why = {0};
    X509 *cert;

    node_world_provision(&w, 0);
    node_world_cluster(&w, 0);
    a = node_world_info(&w, 0);
    cert = node_world_cert(&w, &a->facts->cluster_certificate);
    peer.key_bytes = (size_t)i2d_PUBKEY(X509_get0_pubkey(cert), &der);
    peer.key = der;
    ck_assert_int_eq(EVP_Q_digest(NULL, "SHA256", NULL, a->facts->cluster_certificate.data, a->facts->cluster_certificate.len,
                                  peer.certificate_hash, NULL), 1);
    peer.named = cluster_name_read(X509_get_subject_name(cert), peer.cluster_id);
    ck_assert(peer.named);
    welcome.statement = a->facts->login_statement;
    welcome.statement_signature = a->facts->login_statement_signature;
    ck_assert_msg(statement_check(w.libctx, &welcome, &peer, WORLD_NOW_S, &known, login, &why) == ERR_OK, "%s", why.what);
    ck_assert_mem_eq(known.cluster_id, a->facts->cluster_id.data, 16);
    ck_assert_int_eq(statement_check(w.libctx, &welcome, &peer, WORLD_NOW_S + 6 * 86400, &known, login, &why), ERR_OK);
    ck_assert_int_eq(statement_check(w.libctx, &welcome, &peer, WORLD_NOW_S + 8 * 86400, &known, login, &why), ERR_FORGED);
    ck_assert_int_eq(statement_check(w.libctx, &welcome, &peer, WORLD_NOW_S - 2 * 3600, &known, login, &why), ERR_FORGED);
    X509_free(cert);
    OPENSSL_free(der);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_login_statement_is_what_the_module_accepts,
        NULL,
    };
    Suite *s = suite_create("node_statement");
    TCase *tc = tcase_create("node_statement");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    for (size_t i = 0; tests[i] != NULL; i++)
        tcase_add_test(tc, *tests[i]);
    suite_add_tcase(s, tc);
    return s;
}
