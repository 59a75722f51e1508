/* ECDSA over a text: SHA-256 of it signed, as a DER signature. For the keys of nodes and clusters; what applications sign is sign.h's.
 *
 * Reads its arguments only: any thread may call. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_ECDSA_TEXT_H
#define CLUSTERHSM_VAULT_PROVIDER_ECDSA_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "common/buffer.h"
#include "proto/error.h"

/* Appends the signature to `out`, which is as before on failure. ERR_KEY_TYPE: not an EC key; ERR_NO_MEMORY, ERR_BUG. */
enum err ecdsa_text_sign(OSSL_LIB_CTX *libctx, EVP_PKEY *key, const uint8_t *text, size_t n, struct buffer *out);

/* ERR_KEY_TYPE, ERR_SIGNATURE, ERR_NO_MEMORY. */
enum err ecdsa_text_verify(OSSL_LIB_CTX *libctx, EVP_PKEY *key, const uint8_t *text, size_t n, const uint8_t *signature,
                           size_t signature_n);

#endif
