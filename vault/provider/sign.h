/* Signatures, by the rows of the mechanism table (MACs: mac.h). Whether the key's attributes permit the use is decided
 * above.
 *
 * Reads its arguments only: any thread may call. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_SIGN_H
#define CLUSTERHSM_VAULT_PROVIDER_SIGN_H

#include "proto/mechanism.h"
#include "proto/request.pb-c.h"
#include "vault/provider/key.h"

enum { SIGNATURE_BYTES_MAX = RSA_BITS_MAX / 8 }; /* but for keys made by a parameter set */

struct sign {
    OSSL_LIB_CTX *libctx;
    const struct mechanism *mechanism;
    const Hsm__PssParams *pss; /* rows with PARAM_PSS; else NULL */
    const Hsm__EddsaParams *eddsa; /* rows with PARAM_EDDSA, where NULL is the pure variant; else NULL */
    const Hsm__PqParams *pq;   /* rows with PARAM_PQ and PARAM_PQ_HASH */
    const struct key *key;
};

/* Whether mechanism, parameter and key fit: ERR_MECHANISM, ERR_MECHANISM_PARAM, ERR_KEY_TYPE, ERR_KEY_SIZE. */
enum err sign_check(const struct sign *s);

/* How many bytes a signature by this key has at most. */
size_t sign_bytes_max(const struct key *k);

/* `data` is what the row says: the digest for WHERE_HASH_IN_MODULE, else what the caller gave. `out` has room for
 * sign_bytes_max. An ECDSA signature is r || s, each of the curve's length (PKCS#11 v3.1 section 6.3.1), one of DSA the
 * same of the subprime's (section 6.2).
 * Besides sign_check's: ERR_DATA_LEN, ERR_DATA (a raw block that is not below the modulus), ERR_NO_MEMORY, ERR_BUG. */
enum err sign_data(const struct sign *s, const uint8_t *data, size_t data_n, uint8_t *out, size_t *out_n);

#endif
