/* Keys under keys: bytes wrapped and unwrapped, by the rows of the mechanism table, and the form that a key has within
 * (PKCS#11 v3.1 section 5.18.3: a secret key's value, a private key's PKCS #8). Whether the keys' attributes permit it
 * is decided above.
 *
 * Reads its arguments only: any thread may call. Results are written on success only. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_WRAP_H
#define CLUSTERHSM_VAULT_PROVIDER_WRAP_H

#include "common/buffer.h"
#include "crypto/public_key.h"
#include "proto/mechanism.h"
#include "proto/request.pb-c.h"
#include "vault/provider/key.h"

enum { WRAP_BYTES_MAX = 16384 };

struct wrap {
    OSSL_LIB_CTX *libctx;
    const struct mechanism *mechanism;
    const Hsm__Mechanism *given;
    const struct key *key;               /* a secret key; or, to unwrap, a private one */
    const struct public_key *public_key; /* to wrap, instead of `key` */
};

/* Whether mechanism, parameter and key fit: ERR_MECHANISM, ERR_MECHANISM_PARAM, ERR_KEY_TYPE, ERR_KEY_SIZE. */
enum err wrap_check(const struct wrap *w);

/* Appends the wrapped bytes. wrap_check's; ERR_KEY_SIZE_WRAPPED: the mechanism cannot hold so many, or not this number;
 * ERR_NO_MEMORY. */
enum err wrap_bytes(const struct wrap *w, const struct secret *plain, struct buffer *out);

/* wrap_check's; ERR_WRAPPED_KEY: whatever is wrong with what was given, always the same; ERR_WRAPPED_KEY_LEN: its
 * length, which anybody can see. RSA PKCS #1 v1.5 never fails for its padding: what is not padded gives bytes that
 * nobody can tell from a key's, always the same for the same input (as OpenSSL 3.2 has it). */
enum err unwrap_bytes(const struct wrap *w, const uint8_t *wrapped, size_t n, struct secret *out);

/* A key in the form in which it is wrapped, and a private key back. ERR_KEY_TYPE, ERR_WRAPPED_KEY, ERR_NO_MEMORY. */
enum err wrap_pack(const struct key *k, struct secret *out);
enum err wrap_unpack_private(OSSL_LIB_CTX *libctx, const struct secret *packed, struct key **out);

#endif
