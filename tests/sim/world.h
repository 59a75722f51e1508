/*
 * A cluster in one process: virtual clock, seeded chance, faulty disks and network, checks. It runs the product's own
 * core, guards, lease and messages; a seed and a mix replay exactly. One world a process.
 */
#ifndef CLUSTERHSM_TESTS_SIM_WORLD_H
#define CLUSTERHSM_TESTS_SIM_WORLD_H

#include "daemon/replica/core.h"
#include "daemon/replica/lease.h"
#include "daemon/replica/serving.h"
#include "tests/sim/agenda.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SLOTS = 10, /* node ids 1..SLOTS, each used by one node only */
    ELECTION_MS = 300,
    HEARTBEAT_MS = 30,
    LEASE_MS = 1000,
    HEAL_LIMIT_MS = 60000,
    PENDING_MAX = 1024,
    LEADERS_MAX = 4096,
    KEYS = 4
};

/* What may go wrong in a run. */
enum {
    MIX_SNAPSHOT = 1 << 0,
    MIX_MEMBER = 1 << 1,
    MIX_TRANSFER = 1 << 2,
    MIX_PREVOTE = 1 << 3,
    MIX_CHAOS = 1 << 4,   /* messages reorder and repeat, beyond what TCP does */
    MIX_GROWN = 1 << 5,   /* starts with one node and grows */
    MIX_SLOW = 1 << 6,    /* slow disks */
    MIX_STORM = 1 << 7,   /* short faults in quick succession */
    MIX_PAUSE = 1 << 8,   /* frozen processes */
    MIX_RECOVER = 1 << 9, /* at the end only one member is left */
    MIX_LEASE = 1 << 10,  /* serving leases, drifting clocks, readers on every node */
    MIX_RIFT = 1 << 11,   /* few faults, but long ones: splits, slow links, freezes */
    MIX_CALM = 1 << 12    /* nothing goes wrong */
};

/* Mistakes made on purpose, to see that the checks bite. */
enum {
    BREAK_ACK = 1 << 0,    /* changes are acknowledged when the leader has applied them */
    BREAK_POST = 1 << 1,   /* no lease check before the reply leaves */
    BREAK_REREAD = 1 << 2, /* record not read again before the reply leaves */
    BREAK_FSYNC = 1 << 3,  /* the disk says "durable" before it is */
    BREAK_VOTE = 1 << 4,   /* a vote is forgotten in a crash */
    BREAK_SETTLE = 1 << 5  /* replies do not wait until what they show is settled */
};

enum outcome {
    RUN_OK = 0,
    RUN_DIVERGED = 10,
    RUN_TWO_LEADERS,
    RUN_LOST_WRITE,
    RUN_INCOMPLETE_LEADER,
    RUN_HUNG,
    RUN_FATAL,
    RUN_LOG_MISMATCH,
    RUN_MEMBERS_MISMATCH,
    RUN_STALE_START, /* a request was answered by a state older than a change acknowledged before it */
    RUN_STALE_REPLY, /* ... acknowledged before the reply left */
    RUN_STALE_SHOWN, /* ... shown by an earlier reply, perhaps another node's */
    RUN_STALLED,     /* a change waited too long for leases */
    RUN_WIRE         /* a message did not survive its own encoding */
};

struct options {
    uint32_t mix;
    uint32_t guards_off;
    uint32_t broken;
    bool verbose;
    bool lenient;         /* look only for divergence, loss, hang and crash */
    unsigned duration_ms; /* virtual, with faults */
};

struct stats {
    uint64_t events, commits, acked, unknown, elections, crashes, snapshots, installs, changes, catch_ups, transfers,
        transferred, recoveries, served, refused, redone, barred, hits[GUARD_N];
};

/* One queued log write; kept in order. */
struct op {
    struct core_write *write;
    struct snap *install;
    struct op *next;
};

struct waiting {
    uint64_t index, term, command, floor, proposed_ms, applied_ms; /* applied_ms 0: not yet */
};

