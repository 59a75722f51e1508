/* Nodes that join: the keys arrive whole, once a grant; and everybody who is not let in, or not believed. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "certs/chain.h"
#include "certs/issue.h"
#include "proto/limits.h"
#include "tests/unit/node_world.h"
#include "tests/unit/runner.h"
#include "vault/keyring.h"
#include "vault/node/identity.h"
#include "vault/node/join_keys.h"
#include "vault/node/kem.h"

static struct node_world w;
static Hsm__NodeCall call;
static const Hsm__NodeAnswer *a;
static uint8_t fingerprint[32], asked[2048], member_hash[32];
static size_t asked_n;

/* An active cluster of vault 0; vault 1 is provisioned. */
static void set_up(void)
{
    node_world_open(&w);
    node_world_provision(&w, 0);
    node_world_cluster(&w, 0);
    node_world_provision(&w, 1);
    memcpy(fingerprint, node_world_info(&w, 1)->facts->fingerprint.data, sizeof fingerprint);
}

static void tear_down(void)
{
    node_world_close(&w);
}

static void assert_refused(enum err want, const char *says)
{
    node_world_refused(a, want, says);
    ck_assert_uint_eq(a->sealed_keys.len, 0);
}

/* `which` makes a request for the member whose node certificate vault `member` has. */
static void ask(int which, int member)
{
    Hsm__JoinAsk join = HSM__JOIN_ASK__INIT;
    const Hsm__NodeFacts *f = node_world_info(&w, member)->facts;

    ck_assert_int_eq(EVP_Q_digest(NULL, "SHA256", NULL, f->node_certificate.data, f->node_certificate.len, member_hash, NULL), 1);
    join.peer_certificate_hash = (ProtobufCBinaryData){.data = member_hash, .len = sizeof member_hash};
    hsm__node_call__init(&call);
    call.of_case = HSM__NODE_CALL__OF_JOIN_ASK;
    call.join_ask = &join;
    a = node_world_call(&w, which, &call);
    ck_assert_uint_le(a->ask.len, sizeof asked);
    asked_n = a->ask.len;
    if (asked_n > 0)
        memcpy(asked, a->ask.data, asked_n);
}

/* The member decides on what was asked last. */
static void admit(int member)
{
    Hsm__JoinAdmit join = HSM__JOIN_ADMIT__INIT;

    join.request = (ProtobufCBinaryData){.data = asked, .len = asked_n};
    hsm__node_call__init(&call);
    call.of_case = HSM__NODE_CALL__OF_JOIN_ADMIT;
    call.join_admit = &join;
    a = node_world_call(&w, member, &call);
}

/* `which` takes what the member last answered; the certificates shown are those of vault `shown`. */
static Hsm__JoinTake taken;
static uint8_t keys[4096];

static void take(int which, int shown, uint64_t node_id)
{
    const Hsm__NodeFacts *f = node_world_info(&w, shown)->facts;

    hsm__join_take__init(&taken);
    taken.sealed_keys.data = keys;
    taken.sender_node_certificate = f->node_certificate;
    taken.sender_manufacturer_hardware = f->manufacturer_hardware;
    taken.sender_operator_hardware = f->operator_hardware;
    taken.node_id = node_id;
    hsm__node_call__init(&call);
    call.of_case = HSM__NODE_CALL__OF_JOIN_TAKE;
    call.join_take = &taken;
}

static size_t keep_keys(void)
{
    ck_assert_int_eq((int)a->error, ERR_OK);
    ck_assert_uint_le(a->sealed_keys.len, sizeof keys);
    memcpy(keys, a->sealed_keys.data, a->sealed_keys.len);
    return a->sealed_keys.len;
}

static void granted(void)
{
    node_world_grant(&w, fingerprint, sizeof fingerprint);
}

/* ---- let in */

