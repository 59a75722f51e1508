/* HKDF-SHA-256 (RFC 5869), where a key is derived now and then. What requests derive goes through vault/master.h, which keeps the
 * algorithm at hand. */
#ifndef CLUSTERHSM_VAULT_HKDF_H
#define CLUSTERHSM_VAULT_HKDF_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "common/secret.h"
#include "proto/error.h"

struct hkdf_bytes {
    const uint8_t *bytes;
    size_t n;
};

/* n bytes; an empty salt is none. ERR_NO_MEMORY, ERR_BUG. */
enum err hkdf_derive(OSSL_LIB_CTX *libctx, const struct secret *key, struct hkdf_bytes salt, struct hkdf_bytes info, size_t n,
                     struct secret *out);

#endif
