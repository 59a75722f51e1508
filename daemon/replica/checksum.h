/*
 * CRC-32C (Castagnoli) over what lies on disk. It finds flipped, cut and misplaced bytes; that nobody forged them is not
 * its affair: records are sealed by the vault, and nodes speak over TLS. So no cryptographic hash, which would cost ten
 * times as much for every entry.
 */
#ifndef CLUSTERHSM_DAEMON_REPLICA_CHECKSUM_H
#define CLUSTERHSM_DAEMON_REPLICA_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Continues from `crc`, 0 at the start. Any thread. */
uint32_t checksum(uint32_t crc, const void *bytes, size_t n);

#endif
