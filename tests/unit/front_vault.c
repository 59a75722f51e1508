#include "tests/unit/front_vault.h"

#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/error.h"
#include "proto/node.pb-c.h"
#include "tests/unit/draft.h"
#include "tests/unit/fake_vault.h"

static struct fake_vault *vaults[1 + FRONT_VAULT_THREADS];
static struct {
    int fd;
    pthread_t thread;
} signers[FRONT_VAULT_THREADS];
static EVP_PKEY *cluster_key;
static uint8_t *anchor_der, *cluster_der;
static int anchor_bytes, cluster_bytes;
static _Atomic(const char *) stage; /* what this node is; its sealed state is this very word */
static _Atomic bool is_initialized; /* the cluster record was told */

static ProtobufCBinaryData bytes_of(const void *at, size_t n)
{
    return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)at, .len = n};
}

static void answer_node(struct fake_vault *v, uint64_t call, bool new_state)
{
    Hsm__NodeAnswer a = HSM__NODE_ANSWER__INIT;
    Hsm__NodeFacts f = HSM__NODE_FACTS__INIT;
    ProtobufCBinaryData anchor = bytes_of(anchor_der, (size_t)anchor_bytes);
    const char *is = stage;
    bool in_cluster = strcmp(is, "uninitialized") == 0;

    f.state = (char *)(uintptr_t)(in_cluster && is_initialized ? "initialized" : is);
    if (strcmp(is, "unprovisioned") == 0)
        f.hardware_csr = bytes_of("hardware", new_state ? 8 : 0);
    if (strcmp(is, "unprovisioned") != 0) { /* one key and one authority do for all that is not looked at here */
        f.node_certificate = bytes_of(cluster_der, (size_t)cluster_bytes);
        f.manufacturer_hardware = f.operator_hardware = f.manufacturer_root = f.operator_root = anchor;
    }
    if (in_cluster) {
        f.node_id = 1;
        f.cluster_csr = bytes_of("csr", 3);
    }
    if (in_cluster && is_initialized) {
        f.cluster_certificate = bytes_of(cluster_der, (size_t)cluster_bytes);
        f.client_anchors = &anchor;
        f.n_client_anchors = 1;
        f.login_statement = bytes_of("statement", 9);
    }
    a.facts = &f;
    if (new_state)
        a.state = bytes_of(is, strlen(is));
    fake_vault_node(v, call, &a);
}

static void take_node_call(struct fake_vault *v, const Hsm__VaultCall *call)
{
    struct draft d;
    uint8_t command[4096];

    switch ((int)call->node->of_case) {
    case HSM__NODE_CALL__OF_START:
        stage = call->node->start->state.len == 0 ? "unprovisioned"
            : call->node->start->state.data[0] == 'p' ? "provisioned"
            : call->node->start->state.data[2] == 'i' ? "uninitialized" : "unprovisioned";
        answer_node(v, call->call, false);
        break;
    case HSM__NODE_CALL__OF_MAKE_HARDWARE:
        answer_node(v, call->call, true);
        break;
    case HSM__NODE_CALL__OF_CERTIFY:
        stage = "provisioned";
        answer_node(v, call->call, true);
        break;
    case HSM__NODE_CALL__OF_CREATE:
        stage = "uninitialized";
        answer_node(v, call->call, true);
        break;
    case HSM__NODE_CALL__OF_INITIALIZE:
        d = draft_new(0, "initialize");
        draft_put(&d, 1, 1, HSM__RECORD_KIND__RECORD_CLUSTER, 0, NULL);
        fake_vault_propose(v, call->call, command, draft_pack(&d, command));
        break;
    case HSM__NODE_CALL__OF_CLUSTER_RECORD:
        is_initialized = true;
        answer_node(v, call->call, false);
        break;
    default:
        answer_node(v, call->call, false);
        break;
    }
}

