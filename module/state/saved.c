#include "module/state/saved.h"

#include <string.h>

#include "module/rpc/gate.h"
#include "proto/error.h"

static const uint8_t mark[8] = {'C', 'L', 'H', 'S', 'M', 'd', 'g', 1};

void saved_init(struct saved *s)
{
    memset(s, 0, sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
}

void saved_after_fork(struct saved *s)
{
    pthread_mutex_init(&s->lock, NULL);
}

static void free_digest(struct digest *d)
{
    gate_enter();
    digest_free(d);
    gate_leave();
}

void saved_clear(struct saved *s)
{
    for (unsigned i = 0; i < SAVED_STATES_MAX; i++) {
        free_digest(s->digests[i]);
        s->digests[i] = NULL;
    }
}

void saved_put(struct saved *s, struct digest *d, uint8_t ticket[SAVED_BYTES])
{
    struct digest *old;
    uint64_t number;

    pthread_mutex_lock(&s->lock);
    number = ++s->last;
    old = s->digests[number % SAVED_STATES_MAX];
    s->digests[number % SAVED_STATES_MAX] = d;
    pthread_mutex_unlock(&s->lock);
    free_digest(old);
    memcpy(ticket, mark, sizeof mark);
    memcpy(ticket + sizeof mark, &number, sizeof number);
}

CK_RV saved_get(struct saved *s, const uint8_t *ticket, size_t n, struct digest **out)
{
    const struct digest *d = NULL;
    uint64_t number;
    enum err e = ERR_OK;

    if (n != SAVED_BYTES || memcmp(ticket, mark, sizeof mark) != 0)
        return CKR_SAVED_STATE_INVALID;
    memcpy(&number, ticket + sizeof mark, sizeof number);
    pthread_mutex_lock(&s->lock);
    if (number <= s->last && s->last - number < SAVED_STATES_MAX)
        d = s->digests[number % SAVED_STATES_MAX];
    if (d != NULL) {
        gate_enter();
        e = digest_clone(d, out);
        gate_leave();
    }
    pthread_mutex_unlock(&s->lock);
    return d != NULL ? err_to_rv(e) : CKR_SAVED_STATE_INVALID;
}
