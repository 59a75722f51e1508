#include "tests/unit/node_world.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "certs/chain.h"
#include "certs/issue.h"
#include "proto/limits.h"
#include "tests/unit/runner.h"
#include "vault/access/guesses.h"
#include "vault/command.h"
#include "vault/ids.h"
#include "vault/keyring.h"
#include "vault/object/key_cache.h"
#include "vault/record.h"
#include "vault/record_cache.h"
#include "vault/seen.h"

enum { KEYS_MAX = 16 };

static int64_t passed_s;

static uint64_t now_ms(void)
{
    return (uint64_t)(WORLD_NOW_S + passed_s) * 1000;
}

void node_world_pass(int64_t seconds)
{
    passed_s += seconds;
}

/* ---- authorities */

static X509 *issue(const struct world_authority *a, enum cert_role role, const char *name, EVP_PKEY *key, unsigned days)
{
    struct cert_order o = {.role = role, .name = name, .subject_key = key, .issuer = a->cert, .issuer_key = a->cert != NULL ? a->key : key,
                           .now_s = WORLD_NOW_S, .days = days};
    struct diag why = {0};
    X509 *cert = NULL;

    ck_assert_msg(cert_issue(&o, &cert, &why) == ERR_OK, "%s", why.what);
    return cert;
}

struct world_authority node_world_authority(const char *name)
{
    struct world_authority a = {.key = EVP_EC_gen("P-256")};

    a.cert = issue(&a, CERT_ROOT, name, a.key, 7000);
    return a;
}

void node_world_authority_free(struct world_authority *a)
{
    EVP_PKEY_free(a->key);
    X509_free(a->cert);
}

ProtobufCBinaryData node_world_der(const X509 *cert)
{
    struct buffer b = {0};
    ProtobufCBinaryData der;

    ck_assert_int_eq(cert_write(cert, &b), ERR_OK);
    der.data = buffer_take(&b, &der.len);
    return der;
}

ProtobufCBinaryData node_world_issue(const struct world_authority *a, int role, const char *name, const ProtobufCBinaryData *csr)
{
    struct diag why = {0};
    X509_REQ *request = NULL;
    ProtobufCBinaryData der;
    char own[CERT_NAME_BYTES_MAX + 1];
    X509 *cert;

    ck_assert_msg(csr_read(NULL, csr->data, csr->len, &request, &why) == ERR_OK, "%s", why.what);
    if (name == NULL) {
        ck_assert_int_gt(X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(request), NID_commonName, own, sizeof own), 0);
        name = own;
    }
    cert = issue(a, (enum cert_role)role, name, X509_REQ_get0_pubkey(request), 5000);
    der = node_world_der(cert);
    X509_free(cert);
    X509_REQ_free(request);
    return der;
}

/* ---- the world */

void node_world_open(struct node_world *w)
{
    memset(w, 0, sizeof *w);
    passed_s = 0;
    w->libctx = OSSL_LIB_CTX_new();
    ck_assert_ptr_nonnull(w->libctx);
    w->manufacturer = node_world_authority("manufacturer");
    w->operator = node_world_authority("operator");
    w->customer = node_world_authority("customer");
    w->clients = node_world_authority("clients");
    local_store_open(&w->store);
}

void node_world_close(struct node_world *w)
{
    for (int i = 0; i < WORLD_VAULTS; i++) {
        node_world_halt(w, i);
        buffer_clear(&w->vaults[i].state);
    }
    local_store_close(&w->store);
    node_world_authority_free(&w->manufacturer);
    node_world_authority_free(&w->operator);
    node_world_authority_free(&w->customer);
    node_world_authority_free(&w->clients);
    OSSL_LIB_CTX_free(w->libctx);
}

static const struct operation *no_operation(uint32_t number)
{
    (void)number;
    return NULL;
}

static enum err no_access(struct work *w)
{
    (void)w;
    return ERR_PERMISSION;
}

