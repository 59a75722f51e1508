/*
 * What is to happen, in the order of its time and then of its posting. Nearly all of it is due within milliseconds: a wheel
 * with a queue for each; what is further away waits in a heap.
 */
#include "tests/sim/agenda.h"

#include <stdlib.h>
#include <string.h>

static void *or_abort(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static struct event *take_spare(struct agenda *a)
{
    struct event *ev = a->spare;

    if (ev == NULL)
        return or_abort(malloc(sizeof *ev));
    a->spare = ev->next;
    return ev;
}

static void push_wheel(struct agenda *a, struct event *ev)
{
    unsigned at = ev->at_ms % AGENDA_WHEEL_MS;
    struct agenda_queue *queue = &a->wheel[at];

    if (queue->first == NULL)
        queue->first = ev;
    else
        queue->last->next = ev;
    queue->last = ev;
    a->used[at / 64] |= (uint64_t)1 << at % 64;
}

static bool earlier(const struct agenda_far *a, const struct agenda_far *b)
{
    return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->order < b->order);
}

static void push_far(struct agenda *a, struct event *ev)
{
    struct agenda_far far = {ev->at_ms, a->order++, ev};
    size_t i;

    if (a->n_far == a->far_room) {
        a->far_room = a->far_room > 0 ? a->far_room * 2 : 64;
        a->far = or_abort(realloc(a->far, a->far_room * sizeof *a->far));
    }
    for (i = a->n_far++; i > 0 && earlier(&far, &a->far[(i - 1) / 2]); i = (i - 1) / 2)
        a->far[i] = a->far[(i - 1) / 2];
    a->far[i] = far;
}

struct event *agenda_post(struct agenda *a, uint64_t at_ms, enum kind kind)
{
    struct event *ev = take_spare(a);

    *ev = (struct event){.at_ms = at_ms, .kind = kind};
    if (at_ms - a->from_ms < AGENDA_WHEEL_MS)
        push_wheel(a, ev);
    else
        push_far(a, ev);
    return ev;
}

/* The first queue of the wheel that is not empty, in milliseconds from `from_ms`; AGENDA_WHEEL_MS: none. */
static unsigned wheel_gap(const struct agenda *a)
{
    unsigned start = a->from_ms % AGENDA_WHEEL_MS, word = start / 64;
    uint64_t bits = a->used[word] & ~(uint64_t)0 << start % 64;

    for (unsigned i = 0; i <= AGENDA_WHEEL_MS / 64; i++) {
        if (bits != 0)
            return (word * 64 + (unsigned)__builtin_ctzll(bits) - start + AGENDA_WHEEL_MS) % AGENDA_WHEEL_MS;
        word = (word + 1) % (AGENDA_WHEEL_MS / 64);
        bits = a->used[word];
    }
    return AGENDA_WHEEL_MS;
}

uint64_t agenda_next_ms(const struct agenda *a)
{
    unsigned gap = wheel_gap(a);
    uint64_t near = gap < AGENDA_WHEEL_MS ? a->from_ms + gap : AGENDA_EMPTY;

    return a->n_far > 0 && a->far[0].at_ms < near ? a->far[0].at_ms : near;
}

static struct event *pop_far(struct agenda *a)
{
    struct event *first = a->far[0].event;
    struct agenda_far last = a->far[--a->n_far];
    size_t i = 0, child;

    for (;;) {
        child = 2 * i + 1;
        if (child >= a->n_far)
            break;
        if (child + 1 < a->n_far && earlier(&a->far[child + 1], &a->far[child]))
            child++;
        if (!earlier(&a->far[child], &last))
            break;
        a->far[i] = a->far[child];
        i = child;
    }
    a->far[i] = last;
    return first;
}

static struct event *pop_wheel(struct agenda *a, uint64_t at_ms)
{
    unsigned at = at_ms % AGENDA_WHEEL_MS;
    struct event *ev = a->wheel[at].first;

    a->wheel[at].first = ev->next;
    if (ev->next == NULL)
        a->used[at / 64] &= ~((uint64_t)1 << at % 64);
    return ev;
}

/* Of the same millisecond, what waits in the heap was posted before what stands in the wheel. */
bool agenda_pop(struct agenda *a, uint64_t limit_ms, struct event *out)
{
    uint64_t at_ms = agenda_next_ms(a);
    struct event *ev;

    if (at_ms == AGENDA_EMPTY || at_ms > limit_ms)
        return false;
    ev = a->n_far > 0 && a->far[0].at_ms == at_ms ? pop_far(a) : pop_wheel(a, at_ms);
    if (at_ms > a->from_ms)
        a->from_ms = at_ms;
    *out = *ev;
    out->next = NULL;
    ev->next = a->spare;
    a->spare = ev;
    return true;
}

void agenda_free(struct agenda *a)
{
    struct event *next;

    for (; a->spare != NULL; a->spare = next) {
        next = a->spare->next;
        free(a->spare);
    }
    free(a->far);
    memset(a, 0, sizeof *a);
}
