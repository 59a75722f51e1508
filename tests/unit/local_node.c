#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/clock.h"
#include "proto/limits.h"
#include "tests/unit/certificates.h"
#include "tests/unit/local_node_state.h"
#include "vault/access/guesses.h"
#include "vault/command.h"
#include "vault/ids.h"
#include "vault/keyring.h"
#include "vault/object/key_cache.h"
#include "vault/record.h"
#include "vault/record_cache.h"
#include "vault/seen.h"

enum policy local_node_policy = POLICY_COMPATIBLE;

static uint64_t passed_ms;

static uint64_t now_ms(void)
{
    return clock_real_ms() + passed_ms;
}

void local_node_pass(uint64_t ms)
{
    passed_ms += ms;
}

/* ---- the engine */

static void on_answer(void *arg, const Hsm__VaultAnswer *a)
{
    struct local_node *n = arg;
    size_t bytes = hsm__vault_answer__get_packed_size(a);
    uint8_t *packed = malloc(bytes + 1);
    struct letter *l = malloc(sizeof *l);

    ck_assert_ptr_nonnull(packed);
    hsm__vault_answer__pack(a, packed);
    l->answer = hsm__vault_answer__unpack(NULL, bytes, packed);
    ck_assert_ptr_nonnull(l->answer);
    STAILQ_INSERT_TAIL(&n->letters, l, next);
    free(packed);
}

static Hsm__VaultAnswer *next_answer(struct local_node *n)
{
    struct letter *l = STAILQ_FIRST(&n->letters);
    Hsm__VaultAnswer *a;

    ck_assert_msg(l != NULL, "the engine gives no answer");
    a = l->answer;
    STAILQ_REMOVE_HEAD(&n->letters, next);
    free(l);
    return a;
}

void local_node_call(struct local_node *n, const Hsm__VaultCall *call, void (*answer)(void *arg, const Hsm__VaultAnswer *a), void *arg)
{
    engine_call(n->engine, call);
    while (!STAILQ_EMPTY(&n->letters)) {
        Hsm__VaultAnswer *a = next_answer(n);
        answer(arg, a);
        hsm__vault_answer__free_unpacked(a, NULL);
    }
}

static bool is_good(struct local_node *n, const uint8_t *command, size_t bytes)
{
    const struct cluster_view *view = keyring_view(n->vault.keyring);
    enum err e = command_check(view->master, command, bytes);

    keyring_view_done(n->vault.keyring, view);
    return e == ERR_OK;
}

/* The cluster record as the store has it goes to the keyring. */
static void tell_cluster(struct local_node *n)
{
    const struct cluster_view *view = keyring_view(n->vault.keyring);
    uint64_t id = 1;
    Hsm__Facts *f = local_store_facts(&n->store, &id, 1, NULL, 0);
    Hsm__RecordHeader *header;
    struct secret text = {0};

    ck_assert_uint_eq(f->n_records, 1);
    ck_assert_int_eq(record_open(view->master, f->records[0].data, f->records[0].len, &header, &text), ERR_OK);
    keyring_view_done(n->vault.keyring, view);
    ck_assert_int_eq(
        keyring_set_body(n->vault.keyring, header->version, hsm__cluster_body__unpack(NULL, text.len, text.bytes)), ERR_OK);
    hsm__record_header__free_unpacked(header, NULL);
    secret_clear(&text);
    local_facts_free(f);
}

void local_node_propose(struct local_node *n, const Hsm__Propose *p, struct buffer *outcome)
{
    uint64_t before = local_store_version(&n->store, 1);
    n->proposals++;
    if (n->faults.conflicts > 0) {
        Hsm__Outcome missed = HSM__OUTCOME__INIT;
        n->faults.conflicts--;
        missed.status = HSM__OUTCOME_STATUS__OUTCOME_CONFLICT;
        missed.error = ERR_CONFLICT;
        hsm__outcome__pack(&missed, buffer_extend(outcome, hsm__outcome__get_packed_size(&missed)));
        return;
    }
    local_store_apply(&n->store, p->command.data, p->command.len, is_good(n, p->command.data, p->command.len), now_ms(), outcome);
    if (local_store_version(&n->store, 1) != before)
        tell_cluster(n);
}

static void call_engine(struct local_node *n, Hsm__VaultCall *call)
{
    if (n->faults.bend != NULL)
        n->faults.bend(call);
    engine_call(n->engine, call);
}