static const struct engine_parts parts = {.operation = no_operation, .node = node_find, .access = no_access, .node_facts = node_facts};

/* The engine's answers are copied: one conversation at a time, so there is never more than one. */
static void on_answer(void *arg, const Hsm__VaultAnswer *a)
{
    struct world_vault *v = arg;
    size_t n = hsm__vault_answer__get_packed_size(a);
    uint8_t *packed = malloc(n + 1);

    if (v->last != NULL)
        hsm__vault_answer__free_unpacked(v->last, NULL);
    hsm__vault_answer__pack(a, packed);
    v->last = hsm__vault_answer__unpack(NULL, n, packed);
    ck_assert_ptr_nonnull(v->last);
    free(packed);
}

void node_world_boot(struct node_world *w, int which, enum seal_kind kind, const char *seal)
{
    struct world_vault *v = &w->vaults[which];
    struct engine_setup setup = {.vault = &v->vault, .parts = &parts, .answer = on_answer, .arg = v};
    struct secret given = {0};

    v->vault = (struct vault){.libctx = w->libctx, .keyring = keyring_new(w->libctx), .ids = ids_new(), .seen = seen_new(),
                              .records = record_cache_new(), .guesses = guesses_new(w->libctx), .now_ms = now_ms};
    ck_assert_int_eq(key_cache_new(KEYS_MAX, &v->vault.key_cache), ERR_OK);
    if (kind == SEAL_FILE) {
        ck_assert(secret_new(&given, SEAL_KEY_BYTES));
        memset(given.bytes, seal[0], SEAL_KEY_BYTES);
    } else if (kind == SEAL_PASSPHRASE) {
        ck_assert(secret_copy(&given, seal, strlen(seal)));
    }
    keyring_set_seal(v->vault.keyring, kind, &given);
    ck_assert_int_eq(engine_new(&setup, &v->engine), ERR_OK);
}

void node_world_halt(struct node_world *w, int which)
{
    struct world_vault *v = &w->vaults[which];

    if (v->engine == NULL)
        return;
    engine_free(v->engine);
    keyring_free(v->vault.keyring);
    ids_free(v->vault.ids);
    seen_free(v->vault.seen);
    record_cache_free(v->vault.records);
    guesses_free(v->vault.guesses);
    key_cache_free(v->vault.key_cache);
    hsm__vault_answer__free_unpacked(v->last, NULL);
    v->last = NULL;
    v->engine = NULL;
}

static void tell_one(struct node_world *w, int which, const ProtobufCBinaryData *record)
{
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__NodeCall node = HSM__NODE_CALL__INIT;
    Hsm__ClusterRecordUpdate update = HSM__CLUSTER_RECORD_UPDATE__INIT;

    update.record = *record;
    node.of_case = HSM__NODE_CALL__OF_CLUSTER_RECORD;
    node.cluster_record = &update;
    call.call = 7;
    call.of_case = HSM__VAULT_CALL__OF_NODE;
    call.node = &node;
    engine_call(w->vaults[which].engine, &call);
    ck_assert_int_eq((int)w->vaults[which].last->node->error, ERR_OK);
}

void node_world_tell(struct node_world *w)
{
    uint64_t id = 1;
    Hsm__Facts *f = local_store_facts(&w->store, &id, 1, NULL, 0);

    ck_assert_uint_eq(f->n_records, 1);
    for (int i = 0; i < WORLD_VAULTS; i++) {
        const struct cluster_view *view = w->vaults[i].engine != NULL ? keyring_view(w->vaults[i].vault.keyring) : NULL;
        if (view == NULL)
            continue;
        keyring_view_done(w->vaults[i].vault.keyring, view);
        tell_one(w, i, &f->records[0]);
    }
    local_facts_free(f);
}

