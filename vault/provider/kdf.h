/* Key derivation functions over OpenSSL's: bytes in, bytes out. Hashes by OpenSSL's name. Any thread; *out is written
 * on success only. ERR_NO_MEMORY; ERR_MECHANISM_PARAM: OpenSSL refuses what was given (more bytes than the function
 * gives, ...). */
#ifndef CLUSTERHSM_VAULT_PROVIDER_KDF_H
#define CLUSTERHSM_VAULT_PROVIDER_KDF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "common/secret.h"
#include "proto/error.h"

/* n 0: none. Borrowed. */
struct kdf_bytes {
    const uint8_t *bytes;
    size_t n;
};

/* RFC 5869; without `expand` the result has the hash's length. */
struct kdf_hkdf {
    const char *hash;
    bool extract, expand;
    struct kdf_bytes salt, info;
};
enum err kdf_hkdf(OSSL_LIB_CTX *libctx, const struct kdf_hkdf *h, struct kdf_bytes key, size_t n, struct secret *out);

/* Hash of secret, counter, shared data in this order (ANSI X9.63), or of counter, secret, shared data (SP 800-56A one
 * step). */
enum err kdf_x963(OSSL_LIB_CTX *libctx, const char *hash, struct kdf_bytes secret, struct kdf_bytes shared, size_t n,
                  struct secret *out);
enum err kdf_one_step(OSSL_LIB_CTX *libctx, const char *hash, struct kdf_bytes secret, struct kdf_bytes shared,
                      size_t n, struct secret *out);

/* RFC 8018. How many iterations are too many is the caller's to say. */
struct kdf_pbkdf2 {
    const char *hash;
    struct kdf_bytes password, salt;
    uint64_t iterations;
};
enum err kdf_pbkdf2(OSSL_LIB_CTX *libctx, const struct kdf_pbkdf2 *p, size_t n, struct secret *out);

/* P_hash of RFC 5246 section 5 over label || seeds. */
enum { KDF_SEEDS_MAX = 3 };
struct kdf_tls12 {
    const char *hash;
    struct kdf_bytes label, seeds[KDF_SEEDS_MAX];
};
enum err kdf_tls12(OSSL_LIB_CTX *libctx, const struct kdf_tls12 *t, struct kdf_bytes key, size_t n, struct secret *out);

/* RFC 4253 section 7.2. The key is hashed as it is: an mpint, or what else the key exchange makes of the shared secret. */
struct kdf_sshkdf {
    const char *hash;
    char letter;
    struct kdf_bytes exchange_hash, session_id;
};
enum err kdf_sshkdf(OSSL_LIB_CTX *libctx, const struct kdf_sshkdf *s, struct kdf_bytes key, size_t n, struct secret *out);

#endif
