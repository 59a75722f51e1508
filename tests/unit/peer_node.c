#include "tests/unit/peer_node.h"

#include "certs/issue.h"
#include "common/clock.h"
#include "common/log.h"
#include "daemon/mailbox.h"
#include "daemon/peer_hash.h"
#include "daemon/proposal.h"
#include "tests/unit/certificates.h"
#include "tests/unit/runner.h"
#include "tests/unit/temp_folder.h"

#include <netinet/in.h>
#include <openssl/provider.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct peer_node peer_nodes[PEER_NODES];
uv_loop_t peer_loop;
bool peer_granted;
uint32_t peer_snapshot_entries;

static char *temp;
static OSSL_LIB_CTX *libctx;
static struct mailbox *mailbox;
static uv_timer_t bell;
static EVP_PKEY *root_keys[4]; /* ours, then foreign */
static X509 *roots[4];
static uint64_t next_id;
static uint8_t cluster_id[16] = "one cluster";
static uint8_t kem[CERT_KEM_BYTES] = {9, 1};

/* ---- certificates ---- */

static X509 *issue(enum cert_role role, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key)
{
    struct cert_order o = {.libctx = libctx, .role = role, .name = "x", .subject_key = key, .issuer = issuer,
        .issuer_key = issuer_key, .now_s = (int64_t)clock_real_s(), .days = 2, .kem_public = role == CERT_NODE ? kem : NULL};
    X509 *cert = NULL;
    struct diag why = {0};

    ck_assert_msg(cert_issue(&o, &cert, &why) == ERR_OK, "%s", why.what);
    return cert;
}

static EVP_PKEY *key_new(void)
{
    return EVP_PKEY_Q_keygen(libctx, NULL, "EC", "P-256");
}

static void certify(struct peer_node *n, int first_root)
{
    EVP_PKEY *hardware = key_new();

    X509_free(n->certificate);
    X509_free(n->manufacturer_hardware);
    X509_free(n->operator_hardware);
    n->manufacturer_hardware = issue(CERT_HARDWARE, hardware, roots[first_root], root_keys[first_root]);
    n->operator_hardware = issue(CERT_HARDWARE, hardware, roots[first_root + 1], root_keys[first_root + 1]);
    n->certificate = issue(CERT_NODE, n->key, n->manufacturer_hardware, hardware);
    ck_assert(peer_hash_key(libctx, n->certificate, n->fingerprint));
    EVP_PKEY_free(hardware);
}

void peer_node_make_foreign(unsigned number)
{
    certify(&peer_nodes[number], 2);
}

