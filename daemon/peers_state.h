/*
 * The inside of the links between nodes, for peers.c, peer_*.c and join*.c only. All of it lives on the loop of front
 * thread 0; what other threads want comes as letters to `mailbox`, what they read stands under `lock`.
 *
 *   struct peer      a member: the connection that we dialled, which carries what we say
 *   struct incoming  a connection that we accepted: a member's, a snapshot's, or a joiner's
 *   forwards         commands that wait for the leader
 *   struct outbound  a snapshot on its way to a member; struct inbound: one on its way to us
 *   struct join      this node asks to be let in
 *
 * Whatever may call back holds a reference (peers_hold): after peers_free the last one to let go frees.
 */
#ifndef CLUSTERHSM_DAEMON_PEERS_STATE_H
#define CLUSTERHSM_DAEMON_PEERS_STATE_H

#include <stdatomic.h>

#include "daemon/mailbox.h"
#include "daemon/net/connection.h"
#include "daemon/net/listener.h"
#include "daemon/peer_book.h"
#include "daemon/peer_dial.h"
#include "daemon/peer_hash.h"
#include "daemon/peer_message.h"
#include "daemon/peer_trust.h"
#include "daemon/peers.h"
#include "proto/limits.h"
#include "proto/peer.pb-c.h"

enum { PEER_VERSION = 1 };

enum {
    TICK_MS = 100,
    PING_MS = 1000,
    SILENCE_MS_MAX = 5000,   /* without a frame from the other side: the path is dead */
    REDIAL_MS_MIN = 100,
    REDIAL_MS_MAX = 2000,
    REFUSED_REDIAL_MS = 5000,
    FORWARD_WAIT_MS = 2000,  /* for a leader */
    FORWARD_MS_MAX = 10000,  /* for its answer */
    ADD_RETRY_MS = 1000,
    JOIN_RETRY_MS = 2000,
    JOIN_MS_MAX = 30000
};

enum { CLUSTER_ID_BYTES = 16, TROUBLE_BYTES = 512 };

struct identity {
    uint64_t id;
    uint8_t fingerprint[PEER_HASH_BYTES];
};

struct peer {
    struct peer *next;
    struct peers *p;
    uint64_t id;
    char address[PEERS_ADDRESS_BYTES]; /* where its peer port is */
    struct peer_dial *dial;            /* the name is being looked up */
    struct connection *out;
    bool up;      /* both hellos were good */
    bool dropped; /* no member any more: freed when `out` is closed */
    bool refused; /* by one of the two sides */
    uint64_t dial_at_ms, backoff_ms, heard_ms, pinged_ms;
    char trouble[TROUBLE_BYTES]; /* what the log was told last */
};

enum incoming_kind { INCOMING_NEW, INCOMING_MEMBER, INCOMING_BULK, INCOMING_JOINER };

struct incoming {
    struct incoming *next;
    struct peers *p;
    struct connection *c;
    enum incoming_kind kind;
    uint64_t serial; /* who comes back later finds it by this, or finds nobody */
    uint64_t id;     /* the member's */
    uint64_t heard_ms;
    uint32_t serving; /* commands of this peer in our replica */
    bool joining;     /* its request is with the vault */
    char peer_address[PEERS_ADDRESS_BYTES], client_address[PEERS_ADDRESS_BYTES];
};

struct forward;
struct inbound;
struct outbound;
struct join;

struct peers {
    struct peers_setup setup; /* the strings are copies */
    struct address listen;
    uv_loop_t *loop;
    uv_timer_t timer;
    struct mailbox *mailbox;
    struct peer_trust *trust;
    struct peer_book *book;
    struct listener *listener;
    SSL_CTX *listener_tls; /* referenced: new facts do not take it from under the listener */
    struct replica *replica;
    unsigned holds;
    bool freed;

    uint64_t id; /* this node's; 0 until there is a replica */
    uint8_t cluster_id[CLUSTER_ID_BYTES];
    Hsm__NodeFacts *facts;         /* a copy; NULL until there are some */
    struct identity identities[PEER_BOOK_ROWS_MAX];
    size_t n_identities;

