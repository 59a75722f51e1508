/* A cluster begins: created, claimed, its record told; and what a front cannot talk a vault into. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "certs/chain.h"
#include "certs/issue.h"
#include "tests/unit/node_world.h"
#include "tests/unit/runner.h"
#include "vault/keyring.h"
#include "vault/record.h"

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

/* ---- create and initialize */

START_TEST(test_cluster_is_created_once_and_by_a_provisioned_node)
{
    node_world_boot(&w, 0, SEAL_FILE, "a");
    node_world_start(&w, 0);
    a = node_world_create(&w, 0, 1);
    assert_refused(ERR_WRONG_STATE, "not provisioned");
    node_world_halt(&w, 0);
    node_world_provision(&w, 0);
    a = node_world_create(&w, 0, 0);
    assert_refused(ERR_ARGUMENTS, "1 or more");
    a = node_world_create(&w, 0, 1);
    ck_assert_int_eq((int)a->error, ERR_OK);
    ck_assert_str_eq(a->facts->state, "uninitialized");
    a = node_world_create(&w, 0, 1);
    assert_refused(ERR_WRONG_STATE, "a cluster already");
}
END_TEST

START_TEST(test_hsm_certificate_and_request_are_of_one_key)
{
    X509_REQ *csr = NULL;
    X509 *hsm;

    node_world_provision(&w, 0);
    a = node_world_create(&w, 0, 1);
    node_world_holds(&w, a->facts, &a->facts->hsm_certificate);
    hsm = node_world_cert(&w, &a->facts->hsm_certificate);
    ck_assert_int_eq(csr_read(w.libctx, a->facts->cluster_csr.data, a->facts->cluster_csr.len, &csr, NULL), ERR_OK);
    ck_assert_int_eq(EVP_PKEY_eq(X509_get0_pubkey(hsm), X509_REQ_get0_pubkey(csr)), 1);
    X509_free(hsm);
    X509_REQ_free(csr);
}
END_TEST

START_TEST(test_cluster_keys_survive_a_restart)
{
    uint8_t login[32], id[16];

    node_world_provision(&w, 0);
    a = node_world_create(&w, 0, 1);
    const struct cluster_view *v = keyring_view(w.vaults[0].vault.keyring);
    memcpy(login, v->login_private->bytes, sizeof login);
    memcpy(id, v->cluster_id, sizeof id);
    keyring_view_done(w.vaults[0].vault.keyring, v);
    a = node_world_restart(&w, 0, "a");
    ck_assert_str_eq(a->facts->state, "uninitialized");
    ck_assert_uint_eq(a->facts->node_id, 1);
    v = keyring_view(w.vaults[0].vault.keyring);
    ck_assert_mem_eq(v->login_private->bytes, login, sizeof login);
    ck_assert_mem_eq(v->cluster_id, id, sizeof id);
    ck_assert_uint_eq(master_epoch(v->master), 1);
    keyring_view_done(w.vaults[0].vault.keyring, v);
}
END_TEST

static const char *named; /* the cluster certificate's name where it is not the request's */
static bool pinned;

/* initialize with the certificates of a created cluster, one of them replaced. */
static void initialize(const struct world_authority *customer, const struct world_authority *signer, const X509 *client_anchor,
                       bool own_key)
{
    Hsm__ClusterInitialize i = HSM__CLUSTER_INITIALIZE__INIT;
    ProtobufCBinaryData csr;

    a = node_world_info(&w, 0);
    csr = own_key ? a->facts->cluster_csr : (ProtobufCBinaryData){0};
    if (own_key) {
        i.cluster_certificate = node_world_issue(signer, CERT_SERVER, named, &csr);
    } else {
        struct cert_order o = {.role = CERT_SERVER, .name = "other", .subject_key = w.clients.key, .issuer = signer->cert,
                               .issuer_key = signer->key, .now_s = WORLD_NOW_S, .days = 10};
        X509 *cert = NULL;
        ck_assert_int_eq(cert_issue(&o, &cert, NULL), ERR_OK);
        i.cluster_certificate = node_world_der(cert);
        X509_free(cert);
    }
    i.customer_anchor = node_world_der(customer->cert);
    i.client_anchor = node_world_der(client_anchor);
    i.clients_pin = pinned;
    hsm__node_call__init(&call);
    call.of_case = HSM__NODE_CALL__OF_INITIALIZE;
    call.initialize = &i;
    a = node_world_call(&w, 0, &call);
    free(i.cluster_certificate.data);
    free(i.customer_anchor.data);
    free(i.client_anchor.data);
}

