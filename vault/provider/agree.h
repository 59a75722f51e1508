/* X25519 (RFC 7748): keys of 32 raw bytes, and what two of them agree on. Any thread. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_AGREE_H
#define CLUSTERHSM_VAULT_PROVIDER_AGREE_H

#include <stdint.h>

#include <openssl/types.h>

#include "common/secret.h"
#include "proto/error.h"

enum { AGREE_KEY_BYTES = 32 };

/* A new private key. ERR_NO_MEMORY, ERR_BUG. */
enum err agree_generate(OSSL_LIB_CTX *libctx, struct secret *private_key);

/* The public half. ERR_ARGUMENTS: not 32 bytes; ERR_NO_MEMORY, ERR_BUG. */
enum err agree_public(OSSL_LIB_CTX *libctx, const struct secret *private_key, uint8_t out[AGREE_KEY_BYTES]);

/* 32 bytes that only the holders of either private key can make; to be put through a KDF. ERR_FORGED: the other's key is of small
 * order, and any private key would give the same (RFC 7748 section 6.1). */
enum err agree_derive(OSSL_LIB_CTX *libctx, const struct secret *private_key, const uint8_t public_key[AGREE_KEY_BYTES],
                      struct secret *out);

#endif
