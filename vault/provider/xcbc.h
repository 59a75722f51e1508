/* AES-XCBC-MAC with all its bits (RFC 3566), which OpenSSL lacks. Any thread. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_XCBC_H
#define CLUSTERHSM_VAULT_PROVIDER_XCBC_H

#include "vault/provider/kdf.h"

enum { XCBC_BYTES = 16 };

/* Of all parts, one behind the other. ERR_NO_MEMORY. */
enum err xcbc_mac(OSSL_LIB_CTX *libctx, const uint8_t key[XCBC_BYTES], const struct kdf_bytes *parts, size_t n, uint8_t out[XCBC_BYTES]);

#endif
