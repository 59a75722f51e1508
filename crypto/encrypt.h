/* Encryption with public keys, by the rows of the mechanism table.
 *
 * Reads its arguments only: any thread may call. */
#ifndef CLUSTERHSM_CRYPTO_ENCRYPT_H
#define CLUSTERHSM_CRYPTO_ENCRYPT_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/public_key.h"
#include "crypto/rsa_padding.h"

struct encrypt {
    OSSL_LIB_CTX *libctx;
    const struct mechanism *mechanism;
    const Hsm__Mechanism *given; /* with the row's parameter (proto/parameter.h) */
    const struct public_key *key;
};

/* Whether mechanism, parameter and key fit: ERR_MECHANISM, ERR_MECHANISM_PARAM, ERR_KEY_TYPE, ERR_KEY_SIZE. */
enum err encrypt_check(const struct encrypt *e);

/* `out` has room for a block of the key's bytes. Besides encrypt_check's: ERR_DATA_LEN, ERR_DATA (a raw block that is not below the
 * modulus), ERR_NO_MEMORY, ERR_BUG. */
enum err encrypt_data(const struct encrypt *e, const uint8_t *data, size_t n, uint8_t *out, size_t *out_n);

#endif