bool peer_sign(void *arg, const char *digest, const uint8_t *bytes, size_t n, uint8_t *signature, size_t *len, size_t room)
{
    struct peer_node *node = arg;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok;

    node->signatures++;
    *len = room;
    ok = EVP_DigestSignInit_ex(ctx, NULL, digest, libctx, NULL, node->key, NULL) == 1 &&
         EVP_DigestSign(ctx, signature, len, bytes, n) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

static void put_der(const X509 *cert, ProtobufCBinaryData *out)
{
    unsigned char *der = NULL;
    out->len = (size_t)i2d_X509(cert, &der);
    out->data = malloc(out->len);
    memcpy(out->data, der, out->len);
    OPENSSL_free(der);
}

static void put_bytes(const void *bytes, size_t n, ProtobufCBinaryData *out)
{
    out->data = malloc(n);
    out->len = n;
    memcpy(out->data, bytes, n);
}

const Hsm__NodeFacts *peer_facts_of(unsigned number)
{
    static Hsm__NodeFacts *facts;
    const struct peer_node *n = &peer_nodes[number];

    if (facts != NULL)
        hsm__node_facts__free_unpacked(facts, NULL);
    facts = NULL;
    if (number == 0) /* only to free */
        return NULL;
    facts = malloc(sizeof *facts);
    hsm__node_facts__init(facts);
    put_bytes(n->fingerprint, 32, &facts->fingerprint);
    put_der(n->certificate, &facts->node_certificate);
    put_der(n->manufacturer_hardware, &facts->manufacturer_hardware);
    put_der(n->operator_hardware, &facts->operator_hardware);
    put_der(roots[0], &facts->manufacturer_root);
    put_der(roots[1], &facts->operator_root);
    if (n->id == 0)
        return facts;
    put_bytes(cluster_id, sizeof cluster_id, &facts->cluster_id);
    facts->members = calloc(PEER_NODES, sizeof *facts->members);
    for (unsigned i = 1; i < PEER_NODES; i++) {
        Hsm__NodeIdentity *who;
        if (peer_nodes[i].id == 0)
            continue;
        who = malloc(sizeof *who);
        hsm__node_identity__init(who);
        who->node_id = peer_nodes[i].id;
        put_bytes(peer_nodes[i].fingerprint, 32, &who->fingerprint);
        facts->members[facts->n_members++] = who;
    }
    return facts;
}

void peer_record_changed(void)
{
    for (unsigned i = 1; i < PEER_NODES; i++)
        if (peer_nodes[i].peers != NULL)
            ck_assert(peers_facts(peer_nodes[i].peers, peer_facts_of(i), NULL));
}

/* ---- the vault ---- */

struct reply {
    struct peer_node *node;
    peers_node_fn *done;
    void *arg;
    int kind;
    uint8_t fingerprint[32];
    uint64_t id;
};

static void reply_admit(struct peer_node *by, const uint8_t *fingerprint, Hsm__NodeAnswer *a)
{
    struct peer_node *joiner = NULL;

    (void)by;
    for (unsigned i = 1; i < PEER_NODES; i++)
        if (memcmp(peer_nodes[i].fingerprint, fingerprint, 32) == 0)
            joiner = &peer_nodes[i];
    ck_assert_ptr_nonnull(joiner);
    if (!peer_granted && joiner->id == 0) {
        a->error = ERR_GRANT;
        return;
    }
    if (joiner->id == 0)
        joiner->id = next_id++;
    a->node_id = joiner->id;
}

static void reply_now(void *arg)
{
    struct reply *r = arg;
    Hsm__NodeAnswer a = HSM__NODE_ANSWER__INIT;

    if (r->node->peers == NULL) { /* stopped meanwhile */
        free(r);
        return;
    }
    if (r->kind == HSM__NODE_CALL__OF_JOIN_ASK) {
        a.ask.data = r->node->fingerprint;
        a.ask.len = 32;
    } else if (r->kind == HSM__NODE_CALL__OF_JOIN_ADMIT) {
        reply_admit(r->node, r->fingerprint, &a);
    } else if (r->node->take_fails) {
        r->node->take_fails = false;
        a.error = ERR_FORGED;
    }
    if (a.error == ERR_OK && r->kind == HSM__NODE_CALL__OF_JOIN_TAKE)
        r->node->id = r->id;
    a.facts = (Hsm__NodeFacts *)(uintptr_t)peer_facts_of(r->node->number);
    r->done(r->arg, ERR_OK, &a);
    if (a.error == ERR_OK && r->kind == HSM__NODE_CALL__OF_JOIN_ADMIT)
        peer_record_changed();
    free(r);
}

static void node_call(void *arg, const Hsm__NodeCall *call, peers_node_fn *done, void *done_arg)
{
    struct reply *r = calloc(1, sizeof *r);

    *r = (struct reply){.node = arg, .done = done, .arg = done_arg, .kind = (int)call->of_case};
    if (call->of_case == HSM__NODE_CALL__OF_JOIN_ADMIT) {
        ck_assert_uint_eq(call->join_admit->request.len, 32);
        memcpy(r->fingerprint, call->join_admit->request.data, 32);
    } else if (call->of_case == HSM__NODE_CALL__OF_JOIN_TAKE) {
        ck_assert_uint_gt(call->join_take->sender_node_certificate.len, 0);
        r->id = call->join_take->node_id;
    } else {
        ck_assert_int_eq(call->of_case, HSM__NODE_CALL__OF_JOIN_ASK);
        ck_assert_uint_eq(call->join_ask->peer_certificate_hash.len, 32);
    }
    ck_assert(mailbox_post(mailbox, reply_now, r));
}

static void open_in_turn(void *arg)
{
    struct peer_node *n = arg;
    if (n->peers != NULL && n->replica == NULL)
        peer_node_open(n->number, false);
}

static void joined(void *arg, uint64_t id)
{
    struct peer_node *n = arg;
    ck_assert_uint_eq(n->id, id);
    ck_assert(mailbox_post(mailbox, open_in_turn, n));
}

/* ---- the state machine: each command under a running number, which is its outcome ---- */

static void on_opened(void *data, MDB_env *env, uint64_t index)
{
    struct peer_node *n = data;
    MDB_txn *txn;
    MDB_stat st;

    if (n->env != NULL)
        mdb_env_close(n->env);
    n->env = env;
    ck_assert_int_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
    ck_assert_int_eq(mdb_dbi_open(txn, "commands", MDB_CREATE, &n->db), 0);
    ck_assert_int_eq(mdb_stat(txn, n->db, &st), 0);
    ck_assert_int_eq(mdb_txn_commit(txn), 0);
    n->count = st.ms_entries;
    n->snapshots += index > 0;
}

static void on_begin(void *data, uint64_t index, uint64_t time_ms, const struct replica_command *commands, size_t count)
{
    struct peer_node *n = data;
    (void)index, (void)time_ms, (void)commands, (void)count;
    ck_assert_int_eq(mdb_txn_begin(n->env, NULL, 0, &n->txn), 0);
}

static void on_apply(void *data, size_t which, const struct replica_command *command, struct buffer *answer)
{
    struct peer_node *n = data;
    char key[32];
    MDB_val k = {(size_t)snprintf(key, sizeof key, "%010llu", (unsigned long long)++n->count), key};
    MDB_val v = {command->n, (void *)(uintptr_t)command->bytes};

    (void)which;
    ck_assert_int_eq(mdb_put(n->txn, n->db, &k, &v, 0), 0);
    buffer_put_u64(answer, n->count);
}

static void on_end(void *data, uint64_t index)
{
    struct peer_node *n = data;
    (void)index;
    ck_assert_int_eq(mdb_txn_commit(n->txn), 0);
}

static const struct replica_state state = {.opened = on_opened, .begin = on_begin, .apply = on_apply, .end = on_end};

/* ---- life ---- */

/* A port that is free now: the address must be known before the node listens. */
static uint16_t free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    close(fd);
    return ntohs(at.sin_port);
}