START_TEST(test_granted_node_joins_and_shares_the_clusters_keys)
{
    granted();
    node_world_join(&w, 1, 0);
    const struct cluster_view *first = keyring_view(w.vaults[0].vault.keyring), *second = keyring_view(w.vaults[1].vault.keyring);
    ck_assert_mem_eq(first->cluster_id, second->cluster_id, 16);
    ck_assert(secret_equal(first->login_private, second->login_private));
    ck_assert(secret_equal(master_key(first->master, 1), master_key(second->master, 1)));
    ck_assert_uint_eq(first->version, second->version);
    keyring_view_done(w.vaults[0].vault.keyring, first);
    keyring_view_done(w.vaults[1].vault.keyring, second);
    a = node_world_info(&w, 1);
    ck_assert_str_eq(a->facts->state, "active");
    ck_assert_uint_eq(a->facts->node_id, 2);
    ck_assert_uint_eq(a->facts->n_members, 2);
    ck_assert_mem_eq(a->facts->members[1]->fingerprint.data, fingerprint, sizeof fingerprint);
    ck_assert_uint_gt(a->facts->login_statement.len, 0);
}
END_TEST

START_TEST(test_joined_node_vouches_for_the_cluster_key_under_both_roots)
{
    struct chain_device d = {.libctx = w.libctx, .now_s = WORLD_NOW_S, .leaf_name = "HSM certificate",
                             .manufacturer_root = w.manufacturer.cert, .operator_root = w.operator.cert};
    X509 *cluster = NULL;

    granted();
    node_world_join(&w, 1, 0);
    a = node_world_info(&w, 1);
    ck_assert_int_eq(cert_read(w.libctx, "x", a->facts->hsm_certificate.data, a->facts->hsm_certificate.len, &d.leaf, NULL), ERR_OK);
    ck_assert_int_eq(cert_read(w.libctx, "x", a->facts->manufacturer_hardware.data, a->facts->manufacturer_hardware.len,
                               &d.manufacturer_hardware, NULL), ERR_OK);
    ck_assert_int_eq(cert_read(w.libctx, "x", a->facts->operator_hardware.data, a->facts->operator_hardware.len, &d.operator_hardware,
                               NULL), ERR_OK);
    ck_assert_int_eq(cert_read(w.libctx, "x", a->facts->cluster_certificate.data, a->facts->cluster_certificate.len, &cluster, NULL),
                     ERR_OK);
    ck_assert_int_eq(chain_check_device(&d, NULL), ERR_OK);
    ck_assert_int_eq(EVP_PKEY_eq(X509_get0_pubkey(d.leaf), X509_get0_pubkey(cluster)), 1);
    X509_free(cluster);
    X509_free(d.leaf);
    X509_free(d.manufacturer_hardware);
    X509_free(d.operator_hardware);
}
END_TEST

START_TEST(test_joined_node_keeps_its_keys_over_a_restart)
{
    granted();
    node_world_join(&w, 1, 0);
    a = node_world_restart(&w, 1, "b");
    ck_assert_int_eq((int)a->error, ERR_OK);
    ck_assert_str_eq(a->facts->state, "initialized"); /* until the record is applied again */
    ck_assert_uint_eq(a->facts->node_id, 2);
    node_world_tell(&w);
    ck_assert_str_eq(node_world_info(&w, 1)->facts->state, "active");
}
END_TEST

START_TEST(test_joined_node_lets_the_next_one_in)
{
    granted();
    node_world_join(&w, 1, 0);
    node_world_provision(&w, 2);
    a = node_world_info(&w, 2);
    node_world_grant(&w, a->facts->fingerprint.data, a->facts->fingerprint.len);
    node_world_join(&w, 2, 1);
    ck_assert_uint_eq(node_world_info(&w, 2)->facts->node_id, 3);
    ck_assert_uint_eq(node_world_info(&w, 0)->facts->n_members, 3);
}
END_TEST

START_TEST(test_node_that_joined_never_initializes)
{
    Hsm__ClusterInitialize i = HSM__CLUSTER_INITIALIZE__INIT;

    granted();
    node_world_join(&w, 1, 0);
    hsm__node_call__init(&call);
    call.of_case = HSM__NODE_CALL__OF_INITIALIZE;
    call.initialize = &i;
    a = node_world_call(&w, 1, &call);
    assert_refused(ERR_WRONG_STATE, "joined");
}
END_TEST

