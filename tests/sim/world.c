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

static bool earlier(const struct event *a, const struct event *b)
{
    return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->order < b->order);
}

struct event *post(uint64_t at_ms, enum kind kind)
{
    struct event ev = {.at_ms = at_ms, .kind = kind, .order = W.order++};
    size_t i;

    if (W.n_heap == W.heap_room) {
        W.heap_room = W.heap_room > 0 ? W.heap_room * 2 : 256;
        W.heap = realloc(W.heap, W.heap_room * sizeof *W.heap);
        if (W.heap == NULL)
            abort();
    }
    for (i = W.n_heap++; i > 0 && earlier(&ev, &W.heap[(i - 1) / 2]); i = (i - 1) / 2)
        W.heap[i] = W.heap[(i - 1) / 2];
    W.heap[i] = ev;
    return &W.heap[i];
}

bool pop_event(uint64_t limit_ms, struct event *out)
{
    struct event last;
    size_t i = 0, child;

    if (W.n_heap == 0 || W.heap[0].at_ms > limit_ms)
        return false;
    *out = W.heap[0];
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
