/* What OpenSSL alone, without a line of ours, says of a signature or a MAC: the second opinion. */
#ifndef CLUSTERHSM_TESTS_UNIT_OPINION_H
#define CLUSTERHSM_TESTS_UNIT_OPINION_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/types.h>

#include "proto/mechanism.h"

/* `data` is what the row signs: the message, or the digest where `hashed` says that it is one already. `pss` for rows with PARAM_PSS, `pq`
 * for rows with PARAM_PQ and PARAM_PQ_HASH (whose data is a digest). */
struct opinion {
    const struct mechanism *row;
    const CK_RSA_PKCS_PSS_PARAMS *pss;
    const CK_MECHANISM *pq;
    bool hashed;
    const uint8_t *data;
    size_t n;
};

bool opinion_accepts(const struct opinion *o, EVP_PKEY *key, const uint8_t *signature, size_t signature_n);

/* What a ciphertext by a public key holds; m: CKM_RSA_PKCS, CKM_RSA_X_509 (with all zeros in front), or one with a parameter of OAEP.
 * Returns the bytes. */
size_t opinion_decrypts(const CK_MECHANISM *m, EVP_PKEY *key, const uint8_t *ciphertext, size_t n, uint8_t *out, size_t room);

/* What both sides of ECDH, X25519 and X448 have in common, raw. Returns the bytes. */
size_t opinion_agrees(EVP_PKEY *mine, EVP_PKEY *theirs, uint8_t *out, size_t room);

/* Whether domain parameters are some: what EVP_PKEY_param_check says, and a pair made in them. */
bool opinion_accepts_domain(EVP_PKEY *domain);

/* The same by HMAC. */
bool opinion_mac(const struct opinion *o, const uint8_t *key, size_t key_n, const uint8_t *mac, size_t mac_n);

#endif
