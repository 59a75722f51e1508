/* What wrap.c leaves to others, by the kind of the wrapping key. All that can be seen of mechanism, parameter and key
 * has been checked; results are written on success only, and errors are those of wrap.h. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_WRAP_FAMILY_H
#define CLUSTERHSM_VAULT_PROVIDER_WRAP_FAMILY_H

#include "vault/provider/wrap.h"

/* A cipher with a secret key. */
enum err wrap_by_secret(const struct wrap *w, const uint8_t *plain, size_t n, struct buffer *out);
enum err unwrap_by_secret(const struct wrap *w, const uint8_t *wrapped, size_t n, struct secret *out);

/* RSA itself, padded by OAEP where the parameter is there, else by PKCS #1 v1.5. */
enum err wrap_by_rsa(const struct wrap *w, const uint8_t *plain, size_t n, struct buffer *out);
enum err unwrap_by_rsa(const struct wrap *w, const uint8_t *wrapped, size_t n, struct secret *out);
size_t wrap_rsa_bytes(const struct wrap *w); /* what comes out, and goes in */
size_t wrap_rsa_holds(const struct wrap *w); /* bytes at most; 0: the key is too small for the padding */

/* A fresh AES key: under RSA (PKCS#11 v3.1 section 6.1.17), or of an agreement on a curve (section 6.3.21). */
enum err wrap_by_fresh(const struct wrap *w, const uint8_t *plain, size_t n, struct buffer *out);
enum err unwrap_by_fresh(const struct wrap *w, const uint8_t *wrapped, size_t n, struct secret *out);
enum err wrap_fresh_check(const struct wrap *w);

#endif