Hsm__VaultAnswer *local_node_converse(struct local_node *n, Hsm__VaultCall *call)
{
    n->calls++;
    call->call = n->calls << 16 | n->calls % VAULT_PENDING_MAX;
    call_engine(n, call);
    for (;;) {
        Hsm__VaultAnswer *a = next_answer(n);
        Hsm__VaultCall more = HSM__VAULT_CALL__INIT;
        Hsm__OutcomeCall outcome = HSM__OUTCOME_CALL__INIT;
        struct buffer packed = {0};
        Hsm__Facts *facts, bent; /* a copy, as whoever bends it puts other pointers in */
        ck_assert_uint_eq(a->call, call->call);
        more.call = call->call;
        if (a->of_case == HSM__VAULT_ANSWER__OF_NEED) {
            n->needs++;
            more.of_case = HSM__VAULT_CALL__OF_FACTS;
            facts = local_store_facts(&n->store, a->need->ids, a->need->n_ids, a->need->lookups, a->need->n_lookups);
            bent = *facts;
            more.facts = &bent;
            call_engine(n, &more);
            local_facts_free(facts);
        } else if (a->of_case == HSM__VAULT_ANSWER__OF_PROPOSE) {
            local_node_propose(n, a->propose, &packed);
            outcome.outcome = (ProtobufCBinaryData){.data = packed.data, .len = packed.len};
            more.of_case = HSM__VAULT_CALL__OF_OUTCOME;
            more.outcome = &outcome;
            call_engine(n, &more);
            buffer_clear(&packed);
        } else {
            return a;
        }
        hsm__vault_answer__free_unpacked(a, NULL);
    }
}

/* ---- its life */

static ProtobufCBinaryData der_of(const X509 *cert)
{
    uint8_t *der = NULL;
    int n = i2d_X509(cert, &der);
    ProtobufCBinaryData d = {.data = malloc((size_t)n), .len = (size_t)n};

    ck_assert_int_gt(n, 0);
    memcpy(d.data, der, (size_t)n);
    OPENSSL_free(der);
    return d;
}

/* A command that puts this version of the cluster record. */
static void put_cluster(struct local_node *n, const Hsm__ClusterBody *body, uint64_t version)
{
    const struct cluster_view *view = keyring_view(n->vault.keyring);
    Hsm__RecordHeader header = HSM__RECORD_HEADER__INIT;
    Hsm__CommandBody command = HSM__COMMAND_BODY__INIT;
    Hsm__Change change, *changes[] = {&change};
    uint8_t request_id[16] = "cluster", digest[32] = {0};
    size_t bytes = hsm__cluster_body__get_packed_size(body);
    uint8_t *packed = malloc(bytes + 1);
    struct buffer record = {0}, sealed = {0}, outcome = {0};
    Hsm__Outcome *out;

    hsm__cluster_body__pack(body, packed);
    hsm__change__init(&change);
    request_id[15] = (uint8_t)version;
    header.cluster_id = command.cluster_id = (ProtobufCBinaryData){.data = n->cluster_id, .len = sizeof n->cluster_id};
    header.request_id = command.request_id = (ProtobufCBinaryData){.data = request_id, .len = sizeof request_id};
    header.id = 1;
    header.kind = HSM__RECORD_KIND__RECORD_CLUSTER;
    header.version = version;
    ck_assert_int_eq(record_seal(view->master, &header, packed, bytes, &record), ERR_OK);
    change.of_case = HSM__CHANGE__OF_PUT;
    change.put = (ProtobufCBinaryData){.data = record.data, .len = record.len};
    command.changes = changes;
    command.n_changes = 1;
    command.born_index = n->store.index;
    command.digest = (ProtobufCBinaryData){.data = digest, .len = sizeof digest};
    ck_assert_int_eq(command_seal(view->master, &command, &sealed), ERR_OK);
    keyring_view_done(n->vault.keyring, view);
    local_store_apply(&n->store, sealed.data, sealed.len, true, now_ms(), &outcome);
    out = hsm__outcome__unpack(NULL, outcome.len, outcome.data);
    ck_assert_int_eq(out->status, HSM__OUTCOME_STATUS__OUTCOME_DONE);
    hsm__outcome__free_unpacked(out, NULL);
    buffer_clear(&record);
    buffer_clear(&sealed);
    buffer_clear(&outcome);
    free(packed);
    tell_cluster(n);
}

void local_node_change_cluster(struct local_node *n, void (*change)(Hsm__ClusterBody *body))
{
    const struct cluster_view *view = keyring_view(n->vault.keyring);
    size_t bytes = hsm__cluster_body__get_packed_size(view->body);
    uint8_t *packed = malloc(bytes + 1);
    uint64_t version = view->version;
    Hsm__ClusterBody *body;

    hsm__cluster_body__pack(view->body, packed);
    keyring_view_done(n->vault.keyring, view);
    body = hsm__cluster_body__unpack(NULL, bytes, packed);
    change(body);
    put_cluster(n, body, version + 1);
    hsm__cluster_body__free_unpacked(body, NULL);
    free(packed);
}

