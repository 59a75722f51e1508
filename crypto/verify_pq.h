/* Post-quantum signatures, of crypto/verify.h's families PQ_PURE and PQ_HASH. */
#ifndef CLUSTERHSM_CRYPTO_VERIFY_PQ_H
#define CLUSTERHSM_CRYPTO_VERIFY_PQ_H

#include "crypto/verify.h"

/* verify_signature's errors. */
enum err verify_pq(const struct verify *v, const uint8_t *data, size_t data_n, const uint8_t *signature, size_t signature_n);

#endif
