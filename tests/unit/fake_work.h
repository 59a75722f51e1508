/* Works (vault/work.h) on a fake cluster, moved by the test: it decides which of many goes on next. A work sees the records as they were
 * when it asked for them, and is called as the engine calls it. */
#ifndef CLUSTERHSM_TESTS_UNIT_FAKE_WORK_H
#define CLUSTERHSM_TESTS_UNIT_FAKE_WORK_H

#include "tests/unit/fake_cluster.h"
#include "vault/operation/operation.h"

/* A channel of a client with one of the vaults. */
struct fake_channel {
    struct vault *vault;
    struct login login;
    uint8_t hash[32];
};

/* A request on its way; it is copied. request_id: 16 bytes, NULL: fresh ones. */
struct work *fake_begin(struct fake *f, struct fake_channel *c, const struct operation *operation, const Hsm__Request *request,
                        const uint8_t *request_id);

/* One move: the vault thinks, the front reads, or a command is applied. False: it has ended. */
bool fake_move(struct work *w);

/* Its next move is to have a command applied. */
bool fake_proposes(const struct work *w);

/* This step of it (work_step) is done. */
bool fake_has_done(const struct work *w, unsigned step);

/* After its end. The reply is borrowed until fake_end. */
enum err fake_verdict(const struct work *w);
const Hsm__Reply *fake_reply(const struct work *w);
void fake_end(struct work *w);

#endif
