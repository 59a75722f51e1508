/* Digests that C_GetOperationState has put aside.
 *
 * What the application gets is no digest but a ticket for one: a copy that waits here until it is restored, in the same process (or its
 * children). Only the newest SAVED_STATES_MAX wait; an older one's ticket is CKR_SAVED_STATE_INVALID. */
#ifndef CLUSTERHSM_MODULE_STATE_SAVED_H
#define CLUSTERHSM_MODULE_STATE_SAVED_H

#include <pthread.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "proto/limits.h"
#include "proto/pkcs11.h"

enum { SAVED_BYTES = 16 };

struct saved {
    pthread_mutex_t lock;
    uint64_t last;
    struct digest *digests[SAVED_STATES_MAX]; /* number n stands at n % SAVED_STATES_MAX */
};

void saved_init(struct saved *s);
void saved_clear(struct saved *s);
void saved_after_fork(struct saved *s);

/* Takes the digest over and writes its ticket. */
void saved_put(struct saved *s, struct digest *d, uint8_t ticket[SAVED_BYTES]);

/* A copy of the digest; the ticket stays good. CKR_SAVED_STATE_INVALID, CKR_HOST_MEMORY. */
CK_RV saved_get(struct saved *s, const uint8_t *ticket, size_t n, struct digest **out);

#endif
