/*
 * The engine: one libraft 0.22.1, driven by raft_step() alone, with the guards around it.
 *
 * Events in, decisions out through struct core_host: no I/O, no clock, no thread. It owns the cache of log entries, the
 * order of persistence and sends, the cursor of what is applied, and the guards. core*.c are the only files that know
 * libraft; nobody else sees its types.
 *
 * One thread. `now_ms` never goes back between calls. No call may be made from inside a host function; what the host
 * must do later (a write that is durable, a message) comes back as the next event.
 * A broken contract or a failed step is fatal: host->fatal() does not return. Nothing written can be taken back, so the
 * process ends and the cluster does the rest.
 */
#ifndef CLUSTERHSM_DAEMON_REPLICA_CORE_H
#define CLUSTERHSM_DAEMON_REPLICA_CORE_H

#include "daemon/replica/guard.h"
#include "daemon/replica/members.h"
#include "daemon/replica/message.h"
#include "daemon/replica/record.h"

struct core;

/* Entries for the log: drop what is stored from run.first on, then store these. Goes back with core_appended(). */
struct core_write {
    struct run run;
};

struct core_host {
    /* Durable on return. */
    void (*save_vote)(void *data, uint64_t term, uint64_t vote);
    /* Later, in order with install(): core_appended(w). */
    void (*append)(void *data, struct core_write *w);
    /* Store {snapshot, empty log} at once and swap the state; later core_installed(s). The reference goes along. */
    void (*install)(void *data, struct snap *s);
    /* Write the state as of now (s->index) to a snapshot, then at once store {snapshot, log without entries up to
     * drop_upto, 0: all stay; an index that the log does not hold: all stay}; later core_compacted(s). */
    void (*compact)(void *data, struct snap *s, uint64_t drop_upto);
    /* The parcel becomes the host's. May be lost, late or twice. */
    void (*send)(void *data, uint64_t to, struct parcel *p);
    /* Whether a snapshot is on its way to this peer. */
    bool (*sending_snapshot)(void *data, uint64_t to);
    /* Whether the state machine can take entries now; NULL: always. Asked again after every event. */
    bool (*ready)(void *data);
    /* Each committed entry once and in order. The record is borrowed. */
    void (*apply)(void *data, uint64_t index, const struct record *rec);
    void (*became_leader)(void *data);
    /* Proposals that were not applied yet: their outcome is unknown. */
    void (*lost_leadership)(void *data);
    void (*fatal)(void *data, const char *why) __attribute__((noreturn));
};

struct core_settings {
    uint64_t id;
    const char *address; /* as in the members; copied */
    uint32_t seed;       /* of the election timer: another one on each node */
    uint32_t election_timeout_ms;
    uint32_t heartbeat_ms;
    uint32_t install_timeout_ms; /* a snapshot transfer without an end is begun anew */
    uint32_t catch_up_round_ms;
    uint32_t inflight_max;     /* entries to a peer before its answer; 0: the library's default */
    uint32_t message_bytes;    /* entries of a message together, if it is more than one; 0: a MiB */
    uint32_t snapshot_entries; /* take one after so many entries, 0: never ... */
    uint64_t snapshot_bytes;   /* ... or so many bytes of log above trailing_bytes, 0: any */
    uint32_t trailing_entries; /* keep so many behind a snapshot ... */
    uint64_t trailing_bytes;   /* ... but not more than these bytes, 0: any */
    bool pre_vote;
    uint32_t guards_off;
};

/* What was found on disk. The caller keeps all of it. */
struct core_disk {
    uint64_t term;
    uint64_t vote;
    struct snap *snap; /* NULL: none */
    const struct run *log;
};

enum core_role { CORE_FOLLOWER, CORE_CANDIDATE, CORE_LEADER };

/* NULL: no memory, or a field that libraft refuses. May call save_vote, append and apply. */
struct core *core_open(const struct core_settings *set, const struct core_disk *disk, const struct core_host *host,
                       void *data, uint64_t now_ms);
