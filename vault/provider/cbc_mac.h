/* CBC-MAC: the last block of the data's encryption by CBC under a vector of zeros, where the last block of the data is
 * filled up with zeros (FIPS 113; PKCS#11 v2.40, "AES-MAC"). Nothing is a block of zeros.
 *
 * Of one block it is the block cipher itself, and of data of several lengths who can ask for some MACs computes others from
 * them: it is here for those who have such MACs already, under the compatible policy. What it means for a key that does
 * more than sign: docs/decisions/009.
 *
 * Reads its arguments only: any thread may call. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_CBC_MAC_H
#define CLUSTERHSM_VAULT_PROVIDER_CBC_MAC_H

#include <openssl/types.h>

#include "common/secret.h"
#include "proto/cipher_mode.h"
#include "proto/error.h"

/* `cipher` is OpenSSL's name of the block cipher in CBC mode, and the key has its length. A whole block comes out, and its length.
 * ERR_NO_MEMORY, ERR_BUG. */
enum err cbc_mac(OSSL_LIB_CTX *libctx, const char *cipher, const struct secret *key, const uint8_t *data, size_t n,
                 uint8_t out[CIPHER_BLOCK_BYTES_MAX], size_t *out_n);

#endif