struct node {
    uint64_t id;
    struct core *core; /* NULL while down */
    bool up, exists, member, removed, retired, leads_at_start;
    unsigned life;
    uint64_t hash; /* the state machine */
    /* disk */
    uint64_t term, vote, old_term, old_vote;
    struct snap *snap;
    struct run log;
    struct op *ops, **ops_tail;
    bool disk_busy;
    uint64_t slow_until;
    unsigned slow_ms;
    /* process */
    uint64_t frozen_until, thawed;
    unsigned late_ms; /* after a freeze, messages are handled this long before the timer */
    struct waiting waiting[PENDING_MAX];
    unsigned n_waiting;
    /* lease */
    struct lease lease;
    struct serving serving;
    struct use *parked; /* wait until what they show is settled */
    uint64_t boot, timer_at, timer_for_us, settled_seen;
    int64_t clock_ppm, clock_offset_us;
};

struct link {
    unsigned conn;
    uint64_t last, blocked_until, bulk, slow_until;
    unsigned slow_ms;
};

/* What was applied first at each index. */
struct truth {
    uint64_t term, payload, hash;
    enum record_kind kind;
};

struct world {
    uint64_t rng, next_command, seed, now;
    const struct options *opt;
    struct stats *stats;
    struct agenda agenda;
    uint64_t deadline[SLOTS + 1]; /* of each node's core, UINT64_MAX while it is down */
    struct node nodes[SLOTS + 1];
    struct link links[SLOTS + 1][SLOTS + 1];
    struct truth *truth;
    uint64_t n_truth, truth_room, max_acked, told;
    uint64_t acked_key[KEYS];
    uint64_t shown_key[KEYS]; /* the newest change that a reply has shown */
    struct {
        uint64_t term, id;
    } leaders[LEADERS_MAX];
    unsigned n_leaders;
    bool healed, joined; /* joined: one flush completes all queued appends */
    unsigned delay_ms, disk_ms, storm_ms;
    uint64_t next_admin, transferee, transfer_at, promoting, promoting_leader;
    struct {
        uint64_t leader, id, since;
        int role; /* -1: left out */
    } drain;      /* a removal that waits for the lease to end */
};

extern struct world W;

/* world.c */
unsigned chance_below(unsigned n); /* 0 .. n - 1 */
bool chance(unsigned percent);
bool mixed(uint32_t bit);
struct event *post(uint64_t at_ms, enum kind kind);
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void fail_run(enum outcome why, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

/* disk.c */
void disk_queue(struct node *n, struct core_write *w, struct snap *install);
void disk_done(struct node *n, unsigned life);
void disk_compacted(struct node *n, const struct event *ev);
void disk_crash(struct node *n);

/* net.c */
void net_send(uint64_t from, uint64_t to, struct parcel *p);
void net_deliver(struct event *ev);
void net_cut(uint64_t from, uint64_t to);

/* host.c */
extern const struct core_host sim_host;
void host_leads(struct node *n);
void host_released(struct node *n, uint64_t upto);

/* node.c */
void node_create(uint64_t id);
void node_start(struct node *n);
void node_stop(struct node *n);
void node_check(struct node *n);
void node_first(struct node *n, const struct members *m);
uint64_t node_deadline(const struct node *n);
struct node *pick_leader(void);

/* load.c */
enum core_result load_propose(struct node *n);
void load_client(void);
void load_admin(void);

/* fault.c */
void fault_next(void);
void fault_recover(void);

/* reader.c */
void lease_start(struct node *n);
void lease_stop(struct node *n);
void lease_poll(struct node *n);
void lease_fire(struct node *n);
uint64_t lease_clock(const struct node *n);
bool lease_holds(const struct node *n);
uint64_t lease_stall_ms(void);
void reader_ask(uint64_t id);
void reader_step(struct use *u);
void reader_acked(uint64_t index, uint64_t command);

static inline unsigned key_of(uint64_t command)
{
    return (unsigned)(command >> 8) % KEYS;
}

/* seed.c: one seed; does not return on failure: prints the reason and exits with the outcome. */
void run_seed(uint64_t seed, const struct options *opt, struct stats *stats);

#endif
