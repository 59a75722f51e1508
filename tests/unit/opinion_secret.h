/* What OpenSSL alone, without a line of ours, makes of secret keys: ciphertexts, MACs, wrapped and derived keys. The parameters are those
 * of tests/unit/recipe.h. */
#ifndef CLUSTERHSM_TESTS_UNIT_OPINION_SECRET_H
#define CLUSTERHSM_TESTS_UNIT_OPINION_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/mechanism.h"

struct opinion_key {
    const uint8_t *bytes;
    size_t n;
};

/* Rows of ciphers (proto/cipher_mode.h). Where the vault puts a vector of its own in front, it is taken from there: `out` holds what
 * the vault has made. Returns the bytes of ciphertext and tag. */
size_t opinion_encrypts(const CK_MECHANISM *m, struct opinion_key key, const uint8_t *data, size_t n, uint8_t *out);

/* HMAC, CMAC, GMAC, as long as the row and its parameter say. */
size_t opinion_macs(const CK_MECHANISM *m, struct opinion_key key, const uint8_t *data, size_t n, uint8_t *out);

/* RFC 4226: that many digits (at most nine) of a counter of eight bytes. */
void opinion_one_time(struct opinion_key key, const uint8_t *counter, unsigned digits, uint8_t *out);

/* The first n bytes of what a row derives of `base`, and of `other` where it takes a second key. ECDH is not here (opinion_agrees). */
void opinion_derives(const CK_MECHANISM *m, struct opinion_key base, struct opinion_key other, uint8_t *out, size_t n);

/* ANSI X9.63 with SHA-256. */
void opinion_x963(struct opinion_key secret, const uint8_t *shared, size_t shared_n, uint8_t *out, size_t n);

#endif
