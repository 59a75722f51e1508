/* The inside of a local node, for local_node.c and local_stream.c only. */
#ifndef CLUSTERHSM_TESTS_UNIT_LOCAL_NODE_STATE_H
#define CLUSTERHSM_TESTS_UNIT_LOCAL_NODE_STATE_H

#include <pthread.h>
#include <sys/queue.h>

#include "crypto/channel.h"
#include "tests/unit/local_node.h"
#include "tests/unit/local_store.h"

/* The engine's answers, one after the other, so that nothing of it is entered from within itself. */
struct letter {
    STAILQ_ENTRY(letter) next;
    Hsm__VaultAnswer *answer;
};

struct local_node {
    OSSL_LIB_CTX *libctx;
    pthread_mutex_t lock;
    struct vault vault;
    struct engine *engine;
    struct local_store store;
    struct local_faults faults;
    uint8_t cluster_id[16];
    EVP_PKEY *cluster_key, *authority_key;
    X509 *certificate, *authority;
    uint8_t *public_key;
    struct stream_peer peer;
    uint8_t login_public[CHANNEL_KEY_BYTES];
    uint64_t calls, connections;
    unsigned proposals, needs;
    STAILQ_HEAD(, letter) letters;
};

/* Brings what the vault asks for, until it has said its last word, which the caller frees. Under the node's lock. */
Hsm__VaultAnswer *local_node_converse(struct local_node *n, Hsm__VaultCall *call);

#endif
