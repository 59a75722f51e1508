/* A node's life from an empty state to its node certificate, over restarts, and each step at the wrong moment. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "certs/chain.h"
#include "certs/issue.h"
#include "tests/unit/node_world.h"
#include "tests/unit/runner.h"
#include "vault/keyring.h"
#include "vault/node/identity.h"

static struct node_world w;
static Hsm__NodeCall call;
static const Hsm__NodeAnswer *a;

static void set_up(void)
{
    node_world_open(&w);
}

static void tear_down(void)
{
    node_world_close(&w);
}

static void assert_refused(enum err want, const char *says)
{
    node_world_refused(a, want, says);
}

/* ---- start and seal */

START_TEST(test_vault_without_a_seal_stays_locked_and_says_so)
{
    node_world_boot(&w, 0, SEAL_NONE, NULL);
    a = node_world_start(&w, 0);
    assert_refused(ERR_VAULT_LOCKED, "passphrase");
    ck_assert(a->facts->locked);
    a = node_world_make_hardware(&w, 0, "n");
    ck_assert_int_eq((int)a->error, ERR_VAULT_LOCKED);
    a = node_world_info(&w, 0);
    ck_assert_int_eq((int)a->error, ERR_OK);
    ck_assert(a->facts->locked);
}
END_TEST

START_TEST(test_new_node_is_unprovisioned_and_starts_once)
{
    node_world_boot(&w, 0, SEAL_FILE, "a");
    a = node_world_start(&w, 0);
    ck_assert_int_eq((int)a->error, ERR_OK);
    ck_assert_str_eq(a->facts->state, "unprovisioned");
    ck_assert(!a->facts->locked);
    a = node_world_start(&w, 0);
    assert_refused(ERR_WRONG_STATE, "once");
}
END_TEST

START_TEST(test_state_opens_under_its_own_seal_alone)
{
    node_world_provision(&w, 0);
    a = node_world_restart(&w, 0, "z");
    assert_refused(ERR_FORGED, "another key file");
    ck_assert(a->facts->locked);
    a = node_world_restart(&w, 0, "a");
    ck_assert_int_eq((int)a->error, ERR_OK);
    ck_assert_str_eq(a->facts->state, "provisioned");
}
END_TEST

START_TEST(test_damaged_state_is_refused_wherever_the_damage_is)
{
    const size_t at[] = {0, 1, 2, 10, 20, 40, 100};

    node_world_provision(&w, 0);
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        w.vaults[0].state.data[at[i]] ^= 0x10;
        a = node_world_restart(&w, 0, "a");
        ck_assert_int_ne((int)a->error, ERR_OK);
        ck_assert_str_ne(a->detail, "");
        w.vaults[0].state.data[at[i]] ^= 0x10;
    }
    w.vaults[0].state.len = 30;
    a = node_world_restart(&w, 0, "a");
    ck_assert_int_eq((int)a->error, ERR_CORRUPT);
}
END_TEST

START_TEST(test_passphrase_opens_its_state_and_a_wrong_one_leaves_it_locked)
{
    node_world_boot(&w, 0, SEAL_PASSPHRASE, "correct horse");
    ck_assert_int_eq((int)node_world_start(&w, 0)->error, ERR_OK);
    ck_assert_int_eq((int)node_world_make_hardware(&w, 0, "n")->error, ERR_OK);
    node_world_halt(&w, 0);
    node_world_boot(&w, 0, SEAL_PASSPHRASE, "wrong horse");
    a = node_world_start(&w, 0);
    assert_refused(ERR_VAULT_LOCKED, "passphrase does not open");
    node_world_halt(&w, 0);
    node_world_boot(&w, 0, SEAL_FILE, "a");
    a = node_world_start(&w, 0);
    assert_refused(ERR_WRONG_STATE, "seal.kind");
    node_world_halt(&w, 0);
    node_world_boot(&w, 0, SEAL_PASSPHRASE, "correct horse");
    a = node_world_start(&w, 0);
    ck_assert_int_eq((int)a->error, ERR_OK);
    ck_assert_uint_gt(a->facts->hardware_csr.len, 0);
}
END_TEST

START_TEST(test_sealed_state_has_no_key_in_the_clear)
{
    node_world_provision(&w, 0);
    node_world_cluster(&w, 0);
    struct identity *i = keyring_identity(w.vaults[0].vault.keyring);
    const Hsm__NodeState *s = identity_state(i);
    const ProtobufCBinaryData keys[] = {s->hardware_private, s->node_private, s->kem_private, s->keys->cluster_private,
                                        s->keys->login_private, s->keys->masters[0]->key};
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        ck_assert_uint_eq(keys[k].len, 32);
        ck_assert_ptr_null(memmem(w.vaults[0].state.data, w.vaults[0].state.len, keys[k].data, 16));
    }
    keyring_identity_done(i);
}
END_TEST

