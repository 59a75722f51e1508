/* One request in work: what its handler may ask for, and what it leaves.
 *
 * The vault is a pure function of (request, records, time). A handler is called from the top each time something new is there, and asks
 * for what it needs; where that is not there yet it gets ERR_NEED or ERR_PENDING and returns it at once:
 *
 *   decide(w)  ERR_NEED: the front reads the records, then decide(w) again
 *              ERR_PENDING: the front proposes a step (id block, login attempt), then decide(w) again
 *              ERR_OK: for READ and LOCAL rows, and where nothing was collected, the reply is complete. Else the command that work_put,
 *              work_erase, work_require and work_result have collected goes out. Its outcome:
 *                DONE, REPEATED: answer(w), which may also return ERR_NEED
 *                CONFLICT: the records are dropped, decide(w) again, CONFLICT_RETRIES_MAX times (work_persist), then ERR_CONFLICT
 *                REFUSED: its error is the reply
 *              any other: the reply is that error, with work_detail's text
 *
 * So a handler never waits and keeps nothing in static places. What is dear to make (a key pair, a scrypt hash) it puts into `kept` and
 * finds there when it is called again, also after a conflict. A retry by the client of a change that was made before is not decided
 * again: the engine learns the first result by the request id and calls answer(w) alone.
 *
 * A work belongs to one thread at a time: the vault thread of its connection, or the pool's (dear rows). */
#ifndef CLUSTERHSM_VAULT_WORK_H
#define CLUSTERHSM_VAULT_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/diag.h"
#include "common/secret.h"
#include "proto/error.h"
#include "proto/policy.h"
#include "proto/record.pb-c.h"
#include "proto/request.h"
#include "proto/request.pb-c.h"
#include "vault/access/login.h"
#include "vault/index.h"
#include "vault/vault.h"

struct work;

/* ---- who asks, and what */

struct vault *work_vault(const struct work *w);
const struct request *work_row(const struct work *w);    /* NULL: a node call (vault/node/node.h) */
const Hsm__Request *work_request(const struct work *w);  /* borrowed; wiped when the work ends */
const uint8_t *work_request_id(const struct work *w);    /* 16 bytes; changes only, else NULL */
const uint8_t *work_channel_hash(const struct work *w);  /* CHANNEL_HASH_BYTES */

/* The channel's login; user_id 0: nobody. Never NULL. Login and resume put another in its place, and access_check none where it holds no
 * more: from here on for this work, and for the channel when the work has ended. All others only read it. */
struct login *work_login(struct work *w);

/* The cluster's, as of the record that access_check judged by. POLICY_MODERN where there is no cluster yet. */
enum policy work_policy(const struct work *w);

/* ---- records: from the facts of this request, opened once. Borrowed until the handler returns. */

struct opened_record {
    Hsm__RecordHeader *header; /* the tokens and all else as they stand in the store */
    struct secret text;  /* the packed body */
    const uint8_t *tag;  /* the seal's last 16 bytes: with id and version it names exactly these bytes */
};

/* ERR_NEED; ERR_NOT_FOUND: there is no such record, or it is of another kind (RECORD_NONE: any will do); ERR_STALE: older than one that
 * this vault has been shown, again and again; ERR_FORGED. What is found or found absent counts as used: the front looks at it again
 * before the reply leaves, and a change carries it as a precondition. In answer() that is so of objects that the change has not put. */
enum err work_record(struct work *w, uint64_t id, Hsm__RecordKind kind, const struct opened_record **out);

/* Asks for several at once, so that they cost one round: ERR_NEED or ERR_OK. Each is then read with work_record. */
enum err work_want(struct work *w, const uint64_t *ids, size_t n);

/* The ids under a token above `after`, ascending; *ids is borrowed. limit at most FIND_IDS_MAX. ERR_NEED. */
enum err work_lookup(struct work *w, const uint8_t token[INDEX_TOKEN_BYTES], uint64_t after, uint32_t limit, const uint64_t **ids,
                     size_t *n, bool *more);