static void make_cluster(struct local_node *n)
{
    Hsm__ClusterBody body;
    ProtobufCBinaryData anchor;
    EVP_PKEY *login = EVP_PKEY_Q_keygen(n->libctx, NULL, "X25519");
    struct secret login_private = {0};
    struct master *master;
    size_t len = CHANNEL_KEY_BYTES;

    hsm__cluster_body__init(&body);
    body.policy = local_node_policy;
    memcpy(n->cluster_id, "a local cluster!", sizeof n->cluster_id);
    ck_assert_int_eq(master_new(n->libctx, &master), ERR_OK);
    ck_assert_int_eq(master_add(master, 1, NULL), ERR_OK);
    ck_assert(secret_new(&login_private, CHANNEL_KEY_BYTES));
    ck_assert_int_eq(EVP_PKEY_get_raw_private_key(login, login_private.bytes, &len), 1);
    ck_assert_int_eq(EVP_PKEY_get_raw_public_key(login, n->login_public, &len), 1);
    EVP_PKEY_free(login);
    ck_assert_int_eq(keyring_set_cluster(n->vault.keyring, n->cluster_id, master, &login_private), ERR_OK);
    secret_clear(&login_private);
    body.cluster_certificate = der_of(n->certificate);
    anchor = body.customer_anchor = der_of(n->authority);
    body.client_anchors = &anchor;
    body.n_client_anchors = 1;
    body.trust_epoch = body.login_key_epoch = 1;
    body.next_node_id = 2;
    put_cluster(n, &body, 1);
    free(body.cluster_certificate.data);
    free(body.customer_anchor.data);
}

struct local_node *local_node_new(OSSL_LIB_CTX *libctx, const struct engine_parts *parts)
{
    struct local_node *n = calloc(1, sizeof *n);
    struct engine_setup setup = {.parts = parts, .answer = on_answer};
    unsigned hash_bytes = sizeof n->peer.certificate_hash;
    int der;

    ck_assert_ptr_nonnull(n);
    passed_ms = 0;
    n->libctx = libctx;
    pthread_mutex_init(&n->lock, NULL);
    STAILQ_INIT(&n->letters);
    n->authority_key = test_key_new();
    n->authority = test_certificate_new("local authority", n->authority_key, NULL, NULL);
    n->cluster_key = test_key_new();
    n->certificate = test_certificate_new("local cluster", n->cluster_key, n->authority, n->authority_key);
    ck_assert_int_eq(X509_digest(n->certificate, EVP_sha256(), n->peer.certificate_hash, &hash_bytes), 1);
    der = i2d_PUBKEY(n->cluster_key, &n->public_key);
    ck_assert_int_gt(der, 0);
    n->peer.key = n->public_key;
    n->peer.key_bytes = (size_t)der;
    local_store_open(&n->store);
    n->vault = (struct vault){.libctx = libctx, .keyring = keyring_new(libctx), .ids = ids_new(), .seen = seen_new(),
                              .records = record_cache_new(), .guesses = guesses_new(libctx), .now_ms = now_ms};
    ck_assert_int_eq(key_cache_new(64, &n->vault.key_cache), ERR_OK);
    make_cluster(n);
    n->peer.named = true;
    memcpy(n->peer.cluster_id, n->cluster_id, sizeof n->peer.cluster_id);
    setup.vault = &n->vault;
    setup.arg = n;
    ck_assert_int_eq(engine_new(&setup, &n->engine), ERR_OK);
    return n;
}

void local_node_free(struct local_node *n)
{
    engine_free(n->engine);
    keyring_free(n->vault.keyring);
    ids_free(n->vault.ids);
    seen_free(n->vault.seen);
    record_cache_free(n->vault.records);
    guesses_free(n->vault.guesses);
    key_cache_free(n->vault.key_cache);
    local_store_close(&n->store);
    EVP_PKEY_free(n->cluster_key);
    EVP_PKEY_free(n->authority_key);
    X509_free(n->certificate);
    X509_free(n->authority);
    OPENSSL_free(n->public_key);
    free(n);
}

struct local_faults *local_node_faults(struct local_node *n)
{
    return &n->faults;
}

struct vault *local_node_vault(struct local_node *n)
{
    return &n->vault;
}

struct local_store *local_node_store(struct local_node *n)
{
    return &n->store;
}

unsigned local_node_proposals(const struct local_node *n)
{
    return n->proposals;
}

unsigned local_node_needs(const struct local_node *n)
{
    return n->needs;
}

void local_node_client(struct local_node *n, const char *name, struct client_identity *out)
{
    *out = (struct client_identity){.libctx = n->libctx, .key = test_key_new()};
    out->certificate = test_certificate_new(name, out->key, n->authority, n->authority_key);
    out->chain = sk_X509_new_null();
    out->roots = sk_X509_new_null();
    X509_up_ref(n->authority);
    sk_X509_push(out->roots, n->authority);
}