static Hsm__Facts *facts_for(struct node_world *w, const Hsm__Need *need)
{
    Hsm__Facts *f = local_store_facts(&w->store, need->ids, need->n_ids, need->lookups, need->n_lookups);

    if (w->hides_cluster_record && need->n_ids == 1 && need->ids[0] == 1 && f->n_records == 1) {
        free(f->records[0].data);
        f->n_records = 0;
        f->absent = realloc(f->absent, sizeof *f->absent);
        f->absent[f->n_absent++] = 1;
    }
    return f;
}

static void apply(struct node_world *w, int which, const ProtobufCBinaryData *command, struct buffer *outcome)
{
    struct keyring *ring = w->vaults[which].vault.keyring;
    const struct cluster_view *view = keyring_view(ring);
    uint64_t before = local_store_version(&w->store, 1);
    bool good = command_check(view->master, command->data, command->len) == ERR_OK;

    w->proposals++;
    keyring_view_done(ring, view);
    local_store_apply(&w->store, command->data, command->len, good, now_ms(), outcome);
    if (local_store_version(&w->store, 1) != before)
        node_world_tell(w);
}

const Hsm__NodeAnswer *node_world_call(struct node_world *w, int which, const Hsm__NodeCall *node)
{
    struct world_vault *v = &w->vaults[which];
    Hsm__VaultCall call = HSM__VAULT_CALL__INIT;
    Hsm__Need *need;

    call.call = 1;
    call.of_case = HSM__VAULT_CALL__OF_NODE;
    call.node = (Hsm__NodeCall *)(uintptr_t)node;
    engine_call(v->engine, &call);
    while (v->last->of_case != HSM__VAULT_ANSWER__OF_NODE) {
        Hsm__VaultCall more = HSM__VAULT_CALL__INIT;
        Hsm__OutcomeCall outcome = HSM__OUTCOME_CALL__INIT;
        struct buffer packed = {0};
        more.call = call.call;
        if (v->last->of_case == HSM__VAULT_ANSWER__OF_NEED) {
            need = v->last->need;
            more.of_case = HSM__VAULT_CALL__OF_FACTS;
            more.facts = facts_for(w, need);
            engine_call(v->engine, &more);
            local_facts_free(more.facts);
        } else {
            ProtobufCBinaryData command;
            ck_assert_int_eq((int)v->last->of_case, HSM__VAULT_ANSWER__OF_PROPOSE);
            command = v->last->propose->command;
            v->last->propose->command = (ProtobufCBinaryData){0}; /* transferred: applying it makes other answers */
            apply(w, which, &command, &packed);
            free(command.data);
            outcome.outcome = (ProtobufCBinaryData){.data = packed.data, .len = packed.len};
            more.of_case = HSM__VAULT_CALL__OF_OUTCOME;
            more.outcome = &outcome;
            engine_call(v->engine, &more);
            buffer_clear(&packed);
        }
    }
    if (v->last->node->state.len > 0) {
        buffer_reset(&v->state);
        ck_assert(buffer_put(&v->state, v->last->node->state.data, v->last->node->state.len));
    }
    ck_assert_ptr_nonnull(v->last->node->facts);
    return v->last->node;
}

/* ---- the steps */

static const Hsm__NodeAnswer *expect_ok(struct node_world *w, int which, const Hsm__NodeCall *call)
{
    const Hsm__NodeAnswer *a = node_world_call(w, which, call);

    ck_assert_msg(a->error == ERR_OK, "%s: %s", err_name(err_from_wire(a->error)), a->detail);
    return a;
}

const Hsm__NodeAnswer *node_world_info(struct node_world *w, int which)
{
    Hsm__NodeCall call = HSM__NODE_CALL__INIT;
    Hsm__NodeInfo info = HSM__NODE_INFO__INIT;

    call.of_case = HSM__NODE_CALL__OF_INFO;
    call.info = &info;
    return node_world_call(w, which, &call);
}

const Hsm__NodeAnswer *node_world_make_hardware(struct node_world *w, int which, const char *name)
{
    Hsm__NodeCall call = HSM__NODE_CALL__INIT;
    Hsm__NodeMakeHardware make = HSM__NODE_MAKE_HARDWARE__INIT;

    make.name = (char *)(uintptr_t)name;
    call.of_case = HSM__NODE_CALL__OF_MAKE_HARDWARE;
    call.make_hardware = &make;
    return node_world_call(w, which, &call);
}

