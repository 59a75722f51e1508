/* A front of a test's own, before an engine of its own on a local node's vault and store: says what the test wants it to say, in the
 * order that the test wants. */
#ifndef CLUSTERHSM_TESTS_UNIT_OWN_FRONT_H
#define CLUSTERHSM_TESTS_UNIT_OWN_FRONT_H

#include "common/buffer.h"
#include "crypto/channel.h"
#include "proto/request.pb-c.h"
#include "proto/vault.pb-c.h"
#include "tests/unit/local_node.h"

enum { OWN_FRONT_JOBS_MAX = 8 };

struct own_front {
    struct local_node *node;      /* borrowed */
    struct engine *engine;
    Hsm__VaultAnswer *said;       /* the newest answer; NULL: none since the last call */
    unsigned answers;             /* how many there were in all */
    struct engine_job *jobs[OWN_FRONT_JOBS_MAX]; /* that were taken away; the test runs and returns them */
    size_t n_jobs;
    void (*enter)(void), (*leave)(void); /* around the engine's own doing, where the test gives them */
};

/* defers: dear works become jobs. */
void own_front_init(struct own_front *f, struct local_node *n, const struct engine_parts *parts, bool defers);

/* Jobs that are away are run and returned first. */
void own_front_clear(struct own_front *f);

/* Any call. */
void own_front_tell(struct own_front *f, Hsm__VaultCall *call);

/* Opens a channel; the module's end is the caller's. */
struct channel *own_front_open(struct own_front *f, uint64_t connection);
void own_front_close(struct own_front *f, uint64_t connection);

/* A request as it comes from a module. */
struct sealed_request {
    uint8_t header[256];
    size_t header_bytes;
    struct buffer body;
    uint64_t counter;
};

/* request_id: 16 bytes, NULL for what changes nothing. Cleared with buffer_clear(&out->body). */
void own_front_seal(struct channel *c, const Hsm__Request *request, const uint8_t *request_id, struct sealed_request *out);

/* facts: NULL for none. */
void own_front_send(struct own_front *f, uint64_t call, uint64_t connection, const struct sealed_request *r, const Hsm__Facts *facts);

void own_front_facts(struct own_front *f, uint64_t call, const Hsm__Facts *facts);
void own_front_outcome(struct own_front *f, uint64_t call, const uint8_t *packed, size_t n);
void own_front_drop(struct own_front *f, uint64_t call);

/* What was asked for, from the node's store. */
void own_front_answer_need(struct own_front *f);

/* What was proposed is applied to the node's store, and the outcome told. */
void own_front_answer_propose(struct own_front *f);

/* The first job, on this thread. */
void own_front_run_job(struct own_front *f);

/* Ends the test unless the newest answer is this. */
void own_front_expect(const struct own_front *f, Hsm__VaultAnswer__OfCase what);
void own_front_expect_refused(const struct own_front *f, enum err why);

/* The newest answer as the module reads it: its error; *out, where it is wanted, is freed with hsm__reply__free_unpacked(_, NULL). */
enum err own_front_reply(const struct own_front *f, struct channel *c, const struct sealed_request *r, Hsm__Reply **out);

#endif