/* ---- provisioning */

START_TEST(test_hardware_request_is_the_same_when_asked_again)
{
    uint8_t first[1024];

    node_world_boot(&w, 0, SEAL_FILE, "a");
    node_world_start(&w, 0);
    a = node_world_make_hardware(&w, 0, "node-1");
    ck_assert_int_eq((int)a->error, ERR_OK);
    size_t n = a->csr.len;
    ck_assert_uint_lt(n, sizeof first);
    memcpy(first, a->csr.data, n);
    a = node_world_restart(&w, 0, "a");
    ck_assert_mem_eq(a->facts->hardware_csr.data, first, n);
    a = node_world_make_hardware(&w, 0, "node-1");
    ck_assert_uint_eq(a->csr.len, n);
    ck_assert_mem_eq(a->csr.data, first, n);
}
END_TEST

START_TEST(test_name_of_a_node_is_bounded)
{
    node_world_boot(&w, 0, SEAL_FILE, "a");
    node_world_start(&w, 0);
    a = node_world_make_hardware(&w, 0, "");
    assert_refused(ERR_ARGUMENTS, "name");
    a = node_world_make_hardware(&w, 0, "12345678901234567890123456789012345678901234567890123456789012345");
    assert_refused(ERR_ARGUMENTS, "name");
}
END_TEST

/* certify with the four certificates bent by `bend`; the node then stays unprovisioned. */
struct four {
    ProtobufCBinaryData manufacturer, manufacturer_root, operator, operator_root;
};

static void certify_bent(void (*bend)(struct four *f, const ProtobufCBinaryData *csr), enum err want, const char *says)
{
    Hsm__NodeCertify certify = HSM__NODE_CERTIFY__INIT;
    ProtobufCBinaryData csr;
    struct four f;

    node_world_boot(&w, 0, SEAL_FILE, "a");
    node_world_start(&w, 0);
    a = node_world_make_hardware(&w, 0, "node-1");
    csr = (ProtobufCBinaryData){.data = memcpy(malloc(a->csr.len), a->csr.data, a->csr.len), .len = a->csr.len};
    f.manufacturer = node_world_issue(&w.manufacturer, CERT_HARDWARE, "node-1", &csr);
    f.operator = node_world_issue(&w.operator, CERT_HARDWARE, "node-1", &csr);
    f.manufacturer_root = node_world_der(w.manufacturer.cert);
    f.operator_root = node_world_der(w.operator.cert);
    bend(&f, &csr);
    certify.manufacturer_certificate = f.manufacturer;
    certify.manufacturer_root = f.manufacturer_root;
    certify.operator_certificate = f.operator;
    certify.operator_root = f.operator_root;
    hsm__node_call__init(&call);
    call.of_case = HSM__NODE_CALL__OF_CERTIFY;
    call.certify = &certify;
    a = node_world_call(&w, 0, &call);
    assert_refused(want, says);
    ck_assert_str_eq(a->facts->state, "unprovisioned");
    free(f.manufacturer.data);
    free(f.manufacturer_root.data);
    free(f.operator.data);
    free(f.operator_root.data);
    free(csr.data);
}

static void replace(ProtobufCBinaryData *field, ProtobufCBinaryData with)
{
    free(field->data);
    *field = with;
}

static void foreign_root(struct four *f, const ProtobufCBinaryData *csr)
{
    struct world_authority other = node_world_authority("operator");

    (void)csr;
    replace(&f->operator_root, node_world_der(other.cert));
    node_world_authority_free(&other);
}

static void other_hardware_key(struct four *f, const ProtobufCBinaryData *csr)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509_REQ *request = NULL;
    struct buffer der = {0};
    ProtobufCBinaryData other;

    (void)csr;
    ck_assert_int_eq(csr_make(NULL, "node-1", key, &request, NULL), ERR_OK);
    ck_assert_int_eq(csr_write(request, &der), ERR_OK);
    other = (ProtobufCBinaryData){.data = der.data, .len = der.len};
    replace(&f->manufacturer, node_world_issue(&w.manufacturer, CERT_HARDWARE, "node-1", &other));
    buffer_clear(&der);
    X509_REQ_free(request);
    EVP_PKEY_free(key);
}

static void swapped(struct four *f, const ProtobufCBinaryData *csr)
{
    ProtobufCBinaryData m = f->manufacturer;

    (void)csr;
    f->manufacturer = f->operator;
    f->operator = m;
}

static void no_authority(struct four *f, const ProtobufCBinaryData *csr)
{
    replace(&f->operator, node_world_issue(&w.operator, CERT_CLIENT, "node-1", csr));
}