void core_close(struct core *c);

/* ---- events. Writes, snapshots and parcels that came from the core go back to it with these. */
void core_timeout(struct core *c, uint64_t now_ms);
/* The parcel stays the caller's; its fields may have been changed. */
void core_receive(struct core *c, uint64_t from, struct parcel *p, uint64_t now_ms);
void core_appended(struct core *c, struct core_write *w, uint64_t now_ms);
void core_installed(struct core *c, struct snap *s, uint64_t now_ms);
void core_compacted(struct core *c, struct snap *s, uint64_t now_ms);
void core_write_free(struct core_write *w); /* for a host that ends before the write */

/* ---- proposals */
enum core_result {
    CORE_OK,
    CORE_NOT_LEADER,
    CORE_BUSY /* a change or a transfer is under way, or the cluster is not ready for one: ask again */
};

/* One entry with these bytes. Applied at this index with this term: it is ours and done. Another term there, or
 * leadership lost: unknown. */
enum core_result core_propose(struct core *c, const void *bytes, size_t len, uint64_t now_ms, uint64_t *index,
                              uint64_t *term);
/* An entry that applies to nothing: a leader's first. */
enum core_result core_barrier(struct core *c, uint64_t now_ms);

/* ---- members, one change at a time */
bool core_may_change(struct core *c);
/* The whole new configuration: core_members() with one difference. */
enum core_result core_change(struct core *c, const struct members *m, uint64_t now_ms);
/* Brings a spare or stand-by up to date, so that it may be made a voter. Poll the state. */
enum core_result core_catch_up(struct core *c, uint64_t id, uint64_t now_ms);
enum core_catch_up { CORE_CATCH_UP_NONE, CORE_CATCH_UP_RUNNING, CORE_CATCH_UP_ABORTED, CORE_CATCH_UP_FINISHED };
enum core_catch_up core_catch_up_state(const struct core *c, uint64_t id);
/* CORE_BUSY: the target lacks entries yet. */
enum core_result core_transfer(struct core *c, uint64_t id, uint64_t now_ms);

/* Tells followers at once what has been committed; else they learn it a heartbeat later. */
void core_push_commit(struct core *c);

/* ---- what is so */
uint64_t core_deadline_ms(const struct core *c); /* call core_timeout() then */
enum core_role core_role(const struct core *c);
bool core_is_leader(const struct core *c);
uint64_t core_leader(const struct core *c); /* 0: unknown */
uint64_t core_term(const struct core *c);
uint64_t core_vote(const struct core *c);
uint64_t core_commit(const struct core *c);
uint64_t core_applied(const struct core *c);
uint64_t core_durable(const struct core *c);
uint64_t core_first(const struct core *c); /* of the log in the cache */
uint64_t core_last(const struct core *c);
uint64_t core_term_at(const struct core *c, uint64_t index); /* 0: not in log nor snapshot */
uint64_t core_match(const struct core *c, uint64_t id);      /* leader: what a member is known to hold */
bool core_is_installing(const struct core *c);
size_t core_log_bytes(const struct core *c);
uint64_t core_steps(const struct core *c);
const uint64_t *core_guard_hits(const struct core *c);       /* GUARD_N counters */
const struct snap *core_snap(const struct core *c);          /* newest durable one, borrowed; NULL: none */
void core_members(const struct core *c, struct members *m);         /* newest, committed or not */
void core_members_applied(const struct core *c, struct members *m); /* as of core_applied() */
uint64_t core_members_applied_index(const struct core *c);
uint64_t core_members_pending(const struct core *c); /* index of the uncommitted change, 0: none */
uint64_t core_members_committed(const struct core *c);

/* The library's idea of log, disk and members against ours. False: they differ, *why says what. */
bool core_check_log(const struct core *c, const char **why);
bool core_check_members(const struct core *c, const char **why);

#endif