void peer_world_new(void)
{
    if (getenv("CLUSTERHSM_TEST_LOG") != NULL) /* for who looks into a failure */
        log_to_stderr();
    temp = temp_folder_new("peers");
    libctx = OSSL_LIB_CTX_new();
    ck_assert_ptr_nonnull(OSSL_PROVIDER_load(libctx, "default"));
    ck_assert(vkey_provider_load(libctx, NULL));
    uv_loop_init(&peer_loop);
    mailbox = mailbox_open(&peer_loop, NULL);
    uv_timer_init(&peer_loop, &bell);
    for (int i = 0; i < 4; i++) {
        root_keys[i] = key_new();
        roots[i] = issue(CERT_ROOT, root_keys[i], NULL, root_keys[i]);
    }
    next_id = 2;
    peer_granted = true;
    peer_snapshot_entries = 1000;
    memset(peer_nodes, 0, sizeof peer_nodes);
    for (unsigned i = 1; i < PEER_NODES; i++) {
        struct peer_node *n = &peer_nodes[i];
        n->number = i;
        n->key = key_new();
        certify(n, 0);
        n->port = free_port();
        snprintf(n->address, sizeof n->address, "127.0.0.1:%u", n->port);
        snprintf(n->folder, sizeof n->folder, "%s/%u", temp, i);
        snprintf(n->raft, sizeof n->raft, "%s/raft", n->folder);
        ck_assert_int_eq(mkdir(n->folder, 0700), 0);
        ck_assert_int_eq(mkdir(n->raft, 0700), 0);
    }
}

void peer_world_free(void)
{
    for (unsigned i = 1; i < PEER_NODES; i++) {
        struct peer_node *n = &peer_nodes[i];
        if (n->peers != NULL)
            peer_node_stop(i);
        EVP_PKEY_free(n->key);
        X509_free(n->certificate);
        X509_free(n->manufacturer_hardware);
        X509_free(n->operator_hardware);
    }
    mailbox_close(mailbox);
    uv_close((uv_handle_t *)&bell, NULL);
    uv_run(&peer_loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&peer_loop), 0);
    peer_facts_of(0);
    for (int i = 0; i < 4; i++) {
        EVP_PKEY_free(root_keys[i]);
        X509_free(roots[i]);
    }
    test_providers_unload(libctx);
    OSSL_LIB_CTX_free(libctx);
    temp_folder_free(temp);
}