START_TEST(test_lost_answer_is_given_again_under_the_same_number_without_a_change)
{
    unsigned proposals;
    size_t n;

    granted();
    ask(1, 0);
    admit(0);
    keep_keys();
    ck_assert_uint_eq(a->node_id, 2);
    proposals = w.proposals;
    ask(1, 0);
    admit(0);
    n = keep_keys();
    ck_assert_uint_eq(a->node_id, 2);
    ck_assert_uint_eq(w.proposals, proposals);
    take(1, 0, 2);
    taken.sealed_keys.len = n;
    a = node_world_call(&w, 1, &call);
    ck_assert_int_eq((int)a->error, ERR_OK);
}
END_TEST

/* ---- not let in */

START_TEST(test_node_without_a_grant_is_refused_with_what_to_run)
{
    ask(1, 0);
    admit(0);
    assert_refused(ERR_GRANT, "hsmctl cluster grant");
}
END_TEST

START_TEST(test_grant_is_for_one_node)
{
    granted();
    node_world_provision(&w, 2);
    ask(2, 0);
    admit(0);
    assert_refused(ERR_GRANT, "no grant");
}
END_TEST

START_TEST(test_request_for_another_member_is_refused)
{
    granted();
    ask(1, 1); /* not vault 0's certificate */
    admit(0);
    assert_refused(ERR_SIGNATURE, "another member");
}
END_TEST

START_TEST(test_request_with_a_bent_signature_is_refused)
{
    granted();
    ask(1, 0);
    asked[asked_n - 1] ^= 1;
    admit(0);
    assert_refused(ERR_SIGNATURE, "not signed");
}
END_TEST

START_TEST(test_node_of_foreign_roots_is_refused)
{
    struct world_authority own = w.operator;

    w.operator = node_world_authority("operator");
    node_world_provision(&w, 2);
    node_world_authority_free(&w.operator);
    w.operator = own;
    a = node_world_info(&w, 2);
    node_world_grant(&w, a->facts->fingerprint.data, a->facts->fingerprint.len);
    ask(2, 0);
    admit(0);
    assert_refused(ERR_CHAIN, "operator hardware certificate");
}
END_TEST

START_TEST(test_node_with_anothers_hardware_certificates_is_refused)
{
    Hsm__JoinRequest *r;
    Hsm__NodeFacts *other;
    ProtobufCBinaryData own_m, own_o;

    granted();
    ask(1, 0);
    node_world_provision(&w, 2);
    other = node_world_info(&w, 2)->facts;
    r = hsm__join_request__unpack(NULL, asked_n, asked);
    own_m = r->manufacturer_hardware;
    own_o = r->operator_hardware;
    r->manufacturer_hardware = other->manufacturer_hardware;
    r->operator_hardware = other->operator_hardware;
    asked_n = hsm__join_request__pack(r, asked);
    r->manufacturer_hardware = own_m;
    r->operator_hardware = own_o;
    hsm__join_request__free_unpacked(r, NULL);
    admit(0);
    ck_assert_int_ne((int)a->error, ERR_OK);
    assert_refused((enum err)a->error, "node certificate");
}
END_TEST

START_TEST(test_malformed_request_is_refused)
{
    asked_n = 5;
    memset(asked, 0xff, asked_n);
    admit(0);
    assert_refused(ERR_MALFORMED, "malformed");
    asked_n = 0;
    admit(0);
    ck_assert_int_ne((int)a->error, ERR_OK);
}
END_TEST

START_TEST(test_nodes_join_an_active_cluster_only)
{
    Hsm__ClusterBody *body;
    uint64_t version;

    granted();
    ask(1, 0);
    body = node_world_body(&w, 0, &version);
    body->activated = false;
    node_world_put(&w, 0, 1, HSM__RECORD_KIND__RECORD_CLUSTER, version + 1, NULL, &body->base);
    hsm__cluster_body__free_unpacked(body, NULL);
    admit(0);
    assert_refused(ERR_NOT_ACTIVE, "activate");
}
END_TEST