const Hsm__NodeAnswer *node_world_create(struct node_world *w, int which, uint64_t id)
{
    Hsm__NodeCall call = HSM__NODE_CALL__INIT;
    Hsm__ClusterCreate create = HSM__CLUSTER_CREATE__INIT;

    create.node_id = id;
    call.of_case = HSM__NODE_CALL__OF_CREATE;
    call.create = &create;
    return node_world_call(w, which, &call);
}

const Hsm__NodeAnswer *node_world_restart(struct node_world *w, int which, const char *seal)
{
    node_world_halt(w, which);
    node_world_boot(w, which, SEAL_FILE, seal);
    return node_world_start(w, which);
}

void node_world_refused(const Hsm__NodeAnswer *a, enum err want, const char *says)
{
    ck_assert_msg((enum err)a->error == want, "%s: %s", err_name(err_from_wire(a->error)), a->detail);
    ck_assert_msg(strstr(a->detail, says) != NULL, "\"%s\" does not say \"%s\"", a->detail, says);
    ck_assert_uint_eq(a->state.len, 0);
}

void node_world_join(struct node_world *w, int which, int leader)
{
    Hsm__NodeCall call = HSM__NODE_CALL__INIT;
    Hsm__JoinAsk ask = HSM__JOIN_ASK__INIT;
    Hsm__JoinAdmit admit = HSM__JOIN_ADMIT__INIT;
    Hsm__JoinTake take = HSM__JOIN_TAKE__INIT;
    const Hsm__NodeAnswer *a = node_world_info(w, leader);
    uint8_t hash[32];

    ck_assert_int_eq(EVP_Q_digest(NULL, "SHA256", NULL, a->facts->node_certificate.data, a->facts->node_certificate.len, hash, NULL), 1);
    ask.peer_certificate_hash = (ProtobufCBinaryData){.data = hash, .len = sizeof hash};
    call.of_case = HSM__NODE_CALL__OF_JOIN_ASK;
    call.join_ask = &ask;
    admit.request = expect_ok(w, which, &call)->ask;
    call.of_case = HSM__NODE_CALL__OF_JOIN_ADMIT;
    call.join_admit = &admit;
    a = expect_ok(w, leader, &call);
    take.sealed_keys = a->sealed_keys;
    take.node_id = a->node_id;
    take.sender_node_certificate = a->facts->node_certificate;
    take.sender_manufacturer_hardware = a->facts->manufacturer_hardware;
    take.sender_operator_hardware = a->facts->operator_hardware;
    call.of_case = HSM__NODE_CALL__OF_JOIN_TAKE;
    call.join_take = &take;
    expect_ok(w, which, &call);
    node_world_tell(w);
}

const Hsm__NodeAnswer *node_world_start(struct node_world *w, int which)
{
    Hsm__NodeCall call = HSM__NODE_CALL__INIT;
    Hsm__NodeStart start = HSM__NODE_START__INIT;

    start.state = (ProtobufCBinaryData){.data = w->vaults[which].state.data, .len = w->vaults[which].state.len};
    call.of_case = HSM__NODE_CALL__OF_START;
    call.start = &start;
    return node_world_call(w, which, &call);
}

