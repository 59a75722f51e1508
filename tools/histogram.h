/* Durations, counted so that any share of them can be asked for: 32 steps a doubling, so at most 3 % off. One thread each; added up
 * afterwards. */
#ifndef CLUSTERHSM_TOOLS_HISTOGRAM_H
#define CLUSTERHSM_TOOLS_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_STEPS = 32, HISTOGRAM_DOUBLINGS = 42, HISTOGRAM_SLOTS = HISTOGRAM_STEPS * HISTOGRAM_DOUBLINGS };

/* All zero: empty. */
struct histogram {
    uint64_t count;
    uint64_t max_ns;
    uint64_t slots[HISTOGRAM_SLOTS];
};

void histogram_note(struct histogram *h, uint64_t ns);
void histogram_add(struct histogram *into, const struct histogram *from);

/* The duration that the share (0 to 1) of all did not exceed; 0 if there are none. */
uint64_t histogram_at(const struct histogram *h, double share);

#endif