START_TEST(test_cluster_has_no_more_nodes_than_its_limit)
{
    Hsm__ClusterMember rows[NODES_MAX], *members[NODES_MAX];
    Hsm__ClusterBody *body;
    uint8_t prints[NODES_MAX][32] = {{0}};
    uint64_t version;

    granted();
    ask(1, 0);
    body = node_world_body(&w, 0, &version);
    hsm__cluster_member__free_unpacked(body->members[0], NULL);
    free(body->members);
    for (size_t i = 0; i < NODES_MAX; i++) {
        hsm__cluster_member__init(&rows[i]);
        rows[i].node_id = i + 1;
        rows[i].fingerprint = (ProtobufCBinaryData){.data = prints[i], .len = 32};
        prints[i][0] = (uint8_t)(i + 1);
        members[i] = &rows[i];
    }
    body->members = members;
    body->n_members = NODES_MAX;
    node_world_put(&w, 0, 1, HSM__RECORD_KIND__RECORD_CLUSTER, version + 1, NULL, &body->base);
    body->members = NULL;
    body->n_members = 0;
    hsm__cluster_body__free_unpacked(body, NULL);
    admit(0);
    assert_refused(ERR_LIMIT, "9 nodes");
}
END_TEST

/* ---- not believed */

static void expect_untaken(enum err want, const char *says)
{
    a = node_world_call(&w, 1, &call);
    assert_refused(want, says);
    ck_assert_str_eq(a->facts->state, "provisioned");
}

START_TEST(test_keys_with_a_changed_byte_are_refused)
{
    granted();
    ask(1, 0);
    admit(0);
    size_t n = keep_keys();
    for (size_t i = 4; i < n; i += n / 12) {
        keys[i] ^= 1;
        take(1, 0, 2);
        taken.sealed_keys.len = n;
        a = node_world_call(&w, 1, &call);
        ck_assert_msg(a->error == ERR_FORGED || a->error == ERR_MALFORMED, "byte %zu: %s", i, err_name(err_from_wire(a->error)));
        keys[i] ^= 1;
    }
}
END_TEST

START_TEST(test_keys_under_another_number_are_refused)
{
    granted();
    ask(1, 0);
    admit(0);
    size_t n = keep_keys();
    take(1, 0, 3);
    taken.sealed_keys.len = n;
    expect_untaken(ERR_FORGED, "not for this node");
}
END_TEST

START_TEST(test_keys_that_another_vault_sent_are_refused)
{
    granted();
    ask(1, 0);
    admit(0);
    size_t n = keep_keys();
    node_world_provision(&w, 2);
    take(1, 2, 2); /* true certificates, of a vault that has not signed */
    taken.sealed_keys.len = n;
    expect_untaken(ERR_FORGED, "not by its vault");
}
END_TEST

START_TEST(test_keys_for_another_node_are_refused)
{
    granted();
    ask(1, 0);
    admit(0);
    size_t n = keep_keys();
    node_world_provision(&w, 2);
    take(2, 0, 2);
    taken.sealed_keys.len = n;
    a = node_world_call(&w, 2, &call);
    assert_refused(ERR_FORGED, "not for this node");
}
END_TEST

START_TEST(test_sender_of_foreign_roots_is_refused)
{
    struct world_authority own = w.manufacturer;

    granted();
    ask(1, 0);
    admit(0);
    size_t n = keep_keys();
    w.manufacturer = node_world_authority("manufacturer");
    node_world_provision(&w, 2);
    node_world_authority_free(&w.manufacturer);
    w.manufacturer = own;
    take(1, 2, 2);
    taken.sealed_keys.len = n;
    expect_untaken(ERR_CHAIN, "manufacturer hardware certificate");
}
END_TEST

START_TEST(test_sender_with_an_expired_chain_is_refused)
{
    granted();
    ask(1, 0);
    admit(0);
    size_t n = keep_keys();
    node_world_pass((int64_t)5001 * 86400);
    take(1, 0, 2);
    taken.sealed_keys.len = n;
    a = node_world_call(&w, 1, &call);
    assert_refused(ERR_CERTIFICATE, "expired");
}
END_TEST

START_TEST(test_member_of_a_cluster_neither_asks_nor_takes)
{
    granted();
    ask(1, 0);
    admit(0);
    size_t n = keep_keys();
    take(1, 0, 2);
    taken.sealed_keys.len = n;
    ck_assert_int_eq((int)node_world_call(&w, 1, &call)->error, ERR_OK);
    take(1, 0, 2);
    taken.sealed_keys.len = n;
    a = node_world_call(&w, 1, &call);
    assert_refused(ERR_WRONG_STATE, "a cluster already");
    ask(1, 0);
    assert_refused(ERR_WRONG_STATE, "a cluster already");
}
END_TEST

