#include "common/clock.h"

#include <time.h>

enum { NS_PER_MS = 1000000, MS_PER_S = 1000 };

static const uint64_t NS_PER_S = UINT64_C(1000000000);

static uint64_t clock_ns(clockid_t which)
{
    struct timespec now = {0};
    clock_gettime(which, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t clock_boot_ns(void)
{
    return clock_ns(CLOCK_BOOTTIME);
}

uint64_t clock_boot_ms(void)
{
    return clock_boot_ns() / NS_PER_MS;
}

uint64_t clock_real_s(void)
{
    return clock_real_ms() / MS_PER_S;
}

uint64_t clock_real_ms(void)
{
    return clock_ns(CLOCK_REALTIME) / NS_PER_MS;
}
