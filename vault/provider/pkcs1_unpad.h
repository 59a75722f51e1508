/* RSAES-PKCS1-v1_5's padding taken off without telling whether it was there: Bleichenbacher's attack asks just that.
 * What is not padded becomes bytes of a length that both depend on the key and the ciphertext alone ("implicit
 * rejection", as OpenSSL 3.2 has it). Any thread. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_PKCS1_UNPAD_H
#define CLUSTERHSM_VAULT_PROVIDER_PKCS1_UNPAD_H

#include "vault/provider/key.h"

/* block: the decrypted block, of the modulus' length, in place of which the message comes. ERR_NO_MEMORY, ERR_BUG;
 * nothing else. */
enum err pkcs1_unpad(OSSL_LIB_CTX *libctx, const struct key *k, const uint8_t *ciphertext, size_t n,
                     struct secret *block);

#endif
