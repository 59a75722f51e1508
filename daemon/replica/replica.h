/*
 * The replicated log of a node: the one door through which the cluster's state changes.
 *
 * Happy path of a change: any thread calls replica_propose() -> the replica's thread puts what has come in meanwhile into
 * one entry -> a majority has it on disk -> apply() of the state host, on every node, in the same order -> every node
 * that may serve has applied it -> done(REPLICA_DONE, what apply answered).
 *
 * Threads. The replica has one thread (libuv) and one writer thread of its own. Every call below marked "any thread" may
 * come from any; the others say when. Callbacks, state host and links are called on the replica's thread: they must be
 * quick and must not call replica_close(). A failed write to the log ends the process (fail-stop): the parent starts it
 * again, the cluster does the rest.
 *
 * Files below `folder`: log/ (LMDB, synced), snapshot/ (the newest two), state.N/ (LMDB, not synced, rebuilt at each
 * start from the newest snapshot and the log).
 */
#ifndef CLUSTERHSM_DAEMON_REPLICA_REPLICA_H
#define CLUSTERHSM_DAEMON_REPLICA_REPLICA_H

#include "common/buffer.h"
#include "common/diag.h"
#include "daemon/replica/members.h"

#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>

struct replica;

enum {
    REPLICA_COMMAND_BYTES_MAX = 1 << 20,
    REPLICA_BATCH_BYTES_MAX = 1 << 20,
    REPLICA_BATCH_COMMANDS_MAX = 256,
    REPLICA_QUEUE_BYTES_MAX = 64 << 20 /* proposals that wait; above, "busy" */
};

/* One of an entry's commands; borrowed. */
struct replica_command {
    const uint8_t *bytes;
    size_t n;
};

/* The state machine. A snapshot holds all named databases of the environment and nothing else, so there the whole state
 * must live. apply must be deterministic: no clock, no chance, no configuration. */
struct replica_state {
    /* A fresh environment (MDB_NOTLS, MDB_NOSYNC) with the state as of `index`; empty at index 0. It is the host's from
     * here on: it closes the one before when its last reader is gone. At start, and when a snapshot came. */
    void (*opened)(void *data, MDB_env *env, uint64_t index);
    /* Whether entries can be applied now (the vault is open); NULL: always. While not, the log grows and nothing is
     * applied or acknowledged. Asked again after every event, a heartbeat at the latest. */
    bool (*ready)(void *data);
    /* One entry: begin sees all of its commands (so that the vault judges them in one hop) and the leader's clock when it
     * was proposed (ms since 1970; may step back); then each command by its place in the entry; then end, by which the
     * state must be committed and visible to readers. Entries without commands are not told: indexes have gaps. */
    void (*begin)(void *data, uint64_t index, uint64_t leader_time_ms, const struct replica_command *commands, size_t n);
    void (*apply)(void *data, size_t which, const struct replica_command *command, struct buffer *answer);
    void (*end)(void *data, uint64_t index);
    /* The newest applied members: whom to talk to. */
    void (*members)(void *data, const struct members *m); /* may be NULL */
    void (*role)(void *data, bool leads, uint64_t leader); /* leader 0: unknown; may be NULL */
};

/* The way to the other nodes; all NULL for a cluster of one that stays one. */
struct replica_links {
    /* Takes a copy. May lose it; must keep the order of what arrives on one connection. */
    void (*send)(void *data, uint64_t to, const uint8_t *bytes, size_t n);
    /* Streams the file over a connection of its own; there replica_receive_snapshot() gets `bytes` and the file. The
     * file may vanish from its folder meanwhile: open it before returning. */
    void (*send_snapshot)(void *data, uint64_t to, const uint8_t *bytes, size_t n, const char *path);
    bool (*sending_snapshot)(void *data, uint64_t to);
};

