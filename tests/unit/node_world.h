/* Vaults of one cluster without processes: real engines with the node calls, one LMDB state for all, the authorities around them.
 *
 * The world plays each vault's front: it answers what the vault needs, applies what it proposes, tells every vault of the cluster record,
 * and keeps the sealed node state that the answers bring. */
#ifndef CLUSTERHSM_TESTS_UNIT_NODE_WORLD_H
#define CLUSTERHSM_TESTS_UNIT_NODE_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "tests/unit/local_store.h"
#include "vault/engine.h"
#include "vault/node/node.h"
#include "vault/node/seal.h"
#include "vault/vault.h"

enum { WORLD_NOW_S = 1800000000, WORLD_VAULTS = 4 };

/* An authority: key and self-signed certificate. */
struct world_authority {
    EVP_PKEY *key;
    X509 *cert;
};

struct world_vault {
    struct vault vault;
    struct engine *engine;
    struct buffer state; /* as its front has it on disk */
    Hsm__VaultAnswer *last;
};

struct node_world {
    OSSL_LIB_CTX *libctx;
    struct world_authority manufacturer, operator, customer, clients;
    struct local_store store;
    struct world_vault vaults[WORLD_VAULTS];
    bool hides_cluster_record; /* the front says that record 1 is not there */
    unsigned proposals;
};

/* Ends the test on failure, as all of these do. */
void node_world_open(struct node_world *w);
void node_world_close(struct node_world *w);

/* Seconds from WORLD_NOW_S at which all vaults are. */
void node_world_pass(int64_t seconds);

/* A vault process starts: nothing in it but the seal. seal NULL: none. */
void node_world_boot(struct node_world *w, int which, enum seal_kind kind, const char *seal);
/* ... and ends. */
void node_world_halt(struct node_world *w, int which);

/* One call; the answer is borrowed until the vault's next one. */
const Hsm__NodeAnswer *node_world_call(struct node_world *w, int which, const Hsm__NodeCall *call);

/* A certificate that a vault told; the caller's. */
X509 *node_world_cert(const struct node_world *w, const ProtobufCBinaryData *der);

/* The node's certificate holds under both roots, by the two of its hardware (certs/chain.h). */
void node_world_holds(const struct node_world *w, const Hsm__NodeFacts *f, const ProtobufCBinaryData *leaf);

/* The steps of a life, each expected to end in ERR_OK. */
const Hsm__NodeAnswer *node_world_start(struct node_world *w, int which); /* with the state that its front has */
void node_world_provision(struct node_world *w, int which);               /* boot by a file seal, start, hardware, certificates */
void node_world_cluster(struct node_world *w, int which);                 /* create, initialize and activate */
void node_world_grant(struct node_world *w, const uint8_t *fingerprint, size_t n);
void node_world_join(struct node_world *w, int which, int leader);

/* DER; freed with free(_.data). */
ProtobufCBinaryData node_world_der(const X509 *cert);

/* A certificate for the key of a DER request. */
ProtobufCBinaryData node_world_issue(const struct world_authority *a, int role, const char *name, const ProtobufCBinaryData *csr);

struct world_authority node_world_authority(const char *name);
void node_world_authority_free(struct world_authority *a);

/* A command that a vault of the cluster makes by the world's wish: puts the record, sealed. */
void node_world_put(struct node_world *w, int which, uint64_t id, Hsm__RecordKind kind, uint64_t version, const uint8_t token[16],
                    const ProtobufCMessage *body);

/* The cluster record as the store has it goes to every vault that has the cluster's keys. */
void node_world_tell(struct node_world *w);

/* A node call of the world's vaults in the test's hands: answer and refusal of the last one. */
const Hsm__NodeAnswer *node_world_info(struct node_world *w, int which);
const Hsm__NodeAnswer *node_world_make_hardware(struct node_world *w, int which, const char *name);
const Hsm__NodeAnswer *node_world_create(struct node_world *w, int which, uint64_t id);
const Hsm__NodeAnswer *node_world_restart(struct node_world *w, int which, const char *seal); /* a file's */
void node_world_refused(const Hsm__NodeAnswer *a, enum err want, const char *says);

/* What record 1 says now; the caller frees it. */
Hsm__ClusterBody *node_world_body(struct node_world *w, int which, uint64_t *version);

#endif