void peer_node_start(unsigned number)
{
    struct peer_node *n = &peer_nodes[number];
    struct diag why = {0};
    const struct address listen = {.host = (char[]){"127.0.0.1"}, .port = n->port};
    char client[64];
    struct peers_setup s = {.loop = &peer_loop, .libctx = libctx, .data = n->folder, .listen = &listen,
        .peer_address = n->address, .client_address = client, .sign = peer_sign, .sign_arg = n, .node_call = node_call,
        .joined = joined, .arg = n};

    snprintf(client, sizeof client, "127.0.0.1:%u", number);
    n->peers = peers_new(&s, &why);
    ck_assert_msg(n->peers != NULL, "%s", why.what);
    ck_assert(peers_facts(n->peers, peer_facts_of(number), NULL));
}

void peer_node_open(unsigned number, bool create)
{
    struct peer_node *n = &peer_nodes[number];
    struct diag why = {0};
    struct replica_settings set = {.folder = n->raft, .address = n->address, .seed = number, .election_timeout_ms = 300,
        .lease_ms = 900, .snapshot_entries = peer_snapshot_entries, .state_bytes_max = 256 << 20, .log_bytes_max = 256 << 20,
        .state = &state, .links = &peers_links, .data = n, .links_data = n->peers};

    if (create) {
        n->id = 1;
        ck_assert(replica_create(n->raft, 1, n->address, &why));
        peer_record_changed();
    }
    set.id = n->id;
    n->replica = replica_open(&set, &why);
    ck_assert_msg(n->replica != NULL, "%s", why.what);
    ck_assert_msg(peers_replica(n->peers, n->replica, &why), "%s", why.what);
}

void peer_node_stop(unsigned number)
{
    struct peer_node *n = &peer_nodes[number];
    struct peers *p = n->peers;

    if (n->replica != NULL) {
        replica_close(n->replica);
        mdb_env_close(n->env);
    }
    n->replica = NULL;
    n->env = NULL;
    n->peers = NULL;
    peers_replica(p, NULL, NULL);
    peers_free(p);
    peer_run_for(50);
}

static void on_bell(uv_timer_t *timer)
{
    (void)timer;
    uv_stop(&peer_loop);
}

void peer_run_for(unsigned ms)
{
    uv_update_time(&peer_loop);
    uv_timer_start(&bell, on_bell, ms, 0);
    uv_run(&peer_loop, UV_RUN_DEFAULT);
    uv_timer_stop(&bell);
}

struct answer {
    _Atomic bool over;
    enum err e;
    uint64_t outcome;
};

static void on_outcome(void *arg, enum err e, uint64_t index, const uint8_t *outcome, size_t n)
{
    struct answer *a = arg;
    struct cursor in;

    cursor_init(&in, outcome, n);
    a->e = e;
    a->outcome = n == 8 ? cursor_u64(&in) : 0;
    ck_assert(e != ERR_OK || (index > 0 && n == 8));
    a->over = true;
}

enum err peer_propose(unsigned number, const char *text, size_t n, uint64_t *outcome)
{
    static struct answer a;

    a = (struct answer){0};
    proposal_send(peer_nodes[number].replica, peer_nodes[number].peers, mailbox, (const uint8_t *)text, n, on_outcome, &a);
    PEER_WAIT(a.over);
    if (outcome != NULL)
        *outcome = a.outcome;
    return a.e;
}

uint64_t peer_must_propose(unsigned number, const char *text, size_t n)
{
    uint64_t outcome = 0;
    int i;

    for (i = 0; i < 20 && peer_propose(number, text, n, &outcome) != ERR_OK; i++)
        ;
    ck_assert_int_lt(i, 20);
    return outcome;
}

unsigned peer_wait_leader(void)
{
    unsigned leader = 0;

    for (int i = 0; i < 2000 && leader == 0; i++) {
        peer_run_for(10);
        for (unsigned k = 1; k < PEER_NODES; k++)
            if (peer_nodes[k].replica != NULL && replica_is_leader(peer_nodes[k].replica) &&
                replica_may_serve(peer_nodes[k].replica))
                leader = k;
    }
    ck_assert_uint_ne(leader, 0);
    return leader;
}

const struct peers_status *peer_seen(unsigned by, unsigned of)
{
    static struct peers_status rows[MEMBERS_MAX];
    size_t n = peers_status(peer_nodes[by].peers, rows);

    for (size_t i = 0; i < n; i++)
        if (rows[i].id == peer_nodes[of].id)
            return &rows[i];
    return NULL;
}