START_TEST(test_initialized_cluster_has_its_record_and_says_so)
{
    Hsm__ClusterBody *body;
    uint64_t version;

    node_world_provision(&w, 0);
    a = node_world_create(&w, 0, 1);
    initialize(&w.customer, &w.customer, w.clients.cert, true);
    ck_assert_int_eq((int)a->error, ERR_OK);
    ck_assert_str_eq(a->facts->state, "initialized");
    ck_assert_uint_eq(a->facts->n_client_anchors, 1);
    ck_assert_uint_eq(a->facts->n_members, 1);
    ck_assert_uint_eq(a->facts->members[0]->node_id, 1);
    ck_assert_mem_eq(a->facts->members[0]->fingerprint.data, a->facts->fingerprint.data, 32);
    body = node_world_body(&w, 0, &version);
    ck_assert_uint_eq(version, 1);
    ck_assert_uint_eq(body->trust_epoch, 1);
    ck_assert_uint_eq(body->login_key_epoch, 1);
    ck_assert_uint_eq(body->next_node_id, 2);
    ck_assert(!body->activated);
    hsm__cluster_body__free_unpacked(body, NULL);
    initialize(&w.customer, &w.customer, w.clients.cert, true);
    assert_refused(ERR_WRONG_STATE, "initialized already");
}
END_TEST

START_TEST(test_cluster_certificate_of_another_key_is_refused)
{
    node_world_provision(&w, 0);
    a = node_world_create(&w, 0, 1);
    initialize(&w.customer, &w.customer, w.clients.cert, false);
    assert_refused(ERR_CERTIFICATE, "another key");
    ck_assert_uint_eq(w.proposals, 0);
}
END_TEST

START_TEST(test_cluster_certificate_of_another_authority_is_refused)
{
    node_world_provision(&w, 0);
    a = node_world_create(&w, 0, 1);
    initialize(&w.customer, &w.operator, w.clients.cert, true);
    assert_refused(ERR_CHAIN, "cluster certificate");
}
END_TEST

START_TEST(test_client_anchor_that_is_no_authority_is_refused)
{
    struct cert_order o = {.role = CERT_CLIENT, .name = "leaf", .subject_key = w.operator.key, .issuer = w.clients.cert,
                           .issuer_key = w.clients.key, .now_s = WORLD_NOW_S, .days = 10};
    X509 *leaf = NULL;

    node_world_provision(&w, 0);
    a = node_world_create(&w, 0, 1);
    ck_assert_int_eq(cert_issue(&o, &leaf, NULL), ERR_OK);
    initialize(&w.customer, &w.customer, leaf, true);
    assert_refused(ERR_CERTIFICATE, "client anchor");
    X509_free(leaf);
}
END_TEST

START_TEST(test_expired_client_anchor_is_refused)
{
    struct cert_order o = {.role = CERT_ROOT, .name = "old", .subject_key = w.operator.key, .issuer_key = w.operator.key,
                           .now_s = WORLD_NOW_S - 20 * 86400, .days = 10};
    X509 *old = NULL;

    node_world_provision(&w, 0);
    a = node_world_create(&w, 0, 1);
    ck_assert_int_eq(cert_issue(&o, &old, NULL), ERR_OK);
    initialize(&w.customer, &w.customer, old, true);
    assert_refused(ERR_CERTIFICATE, "expired");
    X509_free(old);
}
END_TEST