void node_world_provision(struct node_world *w, int which)
{
    Hsm__NodeCall call = HSM__NODE_CALL__INIT;
    Hsm__NodeCertify certify = HSM__NODE_CERTIFY__INIT;
    char name[] = "node-x", seal[] = {(char)('a' + which), 0};
    const Hsm__NodeAnswer *a;

    name[5] = (char)('1' + which);
    node_world_boot(w, which, SEAL_FILE, seal);
    ck_assert_int_eq((int)node_world_start(w, which)->error, ERR_OK);
    a = node_world_make_hardware(w, which, name);
    certify.manufacturer_certificate = node_world_issue(&w->manufacturer, CERT_HARDWARE, name, &a->csr);
    certify.operator_certificate = node_world_issue(&w->operator, CERT_HARDWARE, name, &a->csr);
    certify.manufacturer_root = node_world_der(w->manufacturer.cert);
    certify.operator_root = node_world_der(w->operator.cert);
    call.of_case = HSM__NODE_CALL__OF_CERTIFY;
    call.certify = &certify;
    expect_ok(w, which, &call);
    free(certify.manufacturer_certificate.data);
    free(certify.operator_certificate.data);
    free(certify.manufacturer_root.data);
    free(certify.operator_root.data);
}

void node_world_cluster(struct node_world *w, int which)
{
    Hsm__NodeCall call = HSM__NODE_CALL__INIT;
    Hsm__ClusterInitialize initialize = HSM__CLUSTER_INITIALIZE__INIT;
    Hsm__ClusterBody *body;
    uint64_t version;

    initialize.cluster_certificate = node_world_issue(&w->customer, CERT_SERVER, NULL, &node_world_create(w, which, 1)->csr);
    initialize.customer_anchor = node_world_der(w->customer.cert);
    initialize.client_anchor = node_world_der(w->clients.cert);
    call.of_case = HSM__NODE_CALL__OF_INITIALIZE;
    call.initialize = &initialize;
    expect_ok(w, which, &call);
    free(initialize.cluster_certificate.data);
    free(initialize.customer_anchor.data);
    free(initialize.client_anchor.data);
    body = node_world_body(w, which, &version);
    body->activated = true;
    node_world_put(w, which, 1, HSM__RECORD_KIND__RECORD_CLUSTER, version + 1, NULL, &body->base);
    hsm__cluster_body__free_unpacked(body, NULL);
}

void node_world_put(struct node_world *w, int which, uint64_t id, Hsm__RecordKind kind, uint64_t version, const uint8_t token[16],
                    const ProtobufCMessage *body)
{
    struct keyring *ring = w->vaults[which].vault.keyring;
    const struct cluster_view *view = keyring_view(ring);
    static uint8_t request[16], digest[32];
    Hsm__RecordHeader h = HSM__RECORD_HEADER__INIT;
    Hsm__CommandBody c = HSM__COMMAND_BODY__INIT;
    Hsm__Change change, *changes[] = {&change};
    ProtobufCBinaryData tokens[] = {{.data = (uint8_t *)(uintptr_t)token, .len = 16}}, command;
    struct buffer text = {0}, record = {0}, sealed = {0}, outcome = {0};
    Hsm__Outcome *o;

    request[0]++;
    protobuf_c_message_pack(body, buffer_extend(&text, protobuf_c_message_get_packed_size(body)));
    h.cluster_id = c.cluster_id = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)view->cluster_id, .len = 16};
    h.id = id;
    h.kind = kind;
    h.version = version;
    h.request_id = c.request_id = (ProtobufCBinaryData){.data = request, .len = sizeof request};
    h.tokens = tokens;
    h.n_tokens = token != NULL;
    ck_assert_int_eq(record_seal(view->master, &h, text.data, text.len, &record), ERR_OK);
    hsm__change__init(&change);
    change.of_case = HSM__CHANGE__OF_PUT;
    change.put = (ProtobufCBinaryData){.data = record.data, .len = record.len};
    c.changes = changes;
    c.n_changes = 1;
    c.born_index = w->store.index;
    c.digest = (ProtobufCBinaryData){.data = digest, .len = sizeof digest};
    ck_assert_int_eq(command_seal(view->master, &c, &sealed), ERR_OK);
    keyring_view_done(ring, view);
    command = (ProtobufCBinaryData){.data = sealed.data, .len = sealed.len};
    apply(w, which, &command, &outcome);
    o = hsm__outcome__unpack(NULL, outcome.len, outcome.data);
    ck_assert_msg(o->status == HSM__OUTCOME_STATUS__OUTCOME_DONE, "status %d error %u", (int)o->status, o->error);
    hsm__outcome__free_unpacked(o, NULL);
    buffer_clear(&text);
    buffer_clear(&record);
    buffer_clear(&sealed);
    buffer_clear(&outcome);
}

