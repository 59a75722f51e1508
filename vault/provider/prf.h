/* Pseudorandom functions by the MACs that they are made of. IKE's take keys of any length: HMAC (RFC 2104), AES-CMAC-PRF-128 (RFC 4615),
 * AES-XCBC-PRF-128 (RFC 4434). Those of SP 800-108 are HMAC, and CMAC with a key of its cipher. Any thread. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_PRF_H
#define CLUSTERHSM_VAULT_PROVIDER_PRF_H

#include <stdbool.h>

#include "proto/cipher_mode.h"
#include "proto/mechanism.h"
#include "vault/provider/kdf.h"

enum { PRF_BYTES_MAX = 64, PRF_BLOCK_BYTES = 16 };

struct prf {
    CK_KEY_TYPE key_type;
    size_t bytes;     /* that it gives */
    const char *hash; /* of HMAC, which is one-way; NULL: a block cipher's: who knows the key undoes the last block */
    size_t key_bytes; /* the block cipher's */
    char cipher[CIPHER_NAME_BYTES]; /* CMAC's; empty: XCBC */
};

/* By CKM_ of the MAC; false: there is none here. */
bool prf_find_ike(CK_MECHANISM_TYPE mac, struct prf *out);

/* ... or none with keys of so many bytes; 0: what is the same for keys of any length. PKCS#11 v3.1 section 6.42.1. */
bool prf_find_kbkdf(CK_MECHANISM_TYPE mac, size_t key_bytes, struct prf *out);

/* Of all parts, one behind the other. The key has a byte at least. ERR_NO_MEMORY. */
enum err prf_make(OSSL_LIB_CTX *libctx, const struct prf *p, struct kdf_bytes key, const struct kdf_bytes *parts, size_t n,
                  uint8_t out[PRF_BYTES_MAX]);

#endif
