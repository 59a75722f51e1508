/*
 * What other threads want of the replica, in two bounded queues.
 */
#include "daemon/replica/replica_state.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct item *item_new(enum item_kind kind, uint64_t id, const char *text, const uint8_t *bytes, size_t n)
{
    struct item *i = replica_alloc(1, sizeof *i + n);
    i->kind = kind;
    i->id = id;
    i->n = n;
    if (n > 0)
        memcpy(i->bytes, bytes, n);
    if (text != NULL && (i->text = strdup(text)) == NULL)
        abort();
    return i;
}

void item_free(struct item *i)
{
    free(i->text);
    free(i);
}

void item_end(struct item *i, enum replica_outcome outcome)
{
    if (i->done != NULL)
        i->done(i->arg, outcome, 0, NULL, 0);
    item_free(i);
}

static void items_push(struct items *q, struct item *i)
{
    *q->tail = i;
    q->tail = &i->next;
    q->bytes += i->n;
}

struct item *items_pop(struct items *q)
{
    struct item *i = q->head;
    if (i == NULL)
        return NULL;
    q->head = i->next;
    if (q->head == NULL)
        q->tail = &q->head;
    q->bytes -= i->n;
    return i;
}

struct item *replica_take(struct replica *r, struct items *q)
{
    struct item *i;
    uv_mutex_lock(&r->lock);
    i = items_pop(q);
    uv_mutex_unlock(&r->lock);
    return i;
}

void replica_post(struct replica *r, struct items *q, struct item *i)
{
    bool full, stopping;

    uv_mutex_lock(&r->lock);
    stopping = r->stopping;
    full = q->bytes + i->n > REPLICA_QUEUE_BYTES_MAX;
    if (!full && !stopping) {
        items_push(q, i);
        uv_async_send(&r->wake);
    }
    uv_mutex_unlock(&r->lock);
    if (!full && !stopping)
        return;
    if (i->kind == ITEM_SNAPSHOT)
        unlink(i->text);
    item_end(i, REPLICA_BUSY);
}