START_TEST(test_authority_of_clients_that_is_the_clusters_too_needs_clients_that_pin)
{
    struct cert_order o = {.role = CERT_ROOT, .name = "the same key", .subject_key = w.customer.key, .issuer_key = w.customer.key,
                           .now_s = WORLD_NOW_S, .days = 10};
    X509 *same = NULL;

    node_world_provision(&w, 0);
    a = node_world_create(&w, 0, 1);
    ck_assert_int_eq(cert_issue(&o, &same, NULL), ERR_OK);
    pinned = false;
    initialize(&w.customer, &w.customer, w.customer.cert, true);
    assert_refused(ERR_CERTIFICATE, "--clients-pin");
    initialize(&w.customer, &w.customer, same, true);
    assert_refused(ERR_CERTIFICATE, "--clients-pin");
    pinned = true;
    initialize(&w.customer, &w.customer, same, true);
    ck_assert_int_eq((int)a->error, ERR_OK);
    pinned = false;
    X509_free(same);
}
END_TEST

START_TEST(test_cluster_certificate_of_another_name_needs_clients_that_pin)
{
    node_world_provision(&w, 0);
    a = node_world_create(&w, 0, 1);
    named = "hsm.example.org";
    initialize(&w.customer, &w.customer, w.clients.cert, true);
    assert_refused(ERR_CERTIFICATE, "common name");
    pinned = true;
    initialize(&w.customer, &w.customer, w.clients.cert, true);
    ck_assert_int_eq((int)a->error, ERR_OK);
    pinned = false;
    named = NULL;
}
END_TEST

START_TEST(test_front_that_hides_the_record_cannot_have_the_cluster_initialized_anew)
{
    node_world_provision(&w, 0);
    node_world_cluster(&w, 0);
    w.hides_cluster_record = true;
    initialize(&w.operator, &w.operator, w.operator.cert, true);
    assert_refused(ERR_WRONG_STATE, "initialized already");
    a = node_world_restart(&w, 0, "a"); /* and it tells the new vault nothing of the record either */
    ck_assert_int_eq((int)a->error, ERR_OK);
    ck_assert_str_eq(a->facts->state, "initialized");
    initialize(&w.operator, &w.operator, w.operator.cert, true);
    assert_refused(ERR_WRONG_STATE, "initialized already");
}
END_TEST

/* ---- the record */

/* A cluster record of this version, as a vault of the cluster seals it. */
static struct buffer sealed_record(uint64_t version, uint64_t id, Hsm__RecordKind kind)
{
    const struct cluster_view *v = keyring_view(w.vaults[0].vault.keyring);
    Hsm__RecordHeader h = HSM__RECORD_HEADER__INIT;
    Hsm__ClusterBody body = HSM__CLUSTER_BODY__INIT;
    struct buffer out = {0};
    uint8_t packed[64], request[16] = {3};

    body.trust_epoch = version;
    h.cluster_id = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)v->cluster_id, .len = 16};
    h.request_id = (ProtobufCBinaryData){.data = request, .len = 16};
    h.id = id;
    h.kind = kind;
    h.version = version;
    ck_assert_int_eq(record_seal(v->master, &h, packed, hsm__cluster_body__pack(&body, packed), &out), ERR_OK);
    keyring_view_done(w.vaults[0].vault.keyring, v);
    return out;
}

static const Hsm__NodeAnswer *tell(struct buffer record)
{
    Hsm__ClusterRecordUpdate u = HSM__CLUSTER_RECORD_UPDATE__INIT;

    u.record = (ProtobufCBinaryData){.data = record.data, .len = record.len};
    hsm__node_call__init(&call);
    call.of_case = HSM__NODE_CALL__OF_CLUSTER_RECORD;
    call.cluster_record = &u;
    a = node_world_call(&w, 0, &call);
    buffer_clear(&record);
    return a;
}