START_TEST(test_keys_do_not_travel_in_the_clear)
{
    granted();
    ask(1, 0);
    admit(0);
    size_t n = keep_keys();
    struct identity *i = keyring_identity(w.vaults[0].vault.keyring);
    const Hsm__ClusterKeys *k = identity_state(i)->keys;
    ck_assert_ptr_null(memmem(keys, n, k->cluster_private.data, 16));
    ck_assert_ptr_null(memmem(keys, n, k->login_private.data, 16));
    ck_assert_ptr_null(memmem(keys, n, k->masters[0]->key.data, 16));
    keyring_identity_done(i);
}
END_TEST

START_TEST(test_kem_opens_with_its_key_and_context_only)
{
    struct secret own = {0}, other = {0}, text = {0}, got = {0};
    const struct gcm_aad context = {(const uint8_t *)"context", 7}, wrong = {(const uint8_t *)"contexT", 7};
    const uint8_t zeros[AGREE_KEY_BYTES] = {0};
    uint8_t public_key[AGREE_KEY_BYTES];
    struct buffer sealed = {0};

    ck_assert(secret_copy(&text, "forty-two", 9));
    ck_assert_int_eq(agree_generate(w.libctx, &own), ERR_OK);
    ck_assert_int_eq(agree_generate(w.libctx, &other), ERR_OK);
    ck_assert_int_eq(agree_public(w.libctx, &own, public_key), ERR_OK);
    ck_assert_int_eq(kem_seal(w.libctx, public_key, context, &text, &sealed), ERR_OK);
    ck_assert_int_eq(kem_open(w.libctx, &own, context, sealed.data, sealed.len, &got), ERR_OK);
    ck_assert(secret_equal(&got, &text));
    secret_clear(&got);
    ck_assert_int_eq(kem_open(w.libctx, &own, wrong, sealed.data, sealed.len, &got), ERR_FORGED);
    ck_assert_int_eq(kem_open(w.libctx, &other, context, sealed.data, sealed.len, &got), ERR_FORGED);
    ck_assert_int_eq(kem_open(w.libctx, &own, context, sealed.data, KEM_SEAL_BYTES - 1, &got), ERR_FORGED);
    memcpy(sealed.data, zeros, sizeof zeros); /* a point of small order: RFC 7748 section 6.1 */
    ck_assert_int_eq(kem_open(w.libctx, &own, context, sealed.data, sealed.len, &got), ERR_FORGED);
    ck_assert_int_eq(kem_seal(w.libctx, zeros, context, &text, &sealed), ERR_FORGED);
    secret_clear(&own);
    secret_clear(&other);
    secret_clear(&text);
    buffer_clear(&sealed);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {
        &test_granted_node_joins_and_shares_the_clusters_keys,
        &test_joined_node_vouches_for_the_cluster_key_under_both_roots,
        &test_joined_node_keeps_its_keys_over_a_restart,
        &test_joined_node_lets_the_next_one_in,
        &test_node_that_joined_never_initializes,
        &test_lost_answer_is_given_again_under_the_same_number_without_a_change,
        &test_node_without_a_grant_is_refused_with_what_to_run,
        &test_grant_is_for_one_node,
        &test_request_for_another_member_is_refused,
        &test_request_with_a_bent_signature_is_refused,
        &test_node_of_foreign_roots_is_refused,
        &test_node_with_anothers_hardware_certificates_is_refused,
        &test_malformed_request_is_refused,
        &test_nodes_join_an_active_cluster_only,
        &test_cluster_has_no_more_nodes_than_its_limit,
        &test_keys_with_a_changed_byte_are_refused,
        &test_keys_under_another_number_are_refused,
        &test_keys_that_another_vault_sent_are_refused,
        &test_keys_for_another_node_are_refused,
        &test_sender_of_foreign_roots_is_refused,
        &test_sender_with_an_expired_chain_is_refused,
        &test_member_of_a_cluster_neither_asks_nor_takes,
        &test_keys_do_not_travel_in_the_clear,
        &test_kem_opens_with_its_key_and_context_only,
        NULL,
    };
    Suite *s = suite_create("node_join");
    TCase *tc = tcase_create("node_join");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    for (size_t i = 0; tests[i] != NULL; i++)
        tcase_add_test(tc, *tests[i]);
    suite_add_tcase(s, tc);
    return s;
}
