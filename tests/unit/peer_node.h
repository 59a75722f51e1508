/*
 * Nodes for tests of daemon/peers: each with its own certificates, replica and links, all in one process and on one loop,
 * talking TLS over loopback. The vault is played: keys sign here, and its node calls are answered from this table:
 *
 *   JOIN_ASK   the fingerprint of the node's key is its request
 *   JOIN_ADMIT refused without `granted`; else the node gets the next id, or the one it had
 *   JOIN_TAKE  the node is in the cluster
 */
#ifndef CLUSTERHSM_TESTS_UNIT_PEER_NODE_H
#define CLUSTERHSM_TESTS_UNIT_PEER_NODE_H

#include "daemon/peers.h"

#include <lmdb.h>

enum { PEER_NODES = 5 }; /* numbers 1 ... 4 are nodes */

struct peer_node {
    unsigned number;
    uint64_t id; /* 0: not in the cluster */
    char folder[256], raft[300], address[64];
    uint16_t port;
    EVP_PKEY *key;
    X509 *certificate, *manufacturer_hardware, *operator_hardware;
    uint8_t fingerprint[32];
    struct peers *peers;
    struct replica *replica;
    MDB_env *env;
    MDB_dbi db;
    MDB_txn *txn;
    uint64_t count; /* of commands applied */
    int snapshots;  /* that arrived */
    unsigned signatures;
    bool take_fails; /* its vault refuses JOIN_TAKE once */
};

extern struct peer_node peer_nodes[PEER_NODES];
extern uv_loop_t peer_loop;
extern bool peer_granted;
extern uint32_t peer_snapshot_entries;

/* Two roots, certificates for all nodes, a loop. */
void peer_world_new(void);
void peer_world_free(void); /* stops what runs; fails where the loop is not empty */

/* A folder, links, and facts with its certificates. */
void peer_node_start(unsigned number);
/* Its replica under its id, and so its links. `create`: a cluster of one, with id 1. */
void peer_node_open(unsigned number, bool create);
void peer_node_stop(unsigned number); /* as if killed: nobody is told */

/* Certificates under two other roots; before peer_node_start. */
void peer_node_make_foreign(unsigned number);

/* Puts the record's list of members, or another, into the facts of all that run. */
void peer_record_changed(void);

/* Runs the loop until the condition holds, at most 20 seconds, else fails. */
void peer_run_for(unsigned ms);
#define PEER_WAIT(condition)                                          \
    do {                                                              \
        int peer_wait_i = 0;                                          \
        for (; peer_wait_i < 2000 && !(condition); peer_wait_i++)     \
            peer_run_for(10);                                         \
        ck_assert_msg(condition, "waited in vain for: %s", #condition); \
    } while (0)

/* Proposes at this node until it is acknowledged; the outcome's number. */
uint64_t peer_must_propose(unsigned number, const char *text, size_t n);
/* Once. */
enum err peer_propose(unsigned number, const char *text, size_t n, uint64_t *outcome);

/* The number of the node that leads; waits for one. */
unsigned peer_wait_leader(void);

/* How this node sees that one; NULL: not as a member. Borrowed until the next call. */
const struct peers_status *peer_seen(unsigned by, unsigned of);

/* The facts of a node with the record's members. */
const Hsm__NodeFacts *peer_facts_of(unsigned number);

bool peer_sign(void *arg, const char *digest, const uint8_t *bytes, size_t n, uint8_t *signature, size_t *len, size_t room);

#endif
