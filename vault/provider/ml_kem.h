/* Key encapsulation (ML-KEM): a secret that only who has the private key can tell from its ciphertext. Any thread. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_ML_KEM_H
#define CLUSTERHSM_VAULT_PROVIDER_ML_KEM_H

#include "crypto/public_key.h"
#include "vault/provider/key.h"

enum { ML_KEM_SECRET_BYTES = 32 }; /* FIPS 203 section 8 */

/* A new secret, and what it travels as: `out` has room for the parameter set's output_bytes. ERR_KEY_TYPE, ERR_NO_MEMORY, ERR_BUG. */
enum err ml_kem_encapsulate(OSSL_LIB_CTX *libctx, const struct public_key *k, struct secret *secret, uint8_t *out);

/* Of another ciphertext of the right length comes another secret, and no error (FIPS 203 algorithm 18). ERR_KEY_TYPE; ERR_DATA_LEN: no
 * ciphertext of this parameter set; ERR_NO_MEMORY, ERR_BUG. */
enum err ml_kem_decapsulate(OSSL_LIB_CTX *libctx, const struct key *k, const uint8_t *ciphertext, size_t n, struct secret *secret);

#endif
