/* The two chains above a node, whole and broken. */
#include "certs/chain.h"
#include "certs/issue.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "tests/unit/runner.h"

enum { NOW = 1800000000, DAY = 86400 };

static const uint8_t kem[CERT_KEM_BYTES] = {7, 1, 2};
static EVP_PKEY *maker, *operator, *hardware, *node, *other;
static X509 *maker_root, *operator_root, *maker_hardware, *operator_hardware, *leaf;
static struct chain_device device;
static struct diag why;

static X509 *issue(enum cert_role role, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key, unsigned days)
{
    struct cert_order o = {.role = role, .name = "x", .subject_key = key, .issuer = issuer, .issuer_key = issuer_key,
                           .now_s = NOW, .days = days, .kem_public = role == CERT_NODE ? kem : NULL};
    X509 *cert = NULL;

    ck_assert_int_eq(cert_issue(&o, &cert, &why), ERR_OK);
    return cert;
}

static void set_up(void)
{
    maker = EVP_EC_gen("P-384");
    operator = EVP_EC_gen("P-384");
    hardware = EVP_EC_gen("P-256");
    node = EVP_EC_gen("P-256");
    other = EVP_EC_gen("P-256");
    maker_root = issue(CERT_ROOT, maker, NULL, maker, 7000);
    operator_root = issue(CERT_ROOT, operator, NULL, operator, 7000);
    maker_hardware = issue(CERT_HARDWARE, hardware, maker_root, maker, 3000);
    operator_hardware = issue(CERT_HARDWARE, hardware, operator_root, operator, 3000);
    leaf = issue(CERT_NODE, node, maker_hardware, hardware, 1000);
    device = (struct chain_device){.now_s = NOW, .leaf_name = "node certificate", .leaf = leaf,
        .manufacturer_hardware = maker_hardware, .manufacturer_root = maker_root,
        .operator_hardware = operator_hardware, .operator_root = operator_root};
}

static void tear_down(void)
{
    EVP_PKEY *keys[] = {maker, operator, hardware, node, other};
    X509 *certs[] = {maker_root, operator_root, maker_hardware, operator_hardware, leaf};

    for (size_t i = 0; i < 5; i++) {
        EVP_PKEY_free(keys[i]);
        X509_free(certs[i]);
    }
}

static void assert_refused(enum err want, const char *named)
{
    diag_clear(&why);
    ck_assert_int_eq(chain_check_device(&device, &why), want);
    ck_assert_msg(strstr(why.what, named) != NULL, "\"%s\" does not name %s", why.what, named);
    ck_assert_str_ne(why.remedy, "");
}

START_TEST(test_both_chains_hold_for_node_and_hsm_certificates)
{
    uint8_t found[CERT_KEM_BYTES];

    ck_assert_msg(chain_check_device(&device, &why) == ERR_OK, "%s", why.what);
    ck_assert_int_eq(chain_check_hardware(&device, hardware, &why), ERR_OK);
    ck_assert_int_eq(cert_kem_public(leaf, found), ERR_OK);
    ck_assert_mem_eq(found, kem, sizeof kem);
    device.leaf = issue(CERT_HSM, other, maker_hardware, hardware, 1000);
    device.leaf_name = "HSM certificate";
    ck_assert_int_eq(chain_check_device(&device, &why), ERR_OK);
    ck_assert_int_eq(cert_kem_public(device.leaf, found), ERR_CERTIFICATE);
    X509_free(device.leaf);
}
END_TEST

START_TEST(test_root_of_the_same_name_and_another_key_is_refused)
{
    device.manufacturer_root = issue(CERT_ROOT, other, NULL, other, 7000);
    assert_refused(ERR_CHAIN, "manufacturer hardware certificate");
    X509_free(device.manufacturer_root);
    device.manufacturer_root = maker_root;
    device.operator_root = issue(CERT_ROOT, other, NULL, other, 7000);
    assert_refused(ERR_CHAIN, "operator hardware certificate");
    X509_free(device.operator_root);
}
END_TEST

START_TEST(test_swapped_hardware_certificates_are_refused)
{
    device.manufacturer_hardware = operator_hardware;
    device.operator_hardware = maker_hardware;
    assert_refused(ERR_CHAIN, "manufacturer hardware certificate");
}
END_TEST

START_TEST(test_hardware_certificates_of_two_keys_are_refused)
{
    device.operator_hardware = issue(CERT_HARDWARE, other, operator_root, operator, 3000);
    assert_refused(ERR_CERTIFICATE, "operator hardware certificate");
    ck_assert_int_eq(chain_check_hardware(&device, hardware, &why), ERR_CERTIFICATE);
    X509_free(device.operator_hardware);
}
END_TEST

START_TEST(test_leaf_of_another_hardware_key_is_refused)
{
    X509 *foreign = issue(CERT_HARDWARE, other, maker_root, maker, 3000);

    device.leaf = issue(CERT_NODE, node, foreign, other, 1000);
    assert_refused(ERR_CHAIN, "node certificate");
    X509_free(device.leaf);
    X509_free(foreign);
}
END_TEST

START_TEST(test_leaf_that_the_roots_key_signed_is_refused)
{
    device.leaf = issue(CERT_NODE, node, maker_root, maker, 1000);
    ck_assert_int_ne(chain_check_device(&device, &why), ERR_OK);
    X509_free(device.leaf);
}
END_TEST

START_TEST(test_expired_and_not_yet_valid_certificates_are_named)
{
    device.now_s = NOW + 1001 * (int64_t)DAY;
    assert_refused(ERR_CERTIFICATE, "node certificate");
    device.now_s = NOW - DAY;
    ck_assert_int_eq(chain_check_device(&device, &why), ERR_CERTIFICATE);
    X509_free(operator_hardware);
    operator_hardware = device.operator_hardware = issue(CERT_HARDWARE, hardware, operator_root, operator, 1);
    device.now_s = NOW + 2 * DAY;
    assert_refused(ERR_CERTIFICATE, "operator hardware certificate");
}
END_TEST