    struct peer *peers;
    struct incoming *incoming;
    uint64_t serials;
    struct replica_status status; /* of this tick */
    uint64_t add_at_ms;           /* leader: when the next member may be added */
    bool adding;

    struct forward *forwards;
    uint64_t tags;
    _Atomic uint32_t n_forwards;
    _Atomic size_t forward_bytes, letter_bytes;

    struct inbound *inbound;
    struct outbound *outbound;
    struct join *join;

    uv_mutex_t lock; /* below */
    struct peers_status rows[MEMBERS_MAX];
    size_t n_rows;
    bool degraded;
    uint64_t sending[MEMBERS_MAX]; /* ids that a snapshot is on its way to; 0: free */
};

/* ---- peers.c */
void peers_hold(struct peers *p);
void peers_let_go(struct peers *p);
struct connection_limits peers_limits(void);
uint64_t peers_now(const struct peers *p); /* ms of the loop */
/* Copies text that fits and is an address's; false: it is not. */
bool peers_copy_address(char out[PEERS_ADDRESS_BYTES], const char *text);

/* ---- peer_hello.c: the first words of every connection */
bool hello_send(struct peers *p, struct connection *c, bool bulk);
/* What the other side says, against its certificate, the cluster's record and the book. ERR_OK for a joiner too, whose
 * node_id is 0. Else an error to tell it, and why. */
enum err hello_check(struct peers *p, struct connection *c, const Hsm__PeerHello *h, struct diag *why);
/* ERR_OK and which node: the key of this certificate is that of a member. */
bool identity_known(const struct peers *p, uint64_t id, const uint8_t *fingerprint);

/* ---- peer_out.c */
struct peer *peer_find(struct peers *p, uint64_t id);
bool peer_is_wanted(const struct peers *p, uint64_t id); /* the log's newest members have it, or none at all are known */
void peer_members(struct peers *p); /* makes the list of peers that of the members */
void peer_tick(struct peer *e);
void peer_drop(struct peer *e, const char *reason); /* a literal */
bool peer_send(struct peer *e, const Hsm__PeerMessage *m); /* false: not up, or its queue is full */
void peer_send_raft(struct peers *p, uint64_t to, uint8_t *bytes, size_t n);

/* ---- peer_in.c */
extern const struct connection_events incoming_events;
struct incoming *incoming_find(struct peers *p, uint64_t serial);
void incoming_tick(struct incoming *i);
void ping_fill(struct peers *p, Hsm__PeerPing *ping);

/* ---- peer_forward.c */
void forward_tick(struct peers *p);
void forward_outcome(struct peers *p, uint64_t from, const Hsm__PeerOutcome *o);
void forward_lost(struct peers *p, uint64_t to); /* the link over which they went is gone */
void forward_end(struct peers *p);               /* all of them, unknown */
void forward_serve(struct incoming *i, const Hsm__PeerPropose *ask);

/* ---- peer_outbound.c: snapshots to others */
void outbound_start(struct peers *p, uint64_t to, int fd, uint8_t *raft, size_t n); /* takes descriptor and bytes */
void outbound_tick(struct peers *p);
void outbound_end(struct peers *p);
bool sending_set(struct peers *p, uint64_t id);   /* false: one is on its way already */
void sending_clear(struct peers *p, uint64_t id);

/* ---- peer_inbound.c: a snapshot from another */
bool inbound_begin(struct incoming *i, const Hsm__SnapshotBegin *m); /* false: malformed */
bool inbound_chunk(struct incoming *i, Hsm__SnapshotChunk *m);
bool inbound_finish(struct incoming *i, const Hsm__SnapshotEnd *m);
void inbound_lost(struct incoming *i); /* its connection is gone */
bool inbound_is(const struct incoming *i); /* its snapshot is in work */
void inbound_tick(struct peers *p);
void inbound_end(struct peers *p);

/* ---- join_admit.c: the member's side */
bool admit_ask(struct incoming *i, const Hsm__PeerJoin *ask); /* false: malformed */
void admit_tick(struct peers *p); /* leader: who was let in and is here becomes a voter */

/* ---- join.c: the joiner's side */
void join_tick(struct peers *p);
void join_end(struct peers *p);
const char *join_trouble(const struct join *j);

#endif
