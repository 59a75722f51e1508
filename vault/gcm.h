/* AES-256-GCM with a random nonce: what every seal of the vault is made of. A key seals one text, or few: each user of this derives a key
 * of its own by a fresh salt (vault/record.h, vault/sealed.h). */
#ifndef CLUSTERHSM_VAULT_GCM_H
#define CLUSTERHSM_VAULT_GCM_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "common/secret.h"
#include "proto/error.h"

enum { GCM_NONCE_BYTES = 12, GCM_TAG_BYTES = 16, GCM_SEAL_BYTES = GCM_NONCE_BYTES + GCM_TAG_BYTES };

/* Associated data: bytes that are authenticated and travel beside the seal. */
struct gcm_aad {
    const uint8_t *bytes;
    size_t n;
};

/* nonce || ciphertext || tag, into n + GCM_SEAL_BYTES at `out`. ERR_BUG. */
enum err gcm_seal(OSSL_LIB_CTX *libctx, const struct secret *key, struct gcm_aad aad, const uint8_t *text, size_t n, uint8_t *out);

/* n is at least GCM_SEAL_BYTES. ERR_FORGED: altered, or of another key; *out is empty then. ERR_NO_MEMORY. */
enum err gcm_open(OSSL_LIB_CTX *libctx, const struct secret *key, struct gcm_aad aad, const uint8_t *sealed, size_t n,
                  struct secret *out);

#endif
