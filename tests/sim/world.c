#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct world W;

static uint64_t next_random(void)
{
    uint64_t z = (W.rng += 0x9e3779b97f4a7c15UL);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9UL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebUL;
    return z ^ z >> 31;
}

unsigned chance_below(unsigned n)
{
    return n == 0 ? 0 : (unsigned)(next_random() % n);
}

bool chance(unsigned percent)
{
    return chance_below(100) < percent;
}

bool mixed(uint32_t bit)
{
    return (W.opt->mix & bit) != 0;
}

static bool earlier(const struct slot *a, const struct slot *b)
{
    return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->order < b->order);
}

static void *or_abort(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static struct event *take_spare(void)
{
    struct event *ev = W.spare;

    if (ev == NULL)
        return or_abort(malloc(sizeof *ev));
    W.spare = ev->next;
    return ev;
}

struct event *post(uint64_t at_ms, enum kind kind)
{
    struct slot slot = {at_ms, W.order++, take_spare()};
    size_t i;

    *slot.event = (struct event){.at_ms = at_ms, .kind = kind};
    if (W.n_heap == W.heap_room) {
        W.heap_room = W.heap_room > 0 ? W.heap_room * 2 : 256;
        W.heap = or_abort(realloc(W.heap, W.heap_room * sizeof *W.heap));
    }
    for (i = W.n_heap++; i > 0 && earlier(&slot, &W.heap[(i - 1) / 2]); i = (i - 1) / 2)
        W.heap[i] = W.heap[(i - 1) / 2];
    W.heap[i] = slot;
    return slot.event;
}

bool pop_event(uint64_t limit_ms, struct event *out)
{
    struct slot last;
    size_t i = 0, child;

    if (W.n_heap == 0 || W.heap[0].at_ms > limit_ms)
        return false;
    *out = *W.heap[0].event;
    W.heap[0].event->next = W.spare;
    W.spare = W.heap[0].event;
    last = W.heap[--W.n_heap];
    for (;;) {
        child = 2 * i + 1;
        if (child >= W.n_heap)
            break;
        if (child + 1 < W.n_heap && earlier(&W.heap[child + 1], &W.heap[child]))
            child++;
        if (!earlier(&W.heap[child], &last))
            break;
        W.heap[i] = W.heap[child];
        i = child;
    }
    W.heap[i] = last;
    return true;
}

void events_free(void)
{
    struct event *next;

    for (; W.spare != NULL; W.spare = next) {
        next = W.spare->next;
        free(W.spare);
    }
    free(W.heap);
}

void note(const char *format, ...)
{
    va_list args;
    if (!W.opt->verbose)
        return;
    printf("%8lu ", W.now);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

void fail_run(enum outcome why, const char *format, ...)
{
    va_list args;
    printf("seed %lu at %lu ms: ", W.seed, W.now);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
    _exit((int)why);
}
