/* The inside of a work, for work*.c and engine*.c only. */
#ifndef CLUSTERHSM_VAULT_WORK_STATE_H
#define CLUSTERHSM_VAULT_WORK_STATE_H

#include <stdatomic.h>

#include "common/buffer.h"
#include "common/diag.h"
#include "proto/memory.h"
#include "vault/channels.h"
#include "vault/engine.h"
#include "vault/facts.h"
#include "vault/node/node.h"
#include "vault/operation/operation.h"

enum { WORK_STEPS_MAX = 4, WORK_IDS_MAX = 16, WORK_CHANGES_MAX = 64, WORK_TOKENS_MAX = 64, REQUEST_ID_BYTES = 16, DIGEST_BYTES = 32,
       RESULT_TAG_BYTES = 16, RESULT_BYTES_MAX = 4096 - RESULT_TAG_BYTES };

/* What the next call of this work's front must be. */
enum work_waits {
    WAITS_FOR_NOTHING,
    WAITS_FOR_FACTS,
    WAITS_FOR_OUTCOME,
    WAITS_FOR_JOB /* it is on the pool; nothing of it may be touched */
};

/* What was proposed. */
enum work_proposed {
    PROPOSED_NOTHING,
    PROPOSED_COMMAND, /* the command proper */
    PROPOSED_STEP,
    PROPOSED_LEASE,
    PROPOSED_REPEAT   /* the bare request id, to learn what came of the first try */
};

/* A change of the command in the making. */
struct work_change {
    uint64_t id;
    bool put; /* else erase */
    Hsm__RecordKind kind;
    uint64_t version, owner;
    uint8_t tokens[WORK_TOKENS_MAX][INDEX_TOKEN_BYTES];
    size_t n_tokens;
    struct secret body;
    struct buffer record; /* sealed and packed, once the command is made */
};

struct work_step {
    unsigned number; /* 0: none */
    Hsm__Outcome *outcome;
};

struct work {
    struct engine *engine;
    uint64_t call;
    struct vault *vault;
    const struct engine_parts *parts;
    const struct request *row;      /* NULL: a node call */
    const struct operation *operation;
    struct vault_channel *channel;  /* held; NULL: a node call */
    uint64_t counter;
    struct login login;             /* a copy, as handlers may be on the pool */
    struct login login_before;      /* where a handler has changed it, it comes into the channel at the end */
    struct memory memory;           /* wiping */
    Hsm__Request *request;
    Hsm__NodeCall *node_call;
    bool has_id;
    uint8_t request_id[REQUEST_ID_BYTES];
    uint64_t born;
    bool policy_known;
    enum policy policy;             /* as the handler saw it last */

    enum work_waits waits;
    enum work_proposed proposed;
    unsigned proposed_step;
    unsigned rounds, conflicts, conflicts_max;
    atomic_bool dropped;            /* the front forgot it while it was on the pool */
    enum err job_result;            /* of the handler's run on the pool */
    bool dear;                      /* goes to the pool from here on */
    bool lengthy;                   /* ... the next time as one of those that run one at a time; and so it runs now */
    bool runs_lengthy;
    bool on_pool;
    bool answering;                 /* the command is applied */
    bool repeats;                   /* the front's ring knows the request id */

    const struct cluster_view *view; /* held while a handler runs; NULL: no cluster */
    struct facts facts;
    struct buffer status;           /* StatusReply, packed, by the front */
    struct work_change *changes;
    size_t n_changes, changes_room; /* WORK_CHANGES_MAX at most */
    struct {
        uint64_t id, version;
    } requires[WORK_CHANGES_MAX];
    size_t n_requires;
    struct buffer result;
    struct buffer command;          /* packed, to be proposed */
    uint8_t digest[DIGEST_BYTES];   /* its */
    struct work_step steps[WORK_STEPS_MAX];
    uint64_t ids[WORK_IDS_MAX];     /* in the order in which they were asked for */
    size_t n_ids, n_ids_used;
    Hsm__Outcome *outcome;

    Hsm__Reply reply;
    Hsm__NodeAnswer node_answer;
    struct work_block *blocks;
    struct diag detail;
    void *kept;
    void (*release)(void *kept);
};

struct work *work_new(struct engine *engine, struct vault *vault, uint64_t call);
void work_free(struct work *w);

/* A handler begins: what it collected, replied and looked at before is forgotten; the view is taken, and given back by work_end. */
void work_begin(struct work *w);
void work_end(struct work *w);

/* All that is known of the state is forgotten: after a conflict, or once the command is applied. */
void work_forget_facts(struct work *w);

/* The command from what was collected, for `proposed`: w->command is packed. ERR_NO_MEMORY, ERR_BUG, ERR_LIMIT. */
enum err work_make_command(struct work *w, enum work_proposed proposed, unsigned step);

/* Who asked for what, keyed, so that an id cannot come back with another request behind it: w->digest. ERR_NO_MEMORY, ERR_BUG. */
enum err work_digest(struct work *w);

/* Results come back by the fronts' hands: a command proper carries `tag || what the handler gave`, the tag over the digest, the request id
 * and the result, so that a retry learns what a vault gave to this very request, or nothing. Writes RESULT_TAG_BYTES + w->result.len. */
enum err work_seal_result(struct work *w, uint8_t *out);

/* Takes the tag off a first result that was repeated. ERR_UNKNOWN_OUTCOME: the id was used up by a try that made nothing; ERR_FORGED. */
enum err work_open_result(struct work *w, ProtobufCBinaryData *result);

/* Forgets what was collected. */
void work_forget_changes(struct work *w);

/* True if the handler has collected anything to be proposed. */
bool work_has_change(const struct work *w);

/* A step's outcome, taken over. */
enum err work_keep_step(struct work *w, Hsm__Outcome *outcome);

/* One call of the handler, with what stands around it: may the client ask, and is there a command to be made. ERR_NEED, ERR_PENDING (a
 * command is ready, or dear work is due), else the verdict. On the vault thread or on the pool. */
enum err work_run(struct work *w, const struct engine_parts *parts);

/* The next thing for a front to bring: takes it, ERR_PENDING: the handler is to be called again; else the verdict. */
enum err work_take_facts(struct work *w, const Hsm__Facts *facts);
enum err work_take_outcome(struct work *w, const Hsm__OutcomeCall *call);

/* For request `status`: what the front says of the node (StatusReply, packed). Borrowed. */
const struct buffer *work_status(const struct work *w);

#endif