Hsm__ClusterBody *node_world_body(struct node_world *w, int which, uint64_t *version)
{
    const struct cluster_view *view = keyring_view(w->vaults[which].vault.keyring);
    size_t n = hsm__cluster_body__get_packed_size(view->body);
    uint8_t *packed = malloc(n + 1);
    Hsm__ClusterBody *body;

    hsm__cluster_body__pack(view->body, packed);
    body = hsm__cluster_body__unpack(NULL, n, packed);
    *version = view->version;
    keyring_view_done(w->vaults[which].vault.keyring, view);
    free(packed);
    return body;
}

void node_world_grant(struct node_world *w, const uint8_t *fingerprint, size_t n)
{
    static const char by[] = "admin";
    const struct cluster_view *view = keyring_view(w->vaults[0].vault.keyring);
    Hsm__NodeGrantBody grant = HSM__NODE_GRANT_BODY__INIT;
    Hsm__Outcome *o;
    Hsm__CommandBody lease = HSM__COMMAND_BODY__INIT;
    static uint8_t request[16] = {9}, digest[32];
    struct buffer sealed = {0}, outcome = {0};
    uint8_t token[INDEX_TOKEN_BYTES];
    ProtobufCBinaryData command;
    uint64_t id;

    request[1]++;
    lease.cluster_id = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)view->cluster_id, .len = 16};
    lease.request_id = (ProtobufCBinaryData){.data = request, .len = sizeof request};
    lease.digest = (ProtobufCBinaryData){.data = digest, .len = sizeof digest};
    lease.born_index = w->store.index;
    lease.lease_ids = 16;
    ck_assert_int_eq(command_seal(view->master, &lease, &sealed), ERR_OK);
    ck_assert_int_eq(index_token(view->index, INDEX_PUBLIC, INDEX_GRANT, fingerprint, n, token), ERR_OK);
    keyring_view_done(w->vaults[0].vault.keyring, view);
    command = (ProtobufCBinaryData){.data = sealed.data, .len = sealed.len};
    apply(w, 0, &command, &outcome);
    o = hsm__outcome__unpack(NULL, outcome.len, outcome.data);
    id = o->ids_first;
    hsm__outcome__free_unpacked(o, NULL);
    grant.fingerprint = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)fingerprint, .len = n};
    grant.granted_by = (char *)(uintptr_t)by;
    node_world_put(w, 0, id, HSM__RECORD_KIND__RECORD_GRANT, 1, token, &grant.base);
    buffer_clear(&sealed);
    buffer_clear(&outcome);
}

X509 *node_world_cert(const struct node_world *w, const ProtobufCBinaryData *der)
{
    X509 *cert = NULL;

    ck_assert_int_eq(cert_read(w->libctx, "certificate", der->data, der->len, &cert, NULL), ERR_OK);
    return cert;
}

void node_world_holds(const struct node_world *w, const Hsm__NodeFacts *f, const ProtobufCBinaryData *leaf)
{
    struct chain_device d = {.libctx = w->libctx, .now_s = WORLD_NOW_S, .leaf_name = "leaf"};
    struct diag why = {0};

    d.leaf = node_world_cert(w, leaf);
    d.manufacturer_hardware = node_world_cert(w, &f->manufacturer_hardware);
    d.operator_hardware = node_world_cert(w, &f->operator_hardware);
    d.manufacturer_root = w->manufacturer.cert;
    d.operator_root = w->operator.cert;
    ck_assert_msg(chain_check_device(&d, &why) == ERR_OK, "%s", why.what);
    X509_free(d.leaf);
    X509_free(d.manufacturer_hardware);
    X509_free(d.operator_hardware);
}
