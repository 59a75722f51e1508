/* The pseudorandom functions of IKE by the MACs that they are made of: HMAC (RFC 2104), AES-CMAC-PRF-128 (RFC 4615), AES-XCBC-PRF-128
 * (RFC 4434). All take keys of any length. Any thread. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_PRF_H
#define CLUSTERHSM_VAULT_PROVIDER_PRF_H

#include <stdbool.h>

#include "proto/mechanism.h"
#include "vault/provider/kdf.h"

enum { PRF_BYTES_MAX = 64, PRF_BLOCK_BYTES = 16 };

struct prf {
    CK_KEY_TYPE key_type;
    size_t bytes;     /* that it gives */
    const char *hash; /* of HMAC, which is one-way; NULL: a block cipher's: who knows the key undoes the last block */
    bool xcbc;
};

/* By CKM_ of the MAC; false: there is none here. */
bool prf_find(CK_MECHANISM_TYPE mac, struct prf *out);

/* Of all parts, one behind the other. The key has a byte at least. ERR_NO_MEMORY. */
enum err prf_make(OSSL_LIB_CTX *libctx, const struct prf *p, struct kdf_bytes key, const struct kdf_bytes *parts, size_t n,
                  uint8_t out[PRF_BYTES_MAX]);

#endif
