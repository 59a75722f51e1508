/* What OpenSSL alone, without a line of ours, says of a signature or a MAC: the second opinion. */
#ifndef CLUSTERHSM_TESTS_UNIT_OPINION_H
#define CLUSTERHSM_TESTS_UNIT_OPINION_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/types.h>

#include "proto/mechanism.h"

/* `data` is what the row signs: the message, or the digest where `hashed` says that it is one already. `pss` for rows with PARAM_PSS. */
struct opinion {
    const struct mechanism *row;
    const CK_RSA_PKCS_PSS_PARAMS *pss;
    bool hashed;
    const uint8_t *data;
    size_t n;
};

bool opinion_accepts(const struct opinion *o, EVP_PKEY *key, const uint8_t *signature, size_t signature_n);

/* The same by HMAC. */
bool opinion_mac(const struct opinion *o, const uint8_t *key, size_t key_n, const uint8_t *mac, size_t mac_n);

#endif
