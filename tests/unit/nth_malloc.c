#include "tests/unit/nth_malloc.h"

#include <stddef.h>

/* The names are the linker's: --wrap=x calls __wrap_x for x and gives the real one as __real_x. */
void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *old, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *old, size_t n);

static unsigned countdown;
static bool struck;

void nth_malloc_arm(unsigned n)
{
    countdown = n;
    struck = false;
}

bool nth_malloc_disarm(void)
{
    countdown = 0;
    return struck;
}

static bool strikes(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    struck = true;
    return true;
}

void *__wrap_malloc(size_t n)
{
    return strikes() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n)
{
    return strikes() ? NULL : __real_calloc(count, n);
}

void *__wrap_realloc(void *old, size_t n)
{
    return strikes() ? NULL : __real_realloc(old, n);
}
