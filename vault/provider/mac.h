/* MACs by the rows of the mechanism table: HMAC, CMAC, CBC-MAC, GMAC, whole or cut short, and what finishes a handshake of TLS 1.2. Whether
 * the key's attributes permit the use is decided above.
 *
 * Reads its arguments only: any thread may call. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_MAC_H
#define CLUSTERHSM_VAULT_PROVIDER_MAC_H

#include "proto/mechanism.h"
#include "proto/request.pb-c.h"
#include "vault/provider/key.h"

enum { MAC_BYTES_MAX = 64 };

struct mac {
    OSSL_LIB_CTX *libctx;
    const struct mechanism *mechanism;
    const Hsm__Mechanism *given; /* with the row's parameter (proto/parameter.h) */
    const struct key *key;
};

/* Whether mechanism, parameter and key fit: ERR_MECHANISM, ERR_MECHANISM_PARAM, ERR_KEY_TYPE, ERR_KEY_SIZE. */
enum err mac_check(const struct mac *m);

/* `out` has room for MAC_BYTES_MAX. Besides mac_check's: ERR_NO_MEMORY, ERR_BUG. */
enum err mac_make(const struct mac *m, const uint8_t *data, size_t n, uint8_t *out, size_t *out_n);

/* ERR_OK: the MAC is right. Compared in constant time. ERR_SIGNATURE, ERR_SIGNATURE_LEN, and mac_make's. */
enum err mac_verify(const struct mac *m, const uint8_t *data, size_t n, const uint8_t *mac, size_t mac_n);

#endif
