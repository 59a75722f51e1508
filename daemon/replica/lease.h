/*
 * Serving leases: which node may answer from its own applied state, and when a change may be acknowledged.
 *
 * Promise: once a change is acknowledged, no node answers by the state before it. A node answers only while
 * lease_may_serve() says so, and asks again, with the record read anew, right before the reply leaves.
 *
 *   leader                               every node that has the log (voters, stand-bys), the leader included
 *     | -- PROBE {term, stamp} ---------> |   one round per `renew`; stamp = leader's clock as the round starts
 *     | <- ASK {stamp, boot, asked, applied}  only if our durable term is the round's; asked = our clock now
 *     |   a majority of voters answered this round: nobody else was elected before `stamp`
 *     | -- GRANT {boot, asked, floor, lasts}  lease: asked + lasts on the asker's clock, once applied >= floor
 *     | <- REPORT {boot, applied} --------|   at once after applying, so that changes need not wait for a round
 *     | -- SETTLED {index} -------------> |   everything up to index is applied wherever an answer can come from
 *
 * SETTLED is for readers: an answer that shows a change which is not settled yet could be followed by one of another node that does not
 * show it. So such an answer waits (lease_settled). What is settled stays settled: whoever gets a lease later has applied it too.
 *
 * One bound carries everything: each lease of a round is over when stamp + length has passed, whatever clock (stretched
 * by the drift). So the leader counts a holder until then, and a new leader, elected after the last round that could
 * succeed before it, counts every member as a holder for one such time after its election.
 *
 * A pure state machine: no I/O, no clock. Times are microseconds of one clock that also counts while the process is
 * stopped and the machine asleep (CLOCK_BOOTTIME). One thread. Nothing is durable but `boot`, which the caller counts.
 */
#ifndef CLUSTERHSM_DAEMON_REPLICA_LEASE_H
#define CLUSTERHSM_DAEMON_REPLICA_LEASE_H

#include <stdbool.h>
#include <stdint.h>

enum { LEASE_ROWS_MAX = 16 };
#define LEASE_NEVER UINT64_MAX

enum lease_kind { LEASE_NONE, LEASE_PROBE, LEASE_ASK, LEASE_GRANT, LEASE_REPORT, LEASE_SETTLED };

struct lease_message {
    enum lease_kind kind;
    uint64_t term;
    uint64_t stamp_us; /* PROBE, echoed in ASK */
    uint64_t boot;     /* ASK, REPORT: starts of the asker so far; echoed in GRANT */
    uint64_t asked_us; /* ASK: asker's clock; echoed in GRANT */
    uint64_t index;    /* ASK, REPORT: applied; GRANT: to be applied before serving; PROBE, SETTLED: settled */
    uint64_t lasts_us; /* GRANT: from asked_us on the asker's clock */
};

struct lease_settings {
    uint64_t length_us;
    uint64_t renew_us;  /* a round each */
    uint64_t margin_us; /* added to what the leader counts: resolution of clocks */
    uint32_t drift_ppm; /* by how much one clock may outrun another */
};

/* A member as the newest configuration has it; spares are left out. */
struct lease_member {
    uint64_t id;
    bool voter;
    bool confirmed; /* also in the newest applied configuration: only such may get leases */
};

struct lease_host {
    void (*send)(void *data, uint64_t to, const struct lease_message *m);
    void (*released)(void *data, uint64_t index); /* leader: everything up to index may be acknowledged */
};

/* The leader's knowledge of one member. */
struct lease_row {
    uint64_t id;
    bool voter;
    bool confirmed;
    uint64_t drain_us;   /* no grants before that */
    uint64_t boot;       /* newest start that spoke to us in this term; 0: none yet */
    uint64_t applied;    /* reported by that start */
    uint64_t until_us;   /* our clock: it may hold a lease before that */
    uint64_t answered;   /* stamp of the last round it answered, 0 none ... */
    uint64_t asked_us;   /* ... with this */
    uint64_t granted;    /* stamp of the last round we granted for */
    unsigned bar;        /* rounds to keep pace before the next lease, after it had delayed changes ... */
    unsigned paced;      /* ... and rounds in which it did */
};

/* In the caller's memory, owns nothing. Readers outside: applied, released, deadline_us, sent, barred. */
struct lease {
    uint64_t id, boot;
    const struct lease_host *host;
    void *data;
    struct lease_settings set;
    uint64_t term, applied;
    uint64_t deadline_us; /* call lease_timeout() then; LEASE_NEVER if none */

    uint64_t until_us, floor; /* our lease */
    uint64_t settled;         /* as far as we have heard; the leader: released */
    uint64_t leader;          /* who probed last in this term, 0 none */

    bool leads;
    bool self_votes;
    uint64_t opens;    /* an index of our term: everything acknowledged before is below */
    uint64_t round;    /* stamp of the running round ... */
    bool round_won;    /* ... which a majority answered */
    uint64_t next_round_us;
    uint64_t pace, pace_next; /* our applied index as the last round started, and this one */
    uint64_t released;
    struct lease_row rows[LEASE_ROWS_MAX];
    unsigned n_rows;
    uint64_t sent, barred;
};

/* `boot` is larger at each start of the node (counted durably before the first message). */
void lease_init(struct lease *l, uint64_t id, uint64_t boot, const struct lease_settings *set,
                const struct lease_host *host, void *data);

/* What raft says. lease_lead() once the log's last entry, `last`, is of our own term: propose a barrier at once if the
 * library did not. Without a committed entry of our term a later leader may know nothing of us, nor of whom we granted
 * to (it may hold an older leader's removal of that very node). Members: all of the newest configuration but spares. */
void lease_term(struct lease *l, uint64_t term);
void lease_lead(struct lease *l, uint64_t last, const struct lease_member *m, unsigned n, uint64_t now_us);
void lease_follow(struct lease *l);
void lease_members(struct lease *l, const struct lease_member *m, unsigned n, uint64_t now_us);

/* "Applied" only when every reader sees it: committed in the state, caches told. */
void lease_applied(struct lease *l, uint64_t applied, uint64_t now_us);

void lease_receive(struct lease *l, uint64_t from, const struct lease_message *m, uint64_t now_us);
void lease_timeout(struct lease *l, uint64_t now_us);

/* True if what we have applied now may decide an answer that leaves now. */
bool lease_may_serve(const struct lease *l, uint64_t now_us);

/* Until when that holds if nothing else happens; 0: not now. For threads that read one atomic. */
uint64_t lease_serve_until_us(const struct lease *l);

/* Before a change takes entries away from a member (removed, made spare): no more grants; true once it holds no lease.
 * Propose the change only then and at once: who does not ask again within two lengths has given it up. */
bool lease_drain(struct lease *l, uint64_t id, uint64_t now_us);

#endif
