/*
 * A 64-bit integer as eight bytes in network order, where there is neither a buffer nor a cursor (common/buffer.h).
 */
#ifndef CLUSTERHSM_COMMON_BIG_ENDIAN_H
#define CLUSTERHSM_COMMON_BIG_ENDIAN_H

#include <stdint.h>

static inline void u64_put(uint8_t out[8], uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (56 - 8 * i));
}

static inline uint64_t u64_get(const uint8_t in[8])
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 8; i++)
        v = v << 8 | in[i];
    return v;
}

#endif