struct replica_settings {
    const char *folder;
    uint64_t id;         /* of this node, above 0, never used by another */
    const char *address; /* as the others dial it */
    uint32_t seed;       /* random, another one at each start */
    uint32_t election_timeout_ms; /* 0: 500 */
    uint32_t lease_ms;            /* 0: 1500 */
    uint32_t drift_ppm;           /* 0: 200000, as far as chrony may slew two clocks apart */
    uint32_t snapshot_entries;    /* 0: 100000 */
    uint64_t state_bytes_max;     /* map of the state, 0: 16 GiB of address space */
    uint64_t log_bytes_max;       /* map of the log, 0: 8 GiB */
    const struct replica_state *state;
    const struct replica_links *links;
    void *data;       /* of the state host ... */
    void *links_data; /* ... and of the links; NULL: the same */
};

/* Writes the log of a new cluster of one into an empty folder (made if needed). False: there is a log already, or the
 * disk refuses. Before replica_open(), once in the life of a cluster. */
bool replica_create(const char *folder, uint64_t id, const char *address, struct diag *why);

/* Whether the folder has a log. */
bool replica_exists(const char *folder);

/* Verifies the log in a child, loads it, rebuilds the state (calls state->opened, then applies what is known to be
 * committed) and starts the thread. A node without a log waits to be joined. NULL: *why says what is damaged and what to
 * do. To be called before the process has other threads: it forks. */
struct replica *replica_open(const struct replica_settings *set, struct diag *why);

/* Stops the threads; proposals that wait end as REPLICA_UNKNOWN. Not from a callback. */
void replica_close(struct replica *r);

enum replica_outcome {
    REPLICA_DONE,       /* acknowledged: on a majority's disks, applied wherever it could be read */
    REPLICA_NOT_LEADER, /* nothing happened; ask the leader */
    REPLICA_BUSY,       /* nothing happened; ask again */
    REPLICA_UNKNOWN     /* it may have happened or may happen yet: ask again with the same request id */
};

/* index: where it stands in the log, for "read your own writes". answer: borrowed, what apply wrote; both only with
 * REPLICA_DONE. */
typedef void (*replica_done)(void *arg, enum replica_outcome outcome, uint64_t index, const uint8_t *answer, size_t n);

/* Any thread. The bytes are copied. done is called exactly once, perhaps before this returns from another thread's view. */
void replica_propose(struct replica *r, const uint8_t *command, size_t n, replica_done done, void *arg);

/* Any thread. True while what is applied here now may decide an answer: before the work, and again, with the record read
 * anew, right before the reply leaves. */
bool replica_may_serve(const struct replica *r);

/* Any thread. */
uint64_t replica_applied(const struct replica *r);

/* Any thread. Up to here every node that may serve has applied. An answer that shows a later change waits until that is settled too, or
 * another node could answer by the state before it to whoever has seen this one (daemon/replica/lease.h). */
uint64_t replica_settled(const struct replica *r);

uint64_t replica_leader(const struct replica *r); /* 0: unknown */
bool replica_is_leader(const struct replica *r);

struct replica_status {
    uint64_t id, leader, term, commit, applied, durable, first, last, released, boot;
    uint64_t snapshot_index, log_bytes, lease_left_ms, steps;
    bool leads, may_serve;
    struct members members; /* newest */
};

/* Any thread; a moment old. */
void replica_status(struct replica *r, struct replica_status *out);

/* ---- from the links, any thread; the bytes are copied */
void replica_receive(struct replica *r, uint64_t from, const uint8_t *bytes, size_t n);
/* The file must lie in the folder's snapshot/ (see replica_incoming_path) and is the replica's from here on. */
void replica_receive_snapshot(struct replica *r, uint64_t from, const uint8_t *bytes, size_t n, const char *path);
/* Where the links may write an incoming snapshot of this peer: NUL-terminated, in out. */
void replica_incoming_path(const struct replica *r, uint64_t from, char *out, size_t room);

/* ---- members: any thread, on the leader; one at a time, else busy. done's index and answer are nothing.
 * add: spare, then brought up to date, then voter; REPLICA_UNKNOWN when that did not end within a minute, or leadership
 * went. remove: waits for the member's lease to end; the leader itself must transfer first. */
void replica_add(struct replica *r, uint64_t id, const char *address, replica_done done, void *arg);
void replica_remove(struct replica *r, uint64_t id, replica_done done, void *arg);
void replica_transfer(struct replica *r, uint64_t id, replica_done done, void *arg);

#endif
