/* A cluster without nodes, for tests of what vaults do with it: records that lie open, compare-and-set, a ring of request ids, a keyring.
 * What is as in the product: a command is applied as a whole or not at all; a repeated request id gives the first result. One thread. */
#ifndef CLUSTERHSM_TESTS_UNIT_FAKE_CLUSTER_H
#define CLUSTERHSM_TESTS_UNIT_FAKE_CLUSTER_H

#include "vault/vault.h"
#include "vault/work.h"

enum {
    FAKE_VAULTS = 3,
    FAKE_RECORDS = 512,
    FAKE_RING = 16384,
    FAKE_CHANGES = 8,
    FAKE_PRECONDITIONS = 64,
    FAKE_RESULT_BYTES = 128,
    FAKE_ID_BYTES = 16,
    FAKE_DIGEST_BYTES = 32
};

struct fake_record {
    uint64_t id, version, owner; /* version 0: erased */
    Hsm__RecordKind kind;
    uint8_t token[INDEX_TOKEN_BYTES];
    bool has_token;
    uint8_t *body;
    size_t n;
};

struct fake_command {
    uint8_t id[FAKE_ID_BYTES], digest[FAKE_DIGEST_BYTES], result[FAKE_RESULT_BYTES];
    size_t result_n, n_puts, n_erases, n_pre;
    struct fake_change {
        struct put put; /* its body and token are the two below */
        uint8_t *body;
        uint8_t token[1][INDEX_TOKEN_BYTES];
    } puts[FAKE_CHANGES];
    uint64_t erases[FAKE_CHANGES];
    uint64_t pre[FAKE_PRECONDITIONS][2];
};

struct fake {
    struct vault vaults[FAKE_VAULTS]; /* one keyring, each its own guesses */
    struct fake_record records[FAKE_RECORDS];
    size_t n_records;
    struct fake_ring *ring;
    size_t n_ring;
    uint64_t next_id;
    uint64_t leader_ms;         /* the leader's clock */
    size_t commands, conflicts; /* applied, and missed, so far */
    /* A front that lies: sees each outcome before the vault does. NULL: none. */
    void (*liar)(struct fake *f, Hsm__Outcome *outcome);
    bool pretends_repeated;     /* ... says of each request that it had been made before */
    bool pretends_done;         /* ... says of each command that it is done, and proposes none */
    uint64_t hidden;            /* ... and of this record that it is not there */
};

/* The vaults' own clocks; the same for all. */
extern uint64_t fake_own_ms;

/* A cluster with these client anchors, not active yet. */
void fake_init(struct fake *f, const ProtobufCBinaryData *anchors, size_t n);
void fake_clear(struct fake *f);

/* The cluster record changes, as if an operator had done it. */
void fake_anchors(struct fake *f, const ProtobufCBinaryData *anchors, size_t n);

/* What every vault reads in the cluster record now. */
const Hsm__ClusterBody *fake_cluster_body(struct fake *f);

/* The record, or NULL. */
struct fake_record *fake_record(struct fake *f, uint64_t id);

/* Puts a record, id 0: a new one, whose id is returned. */
uint64_t fake_put(struct fake *f, uint64_t id, Hsm__RecordKind kind, const ProtobufCMessage *body);

/* The outcome borrows from the ring. */
void fake_apply(struct fake *f, const struct fake_command *c, Hsm__Outcome *out);

/* Has this request been made before? Then its outcome. */
bool fake_repeated(struct fake *f, const struct fake_command *c, Hsm__Outcome *out);

#endif
