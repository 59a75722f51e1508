/* Signatures that are two numbers, r and s (ECDSA, DSA): side by side as PKCS#11 has them (v3.1 sections 6.2 and 6.3.1), and in DER as
 * OpenSSL has them. Any thread. */
#ifndef CLUSTERHSM_CRYPTO_NUMBER_PAIR_H
#define CLUSTERHSM_CRYPTO_NUMBER_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/error.h"
#include "proto/mechanism.h"

enum { NUMBER_PAIR_DER_BYTES_MAX = 160 }; /* both halves of P-521, and their heads */

/* Whether the row signs so many bytes: a digest of its hash's length; CKM_DSA one of those that PKCS#11 v3.1 section 6.2 names; CKM_ECDSA
 * whatever is not empty. What is longer than the group's order is cut by OpenSSL (FIPS 186-4 sections 4.6 and 6.4). */
bool number_pair_signs(const struct mechanism *m, size_t data_n);

/* Whether a signature may be so long where each number has `half` bytes: by ECDSA equal halves may be shorter, a DSA signature has one
 * length. */
bool number_pair_fits(const struct mechanism *m, size_t signature_n, size_t half);

/* r || s of any two equal halves in DER; the caller frees it with OPENSSL_free. ERR_NO_MEMORY. */
enum err number_pair_to_der(const uint8_t *pair, size_t n, uint8_t **der, size_t *der_n);

/* Writes r || s, `half` bytes each. ERR_NO_MEMORY; ERR_BUG: it is no such pair. */
enum err number_pair_from_der(const uint8_t *der, size_t n, size_t half, uint8_t *pair);

#endif