/* From here on on the pool, where rows of cost DEAR are from the beginning: ERR_PENDING, to be returned, while this is the vault thread.
 */
enum err work_dear(struct work *w);

/* The same for what takes seconds, this time: one such runs at a time, and the others wait without a worker. ERR_PENDING,
 * also on the pool, until it is its turn. A user who has LENGTHY_PENDING_MAX of them waiting is told ERR_BUSY, and what was
 * dropped before its turn is not run. */
enum err work_lengthy(struct work *w);

/* The primes of an RSA key or a group of more bits are made and tested for seconds. */
enum { WORK_BRIEF_BITS_MAX = 4096 };

/* ---- a change: collected while deciding, sent as one atomic command. Begun anew at each call of decide. */

/* A fresh object id from the vault's block. ERR_PENDING while the next block is leased; ERR_LIMIT. Asked again after a conflict or a
 * NEED, the first ids of this work come again in the same order, so that none is lost. */
enum err work_new_id(struct work *w, uint64_t *id);

struct put {
    uint64_t id;
    Hsm__RecordKind kind;
    uint64_t version;    /* 1: new; else the stored one + 1 */
    uint64_t owner;      /* user id, 0: nobody's */
    const uint8_t (*tokens)[INDEX_TOKEN_BYTES];
    size_t n_tokens;
    const uint8_t *body; /* packed; copied, and sealed when the command goes out */
    size_t body_bytes;
};
enum err work_put(struct work *w, const struct put *p);
enum err work_erase(struct work *w, uint64_t id, uint64_t version);

/* The command holds only if this record still has this version (0: does not exist). What work_record returned is required anyway.
 * access_check, which runs before each call of decide, requires so the version of the cluster record that it judged by. */
enum err work_require(struct work *w, uint64_t id, uint64_t version);

/* What the command's outcome will carry, now and at every retry: ids made, a verdict; never a secret. It comes back as it was given, or the
 * work ends with an error: no front can make one up, or hand out another request's. At most 4080 bytes: else ERR_LIMIT. */
enum err work_result(struct work *w, const uint8_t *bytes, size_t n);

/* A step before the command proper, under an id derived from the request's and `step` (1 or more), so that a retry does not repeat it:
 * the changes collected so far go out as a command of their own. ERR_PENDING until its outcome is there; then, at each call, ERR_OK with
 * the outcome (borrowed; DONE or REPEATED), and the collected changes are forgotten. After a miss the records are dropped and decide is
 * called anew, as with the command proper. A step that changes nothing has no preconditions either (it cannot miss) and leaves the
 * records as they are: it asks for the leader's stamp. After one that changed something its records are as the step has put them. The
 * rounds of NEED count anew. Not for anything but login attempts, as every step is a round of Raft. */
enum err work_step(struct work *w, unsigned step, const Hsm__Outcome **outcome);

/* What this work has done so far would be lost if it gave up: from here on it is decided anew over so many misses in all, instead of
 * CONFLICT_RETRIES_MAX. */
void work_persist(struct work *w, unsigned misses_max);

/* In answer(): what the command gave. Borrowed. */
const Hsm__Outcome *work_outcome(const struct work *w);

/* ---- what a handler leaves */

/* The reply, initialised; the handler fills it with memory that lives as long as the work: work_memory. The engine packs it into a
 * secret and wipes. error, detail and applied are the engine's. */
Hsm__Reply *work_reply(struct work *w);

/* Zeroed, wiped and freed with the work (after a NEED too: keep nothing there over calls). NULL: no memory. */
void *work_memory(struct work *w, size_t n);

/* For people, beside the error: which attribute, which user. Never a secret. */
void work_detail(struct work *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* e; where it is an error and `why` says anything, that is its detail, with what to do. */
enum err work_explain(struct work *w, enum err e, const struct diag *why);

/* Kept over calls of the same request until its end; `release` frees it. Setting it again releases the former. */
void work_keep(struct work *w, void *kept, void (*release)(void *kept));
void *work_kept(const struct work *w);

#endif
