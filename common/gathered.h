/* Bytes that are gathered part by part and are nobody else's business: wiped whenever they move, and when they are given back. The bound is
 * the caller's. What is secret for long lies in locked memory instead (common/secret.h). */
#ifndef CLUSTERHSM_COMMON_GATHERED_H
#define CLUSTERHSM_COMMON_GATHERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: nothing. `bytes` moves when more come. */
struct gathered {
    uint8_t *bytes;
    size_t n, room;
};

/* False: no memory, and *g is as it was. */
bool gathered_put(struct gathered *g, const void *bytes, size_t n);

/* Legal on nothing, and leaves nothing. */
void gathered_clear(struct gathered *g);

#endif
