/*
 * The inside of the engine, for core*.c only.
 */
#ifndef CLUSTERHSM_DAEMON_REPLICA_CORE_STATE_H
#define CLUSTERHSM_DAEMON_REPLICA_CORE_STATE_H

#include "daemon/replica/core.h"

#include <raft.h>

#if RAFT_VERSION_NUMBER != 2201
#error the guards were found with libraft 0.22.1; another version frees other things and fails in other ways
#endif

enum { CORE_HELD_MAX = 256, CORE_MESSAGE_BYTES = 1 << 20 };

struct core {
    struct raft *raft; /* behind a pointer: some of its getters want it without const */
    const struct core_host *host;
    void *data;
    uint64_t id;
    char address[MEMBER_ADDRESS_BYTES];
    uint64_t from; /* sender of the message in hand ... */
    char peer[24]; /* ... and what libraft gets as its address */
    struct guards guards;
    struct run log;        /* every entry that the library knows about */
    struct snap *snap;     /* newest durable snapshot */
    uint64_t durable;      /* last entry of the log that is on disk */
    uint64_t commit;       /* never decreases */
    uint64_t applied;
    uint64_t members_told; /* RAFT_CONFIGURATION events fired up to here */
    uint64_t members_index; /* the members as of `applied` ... */
    struct record *members; /* ... encoded */
    uint32_t snapshot_entries, trailing_entries, message_bytes;
    uint64_t snapshot_bytes, trailing_bytes;
    bool taking;           /* a compact() is under way ... */
    unsigned trailing;     /* ... that keeps so many entries */
    struct snap *waiting;  /* an install that waits for it */
    bool installing;
    uint64_t sole_term;    /* term taken by GUARD_SOLE */
    const struct message *asked; /* the vote request being answered */
    uint64_t contact_ms;   /* from a leader of the current term */
    uint64_t lent_term;    /* a vote given by GUARD_VOTE: the library does not know of it */
    uint64_t lent_vote;
    struct {
        struct parcel *p;
        uint64_t to;
    } held[CORE_HELD_MAX]; /* GUARD_HOLD */
    unsigned n_held;
    uint64_t hold; /* change of members not yet on our disk, or 0 */
    struct {
        uint64_t id, commit, term;
    } pushed[MEMBERS_MAX];
    uint64_t now_ms;
    uint64_t deadline_ms;
    int role; /* libraft's state after the last step */
    uint64_t steps;
};

/* core_step.c: one event into the library and its update out; then, after every event, what follows from it. */
int core_step(struct core *c, struct raft_event *event);
void core_step_or_die(struct core *c, struct raft_event *event, const char *what);
void core_after(struct core *c);
void core_start_install(struct core *c, struct snap *s);
bool core_tell_members(struct core *c, uint64_t upto);
void core_facts(const struct core *c, uint64_t from, struct facts *f);

/* core_convert.c: between libraft's types and ours. */
void core_to_raft(const struct message *m, struct raft_message *r);
void core_from_raft(const struct raft_message *r, struct message *m);
void core_decode_members(struct core *c, const struct record *rec, struct raft_configuration *out);
struct raft_entry *core_entries_new(struct record *const *rec, size_t n); /* one batch; raft_free() both */
void core_members_of(const struct raft_configuration *conf, struct members *m);

#endif
