/*
 * Clocks. The boot clock never jumps and goes on while the machine sleeps, which a lease needs; the wall clock is for
 * certificates and people.
 */
#ifndef CLUSTERHSM_COMMON_CLOCK_H
#define CLUSTERHSM_COMMON_CLOCK_H

#include <stdint.h>

/* Since the machine's start, asleep or awake (CLOCK_BOOTTIME). */
uint64_t clock_boot_ns(void);
uint64_t clock_boot_ms(void);

/* Since 1970, as the machine believes (CLOCK_REALTIME). May jump either way. */
uint64_t clock_real_s(void);
uint64_t clock_real_ms(void);

#endif
