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

struct event *post(uint64_t at_ms, enum kind kind)
{
    return agenda_post(&W.agenda, at_ms, kind);
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
