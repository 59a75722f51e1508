/* Digests in parts, as C_DigestInit, C_DigestUpdate and C_DigestFinal need them, and for mechanisms that hash in the module.
 *
 * A digest is used by one thread at a time. Failures are ERR_MECHANISM (no such digest), ERR_NO_MEMORY, or ERR_BUG
 * (OpenSSL refused); a digest that failed is only good for digest_free. */
#ifndef CLUSTERHSM_CRYPTO_DIGEST_H
#define CLUSTERHSM_CRYPTO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "proto/error.h"

enum { DIGEST_BYTES_MAX = 64 };

struct digest;

/* A fresh digest by OpenSSL's name ("SHA256"), fetched from `libctx`, which outlives it. Freed with digest_free. */
enum err digest_new(OSSL_LIB_CTX *libctx, const char *name, struct digest **out);

/* A second one that stands where the first does: the state of an operation that is to be kept. */
enum err digest_clone(const struct digest *d, struct digest **out);

void digest_free(struct digest *d);

/* Bytes of the result. */
size_t digest_bytes(const struct digest *d);

/* n may be 0, then `bytes` may be NULL. */
enum err digest_update(struct digest *d, const void *bytes, size_t n);

/* Writes digest_bytes() bytes and leaves the digest as new, ready for the next message. */
enum err digest_final(struct digest *d, uint8_t *out);

/* All in one step. `out` has room for DIGEST_BYTES_MAX bytes. */
enum err digest_once(OSSL_LIB_CTX *libctx, const char *name, const void *bytes, size_t n, uint8_t *out, size_t *out_n);

#endif
