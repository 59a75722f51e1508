/* Which counters have been seen, where they may overtake each other by a bounded distance (as RFC 4303 section 3.4.3 does it). */
#ifndef CLUSTERHSM_CRYPTO_WINDOW_H
#define CLUSTERHSM_CRYPTO_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/limits.h"

/* All zero: nothing seen. */
struct window {
    uint64_t next; /* one above the highest seen */
    uint64_t seen[CHANNEL_WINDOW / 64];
};

/* False: seen before, or too far behind to know. Does not change the window: a forged message must not. */
bool window_is_fresh(const struct window *w, uint64_t counter);

/* Marks a fresh counter as seen. */
void window_mark(struct window *w, uint64_t counter);

#endif
