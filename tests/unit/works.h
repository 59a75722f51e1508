/* Works of handlers of the test's own: what the tests of vault/work.h have in common. Requests go over one channel of one front:
 *
 *   user_list   a read: did.read(w)
 *   node_grant  a change: did.decide(w); its answer notes the result, then did.answer(w)
 *   login       a dear change that changes nothing: the channel's user is did.user_id
 *   create      the front's own: did.decide(w)
 * and status, generate_random and the requests create and generate are the product's. */
#ifndef CLUSTERHSM_TESTS_UNIT_WORKS_H
#define CLUSTERHSM_TESTS_UNIT_WORKS_H

#include "tests/unit/own_front.h"
#include "vault/work.h"

struct works {
    struct local_node *node;
    struct own_front front;
    struct channel *channel;
    struct sealed_request request; /* the newest */
    uint8_t request_id[16];        /* of changes */

    /* What the handlers are to do, and what they did. */
    struct {
        enum err (*decide)(struct work *w);
        enum err (*read)(struct work *w);
        enum err (*answer)(struct work *w); /* NULL: an answer that reads nothing */
        unsigned decided, answered, released;
        uint64_t ids[8];          /* got at each call of works_put */
        uint64_t id;
        uint8_t result[64];       /* as the outcome had it */
        size_t result_bytes;
        uint64_t leader_time_ms;
        uint64_t user_id;
    } did;
};

extern struct works works;
extern const struct engine_parts works_parts;

void works_setup(bool defers);
void works_teardown(void);

/* A request up to the engine's first answer. repeated: the front says that its ring knows the id. */
void works_send(Hsm__Request *r, const Hsm__Facts *facts);
void works_begin(Hsm__Request *r, bool repeated); /* with no facts but the state's index */
void works_begin_read(void);
void works_begin_change(bool repeated);
void works_begin_login(void);

/* An honest front from here to the last word: the error in the reply. */
enum err works_go_on(void);

/* The next change has another request id. */
void works_new_request(void);

/* A new change from begin to end; the same again, as one asks who has lost the reply. */
enum err works_change(void);
enum err works_change_again(void);

/* An outcome as the test likes it. */
void works_answer_outcome(Hsm__OutcomeStatus status, enum err error, const void *result, size_t n);

/* Handlers. A new record with the result "made it"; the record did.id read. */
enum err works_put(struct work *w);
void works_release(void *kept); /* for work_keep of what malloc gave: counts in did.released */
enum err works_read(struct work *w);
enum err works_reply_empty(struct work *w);

#endif
