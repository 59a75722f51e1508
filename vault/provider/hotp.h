/* One-time passwords of a counter: HOTP, RFC 4226. The hash is SHA-1 whatever the key's length, as there and in PKCS#11; it is the key and
 * not the hash that a password would have to be guessed from.
 *
 * Reads its arguments only: any thread may call. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_HOTP_H
#define CLUSTERHSM_VAULT_PROVIDER_HOTP_H

#include "proto/mechanism.h"
#include "proto/request.pb-c.h"
#include "vault/provider/key.h"

/* Whether mechanism, parameter (proto/parameter.h) and key fit: ERR_MECHANISM, ERR_MECHANISM_PARAM, ERR_KEY_TYPE, ERR_KEY_SIZE. */
enum err hotp_check(const struct mechanism *m, const Hsm__Mechanism *given, const struct key *k);

/* `digits`, of which there are OTP_DIGITS_MIN to OTP_DIGITS_MAX, go to `out`, without terminator. The key is one that fits. ERR_CORRUPT:
 * another number of digits; ERR_BUG. */
enum err hotp_make(OSSL_LIB_CTX *libctx, const struct key *k, uint64_t counter, size_t digits, uint8_t *out);

/* Which of the `window` counters from `first` on the password is of: compared in constant time with all of them.
 * ERR_SIGNATURE: of none; ERR_SIGNATURE_LEN; hotp_make's. */
enum err hotp_find(OSSL_LIB_CTX *libctx, const struct key *k, uint64_t first, unsigned window, size_t digits, const uint8_t *password,
                   size_t n, uint64_t *counter);

#endif