static void on_call(void *arg, struct fake_vault *v, const Hsm__VaultCall *call)
{
    uint8_t good[256];
    char text[64] = "";
    (void)arg;

    switch ((int)call->of_case) {
    case HSM__VAULT_CALL__OF_NODE:
        take_node_call(v, call);
        break;
    case HSM__VAULT_CALL__OF_CHECK:
        memset(good, 1, sizeof good);
        fake_vault_verdict(v, call->call, good, call->check->n_commands);
        break;
    case HSM__VAULT_CALL__OF_OUTCOME:
        answer_node(v, call->call, false);
        break;
    case HSM__VAULT_CALL__OF_CHANNEL_OPEN:
        fake_vault_opened(v, call->call);
        break;
    case HSM__VAULT_CALL__OF_REQUEST:
        memcpy(text, call->request->body.data, call->request->body.len < 63 ? call->request->body.len : 63);
        fake_vault_reply(v, call->call, text, 0, 0);
        break;
    default:
        fake_vault_dropped(v, call->call);
        break;
    }
}

/* Signs whatever it is asked, with the cluster's key. */
static void *run_signer(void *arg)
{
    int fd = *(int *)arg;
    uint8_t head[4], bytes[1024], signature[128];
    while (recv(fd, head, 4, MSG_WAITALL) == 4 && recv(fd, bytes, head[3] | (size_t)head[2] << 8, MSG_WAITALL) > 0) {
        Hsm__SignCall *call = hsm__sign_call__unpack(NULL, head[3] | (size_t)head[2] << 8, bytes);
        Hsm__SignAnswer a = HSM__SIGN_ANSWER__INIT;
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        size_t n = sizeof signature;
        EVP_DigestSignInit_ex(ctx, NULL, call->digest, NULL, NULL, cluster_key, NULL);
        if (EVP_DigestSign(ctx, signature, &n, call->to_be_signed.data, call->to_be_signed.len) != 1)
            a.error = ERR_BUG;
        a.signature = bytes_of(signature, n);
        bytes[0] = bytes[1] = bytes[2] = 0;
        bytes[3] = (uint8_t)hsm__sign_answer__pack(&a, bytes + 4);
        (void)!send(fd, bytes, 4u + bytes[3], MSG_NOSIGNAL);
        EVP_MD_CTX_free(ctx);
        hsm__sign_call__free_unpacked(call, NULL);
    }
    return NULL;
}

void front_vault_start(const struct front_vault_keys *keys, int fds[FRONT_VAULT_PAIRS])
{
    is_initialized = false;
    stage = "unprovisioned";
    cluster_key = keys->cluster_key;
    anchor_der = cluster_der = NULL;
    anchor_bytes = i2d_X509(keys->client_anchor, &anchor_der);
    cluster_bytes = i2d_X509(keys->cluster_certificate, &cluster_der);
    for (int i = 0; i < 1 + FRONT_VAULT_THREADS; i++) /* the check pair, then a request pair at 1 + 2i */
        vaults[i] = fake_vault_new(on_call, NULL, &fds[i == 0 ? 0 : 2 * i - 1]);
    for (int i = 0; i < FRONT_VAULT_THREADS; i++) {
        int pair[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        fds[2 + 2 * i] = pair[0];
        signers[i].fd = pair[1];
        pthread_create(&signers[i].thread, NULL, run_signer, &signers[i].fd);
    }
}

void front_vault_end(void)
{
    for (int i = 0; i < 1 + FRONT_VAULT_THREADS; i++) {
        fake_vault_free(vaults[i]);
        vaults[i] = NULL;
    }
    for (int i = 0; i < FRONT_VAULT_THREADS; i++) {
        shutdown(signers[i].fd, SHUT_RDWR);
        pthread_join(signers[i].thread, NULL);
        close(signers[i].fd);
    }
    OPENSSL_free(anchor_der);
    OPENSSL_free(cluster_der);
}
