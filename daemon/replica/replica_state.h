/*
 * The inside of the replica, for replica*.c only.
 *
 *   any thread -- item --> inbox --> replica's thread -- job --> writer -- job --> replica's thread
 *                                          |  ^
 *                                     core, lease (no other thread ever touches them)
 */
#ifndef CLUSTERHSM_DAEMON_REPLICA_REPLICA_STATE_H
#define CLUSTERHSM_DAEMON_REPLICA_REPLICA_STATE_H

#include "daemon/replica/core.h"
#include "daemon/replica/journal.h"
#include "daemon/replica/lease.h"
#include "daemon/replica/replica.h"
#include "daemon/replica/serving.h"

#include <stdatomic.h>
#include <uv.h>

/* An entry: format (8 bits), leader's time (64), then {length (32), bytes} a command. */
enum { REPLICA_ENTRY_FORMAT = 1 };

enum { REPLICA_FOLDER_BYTES = 900, REPLICA_PATH_BYTES = 1024, REPLICA_INFLIGHT_BATCHES = 64, REPLICA_MEMBER_MS_MAX = 60000 };

enum item_kind { ITEM_PROPOSE, ITEM_RECEIVE, ITEM_SNAPSHOT, ITEM_ADD, ITEM_REMOVE, ITEM_TRANSFER };

/* What another thread wants. */
struct item {
    enum item_kind kind;
    struct item *next;
    replica_done done;
    void *arg;
    uint64_t id; /* sender or member */
    char *text;  /* address or path; owned */
    size_t n;
    uint8_t bytes[];
};

/* First in, first out. */
struct items {
    struct item *head, **tail;
    size_t bytes;
};

enum job_kind { JOB_APPEND, JOB_INSTALL, JOB_COMPACT };

/* What the writer does to the journal. */
struct job {
    enum job_kind kind;
    struct job *next;
    struct core_write *write;
    struct snap *snap;
    uint64_t drop_upto;
};

struct jobs {
    struct job *head, **tail;
};

/* One entry of ours on its way, and who waits for it. */
struct pending {
    struct pending *next;
    uint64_t index, term;
    bool applied;
    size_t n;
    struct {
        replica_done done;
        void *arg;
        struct buffer answer;
    } command[];
};

/* A snapshot on its way into or out of a file, on libuv's pool. */
struct transfer {
    uv_work_t work;
    struct replica *r;
    char path[REPLICA_PATH_BYTES];
    struct diag why;
    bool ok;
    MDB_txn *txn;    /* written from ... */
    struct snap *snap;
    uint64_t drop_upto;
    MDB_env *env;    /* ... or read into */
    struct parcel *parcel;
    uint64_t from;
};

struct replica {
    struct replica_settings set;
    char folder[REPLICA_FOLDER_BYTES], address[MEMBER_ADDRESS_BYTES];
    struct journal *journal;
    struct core *core;
    struct lease lease;
    struct serving serving;
    MDB_env *state; /* the newest given to the host; used for read transactions of snapshots only */
    unsigned state_count;
    MDB_env *loaded; /* of the snapshot that the core is installing */
    bool loading;
    struct pending *pending, **pending_tail;
    size_t n_pending;
    struct item *member; /* the change of members under way ... */
    uint64_t member_until_ms;
    bool member_proposed, member_caught_up; /* ... and how far it is */
    uint64_t told_members, told_leader;
    bool told_leads;

    uv_loop_t loop;
    uv_async_t wake;
    uv_timer_t timer;
    uv_thread_t thread, writer;
    bool loop_made, thread_made, writer_made;

    uv_mutex_t lock; /* inbox, jobs, status */
    uv_cond_t jobs_come;
    struct items inbox;   /* for the replica's thread */
    struct items waiting; /* proposals; the replica's thread takes them when it leads */
    struct jobs todo, done;
    bool stopping;
    struct replica_status status;

    _Atomic uint64_t serve_until_us, applied, settled, leader;
    _Atomic bool leads;
};

/* replica_host.c: what the core and the lease want done. */
extern const struct core_host replica_core_host;
extern const struct lease_host replica_lease_host;
void replica_remove_states(struct replica *r); /* of earlier starts */
bool replica_make_state(struct replica *r, MDB_env **env, struct diag *why);
void replica_snapshot_path(const struct replica *r, uint64_t term, uint64_t index, char *out, size_t room);
void replica_load_snapshot(struct replica *r, struct item *i);
void replica_finish_pending(struct replica *r, enum replica_outcome outcome, uint64_t upto);
void replica_remove_old_snapshots(struct replica *r);

/* replica_writer.c */
void replica_writer_run(void *arg);
void replica_writer_add(struct replica *r, enum job_kind kind, struct core_write *w, struct snap *s, uint64_t drop_upto);
void replica_writer_completed(struct replica *r);
void replica_fail(const char *what, const struct diag *why) __attribute__((noreturn));

/* replica_member.c */
void replica_member_start(struct replica *r, struct item *i);
void replica_member_poll(struct replica *r);
bool replica_is_transferring(const struct replica *r);

/* replica_item.c: an item has one owner; item_end() tells who waits and frees it */
struct item *item_new(enum item_kind kind, uint64_t id, const char *text, const uint8_t *bytes, size_t n);
void item_free(struct item *i);
void item_end(struct item *i, enum replica_outcome outcome);
struct item *items_pop(struct items *q);                              /* NULL: empty */
struct item *replica_take(struct replica *r, struct items *q);        /* the same under the lock */
void replica_post(struct replica *r, struct items *q, struct item *i); /* any thread; a full queue ends it as busy */

/* replica.c */
void replica_poll(struct replica *r);

#endif