static void other_name(struct four *f, const ProtobufCBinaryData *csr)
{
    replace(&f->operator, node_world_issue(&w.operator, CERT_HARDWARE, "node-2", csr));
}

static void one_root(struct four *f, const ProtobufCBinaryData *csr)
{
    replace(&f->operator, node_world_issue(&w.manufacturer, CERT_HARDWARE, "node-1", csr));
    replace(&f->operator_root, node_world_der(w.manufacturer.cert));
}

static void missing(struct four *f, const ProtobufCBinaryData *csr)
{
    (void)csr;
    replace(&f->operator_root, (ProtobufCBinaryData){0});
}

static void cut_off(struct four *f, const ProtobufCBinaryData *csr)
{
    (void)csr;
    f->manufacturer.len -= 1;
}

START_TEST(test_hardware_certificate_under_a_foreign_root_is_refused)
{
    certify_bent(foreign_root, ERR_CHAIN, "operator hardware certificate");
}
END_TEST

START_TEST(test_hardware_certificate_of_another_key_is_refused)
{
    certify_bent(other_hardware_key, ERR_CERTIFICATE, "manufacturer hardware certificate");
}
END_TEST

START_TEST(test_swapped_hardware_certificates_are_refused)
{
    certify_bent(swapped, ERR_CHAIN, "manufacturer hardware certificate");
}
END_TEST

START_TEST(test_hardware_certificate_that_is_no_authority_is_refused)
{
    certify_bent(no_authority, ERR_CERTIFICATE, "operator hardware certificate");
}
END_TEST

START_TEST(test_hardware_certificates_of_two_names_are_refused)
{
    certify_bent(other_name, ERR_CERTIFICATE, "same ID");
}
END_TEST

START_TEST(test_one_root_twice_is_refused)
{
    certify_bent(one_root, ERR_CERTIFICATE, "two roots");
}
END_TEST

START_TEST(test_missing_root_is_refused)
{
    certify_bent(missing, ERR_ARGUMENTS, "four certificates");
}
END_TEST

START_TEST(test_certificate_that_is_cut_off_is_refused)
{
    certify_bent(cut_off, ERR_CERTIFICATE, "manufacturer hardware certificate");
}
END_TEST

START_TEST(test_provisioned_node_shows_certificates_that_hold_under_both_roots)
{
    uint8_t kem[CERT_KEM_BYTES], hash[32], *der = NULL;
    X509 *node;
    int n;

    node_world_provision(&w, 0);
    a = node_world_info(&w, 0);
    ck_assert_str_eq(a->facts->state, "provisioned");
    ck_assert_uint_eq(a->facts->hardware_csr.len, 0);
    node_world_holds(&w, a->facts, &a->facts->node_certificate);
    node = node_world_cert(&w, &a->facts->node_certificate);
    ck_assert_int_eq(cert_kem_public(node, kem), ERR_OK);
    n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(node), &der);
    ck_assert_int_eq(EVP_Q_digest(NULL, "SHA256", NULL, der, (size_t)n, hash, NULL), 1);
    ck_assert_uint_eq(a->facts->fingerprint.len, sizeof hash);
    ck_assert_mem_eq(a->facts->fingerprint.data, hash, sizeof hash);
    OPENSSL_free(der);
    X509_free(node);
    a = node_world_make_hardware(&w, 0, "again");
    assert_refused(ERR_WRONG_STATE, "provisioned already");
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_vault_without_a_seal_stays_locked_and_says_so,
        &test_new_node_is_unprovisioned_and_starts_once,
        &test_state_opens_under_its_own_seal_alone,
        &test_damaged_state_is_refused_wherever_the_damage_is,
        &test_passphrase_opens_its_state_and_a_wrong_one_leaves_it_locked,
        &test_sealed_state_has_no_key_in_the_clear,
        &test_hardware_request_is_the_same_when_asked_again,
        &test_name_of_a_node_is_bounded,
        &test_hardware_certificate_under_a_foreign_root_is_refused,
        &test_hardware_certificate_of_another_key_is_refused,
        &test_swapped_hardware_certificates_are_refused,
        &test_hardware_certificate_that_is_no_authority_is_refused,
        &test_hardware_certificates_of_two_names_are_refused,
        &test_one_root_twice_is_refused,
        &test_missing_root_is_refused,
        &test_certificate_that_is_cut_off_is_refused,
        &test_provisioned_node_shows_certificates_that_hold_under_both_roots,
        NULL,
    };
    Suite *s = suite_create("node_life");
    TCase *tc = tcase_create("node_life");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    for (size_t i = 0; tests[i] != NULL; i++)
        tcase_add_test(tc, *tests[i]);
    suite_add_tcase(s, tc);
    return s;
}