START_TEST(test_hardware_certificate_without_ca_constraint_is_refused)
{
    X509 *bent = X509_dup(maker_hardware);

    X509_EXTENSION_free(X509_delete_ext(bent, X509_get_ext_by_NID(bent, NID_basic_constraints, -1)));
    ck_assert_int_gt(X509_sign(bent, maker, EVP_sha256()), 0);
    device.manufacturer_hardware = bent;
    assert_refused(ERR_CERTIFICATE, "manufacturer hardware certificate");
    ck_assert_int_eq(chain_check_hardware(&device, hardware, &why), ERR_CERTIFICATE);
    X509_free(bent);
}
END_TEST

START_TEST(test_truncated_or_longer_der_is_refused)
{
    struct buffer der = {0};
    X509 *read = NULL;
    X509_REQ *csr = NULL;

    ck_assert_int_eq(cert_write(leaf, &der), ERR_OK);
    for (size_t n = 0; n < der.len; n++)
        ck_assert_int_eq(cert_read(NULL, "the node certificate", der.data, n, &read, &why), ERR_CERTIFICATE);
    ck_assert_ptr_nonnull(strstr(why.what, "the node certificate"));
    ck_assert_int_eq(cert_read(NULL, "it", der.data, der.len, &read, &why), ERR_OK);
    ck_assert_int_eq(X509_cmp(read, leaf), 0);
    X509_free(read);
    buffer_put_u8(&der, 0);
    ck_assert_int_eq(cert_read(NULL, "it", der.data, der.len, &read, &why), ERR_CERTIFICATE);
    ck_assert_int_eq(csr_read(NULL, der.data, der.len, &csr, &why), ERR_CERTIFICATE);
    buffer_clear(&der);
}
END_TEST

START_TEST(test_request_proves_its_key_and_a_bent_one_does_not)
{
    struct buffer der = {0};
    X509_REQ *made = NULL, *read = NULL;

    ck_assert_int_eq(csr_make(NULL, "cluster", node, &made, &why), ERR_OK);
    ck_assert_int_eq(csr_write(made, &der), ERR_OK);
    ck_assert_int_eq(csr_read(NULL, der.data, der.len, &read, &why), ERR_OK);
    ck_assert_int_eq(EVP_PKEY_eq(X509_REQ_get0_pubkey(read), node), 1);
    X509_REQ_free(read);
    read = NULL;
    der.data[der.len - 1] ^= 1;
    ck_assert_int_eq(csr_read(NULL, der.data, der.len, &read, &why), ERR_CERTIFICATE);
    ck_assert_ptr_null(read);
    X509_REQ_free(made);
    buffer_clear(&der);
}
END_TEST

START_TEST(test_cluster_certificate_is_of_the_requests_key_and_the_customers)
{
    X509 *customer = issue(CERT_ROOT, other, NULL, other, 3000);
    X509 *cluster = issue(CERT_SERVER, node, customer, other, 1000);

    ck_assert_msg(chain_check_cluster(NULL, NOW, cluster, node, customer, &why) == ERR_OK, "%s", why.what);
    ck_assert_int_eq(chain_check_cluster(NULL, NOW, cluster, hardware, customer, &why), ERR_CERTIFICATE);
    ck_assert_int_eq(chain_check_cluster(NULL, NOW, cluster, node, maker_root, &why), ERR_CHAIN);
    X509_free(cluster);
    X509_free(customer);
}
END_TEST

START_TEST(test_client_holds_under_one_of_its_anchors_only)
{
    X509 *anchors[] = {maker_root, operator_root};
    X509 *client = issue(CERT_CLIENT, node, operator_root, operator, 10);
    X509 *server = issue(CERT_SERVER, node, operator_root, operator, 10);
    size_t which = 9;

    ck_assert_int_eq(chain_check_client(NULL, NOW, client, anchors, 2, &which, &why), ERR_OK);
    ck_assert_uint_eq(which, 1);
    ck_assert_int_eq(chain_check_client(NULL, NOW, client, anchors, 1, &which, &why), ERR_CLIENT_CERTIFICATE);
    ck_assert_int_eq(chain_check_client(NULL, NOW, client, anchors, 0, &which, &why), ERR_CLIENT_CERTIFICATE);
    ck_assert_int_eq(chain_check_client(NULL, NOW, server, anchors, 2, &which, &why), ERR_CLIENT_CERTIFICATE);
    ck_assert_int_eq(chain_check_client(NULL, NOW + 11 * DAY, client, anchors, 2, &which, &why), ERR_CLIENT_CERTIFICATE);
    X509_free(client);
    X509_free(server);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_both_chains_hold_for_node_and_hsm_certificates,
        &test_root_of_the_same_name_and_another_key_is_refused, &test_swapped_hardware_certificates_are_refused,
        &test_hardware_certificates_of_two_keys_are_refused, &test_leaf_of_another_hardware_key_is_refused,
        &test_leaf_that_the_roots_key_signed_is_refused, &test_expired_and_not_yet_valid_certificates_are_named,
        &test_hardware_certificate_without_ca_constraint_is_refused, &test_truncated_or_longer_der_is_refused,
        &test_request_proves_its_key_and_a_bent_one_does_not,
        &test_cluster_certificate_is_of_the_requests_key_and_the_customers,
        &test_client_holds_under_one_of_its_anchors_only};
    Suite *suite = suite_create("chain");
    TCase *tcase = tcase_create("chain");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(tcase, *tests[i]);
    suite_add_tcase(suite, tcase);
    return suite;
}
