#include "tools/histogram.h"

/* Below 64 ns one slot a nanosecond; above, the six leading bits decide: the doubling and one of its 32 steps. */
static unsigned slot_of(uint64_t ns)
{
    unsigned shift = 0;

    while (ns >> shift >= 2 * HISTOGRAM_STEPS)
        shift++;
    ns = (ns >> shift) + (uint64_t)shift * HISTOGRAM_STEPS;
    return ns < HISTOGRAM_SLOTS ? (unsigned)ns : HISTOGRAM_SLOTS - 1;
}

/* The highest duration that falls into the slot. */
static uint64_t slot_end(unsigned slot)
{
    unsigned shift = slot < 2 * HISTOGRAM_STEPS ? 0 : slot / HISTOGRAM_STEPS - 1;

    return ((uint64_t)(slot - shift * HISTOGRAM_STEPS + 1) << shift) - 1;
}

void histogram_note(struct histogram *h, uint64_t ns)
{
    h->count++;
    h->slots[slot_of(ns)]++;
    if (ns > h->max_ns)
        h->max_ns = ns;
}

void histogram_add(struct histogram *into, const struct histogram *from)
{
    into->count += from->count;
    for (unsigned i = 0; i < HISTOGRAM_SLOTS; i++)
        into->slots[i] += from->slots[i];
    if (from->max_ns > into->max_ns)
        into->max_ns = from->max_ns;
}

uint64_t histogram_at(const struct histogram *h, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)h->count + 0.5), seen = 0;

    if (h->count == 0)
        return 0;
    wanted = wanted < 1 ? 1 : wanted > h->count ? h->count : wanted;
    for (unsigned i = 0; i < HISTOGRAM_SLOTS; i++) {
        seen += h->slots[i];
        if (seen >= wanted)
            return slot_end(i) < h->max_ns ? slot_end(i) : h->max_ns;
    }
    return h->max_ns;
}