static uint64_t version_shown(void)
{
    const struct cluster_view *v = keyring_view(w.vaults[0].vault.keyring);
    uint64_t version = v->version;

    keyring_view_done(w.vaults[0].vault.keyring, v);
    return version;
}

START_TEST(test_older_cluster_record_is_refused)
{
    node_world_provision(&w, 0);
    node_world_cluster(&w, 0);
    ck_assert_int_eq((int)tell(sealed_record(5, 1, HSM__RECORD_KIND__RECORD_CLUSTER))->error, ERR_OK);
    ck_assert_uint_eq(version_shown(), 5);
    tell(sealed_record(4, 1, HSM__RECORD_KIND__RECORD_CLUSTER));
    assert_refused(ERR_STALE, "version 4");
    ck_assert_uint_eq(version_shown(), 5);
}
END_TEST

START_TEST(test_record_that_is_not_the_clusters_is_refused)
{
    struct buffer bent;

    node_world_provision(&w, 0);
    node_world_cluster(&w, 0);
    ck_assert_int_eq((int)tell(sealed_record(5, 2, HSM__RECORD_KIND__RECORD_CLUSTER))->error, ERR_FORGED);
    ck_assert_int_eq((int)tell(sealed_record(5, 1, HSM__RECORD_KIND__RECORD_OBJECT))->error, ERR_FORGED);
    bent = sealed_record(5, 1, HSM__RECORD_KIND__RECORD_CLUSTER);
    bent.data[bent.len - 1] ^= 1;
    ck_assert_int_eq((int)tell(bent)->error, ERR_FORGED);
    bent = sealed_record(5, 1, HSM__RECORD_KIND__RECORD_CLUSTER);
    bent.len = 3;
    ck_assert_int_ne((int)tell(bent)->error, ERR_OK);
    ck_assert_uint_eq(version_shown(), 2);
}
END_TEST

START_TEST(test_record_of_before_the_sealed_state_passes_by_after_a_restart)
{
    node_world_provision(&w, 0);
    node_world_cluster(&w, 0);
    tell(sealed_record(7, 1, HSM__RECORD_KIND__RECORD_CLUSTER));
    a = node_world_info(&w, 0);
    ck_assert_uint_gt(a->state.len, 0); /* the front stores that version 7 was there */
    a = node_world_info(&w, 0);
    ck_assert_uint_eq(a->state.len, 0);
    a = node_world_restart(&w, 0, "a");
    ck_assert_int_eq((int)tell(sealed_record(6, 1, HSM__RECORD_KIND__RECORD_CLUSTER))->error, ERR_OK);
    ck_assert_uint_eq(version_shown(), 0);
    ck_assert_int_eq((int)tell(sealed_record(7, 1, HSM__RECORD_KIND__RECORD_CLUSTER))->error, ERR_OK);
    ck_assert_uint_eq(version_shown(), 7);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_cluster_is_created_once_and_by_a_provisioned_node,
        &test_hsm_certificate_and_request_are_of_one_key,
        &test_cluster_keys_survive_a_restart,
        &test_initialized_cluster_has_its_record_and_says_so,
        &test_cluster_certificate_of_another_key_is_refused,
        &test_cluster_certificate_of_another_authority_is_refused,
        &test_client_anchor_that_is_no_authority_is_refused,
        &test_expired_client_anchor_is_refused,
        &test_authority_of_clients_that_is_the_clusters_too_needs_clients_that_pin,
        &test_cluster_certificate_of_another_name_needs_clients_that_pin,
        &test_front_that_hides_the_record_cannot_have_the_cluster_initialized_anew,
        &test_older_cluster_record_is_refused,
        &test_record_that_is_not_the_clusters_is_refused,
        &test_record_of_before_the_sealed_state_passes_by_after_a_restart,
        NULL,
    };
    Suite *s = suite_create("node_cluster");
    TCase *tc = tcase_create("node_cluster");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    for (size_t i = 0; tests[i] != NULL; i++)
        tcase_add_test(tc, *tests[i]);
    suite_add_tcase(s, tc);
    return s;
}
