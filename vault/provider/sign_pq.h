/* Post-quantum signatures, of sign.h's families PQ_PURE and PQ_HASH. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_SIGN_PQ_H
#define CLUSTERHSM_VAULT_PROVIDER_SIGN_PQ_H

#include "vault/provider/sign.h"

/* `out` has room for the parameter set's output_bytes. sign_data's errors. */
enum err sign_pq(const struct sign *s, const uint8_t *data, size_t data_n, uint8_t *out, size_t *out_n);

#endif
