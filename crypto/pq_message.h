/* What a post-quantum signature is made over (FIPS 204 sections 5.2 and 5.4, FIPS 205 section 10): the same for who signs and
 * who verifies. */
#ifndef CLUSTERHSM_CRYPTO_PQ_MESSAGE_H
#define CLUSTERHSM_CRYPTO_PQ_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/params.h>

#include "proto/error.h"
#include "proto/limits.h"
#include "proto/mechanism.h"
#include "proto/request.pb-c.h"

enum { PQ_HASHED_BYTES_MAX = 2 + PQ_CONTEXT_BYTES_MAX + 11 + 64 };

/* For EVP_DigestSignInit_ex and EVP_DigestSign, or the same of Verify. Refers to itself and to what it was made of: does not move. */
struct pq_message {
    OSSL_PARAM params[4];
    const uint8_t *data;
    size_t n;
    int raw, external, deterministic;
    uint8_t hashed[PQ_HASHED_BYTES_MAX];
};

/* `data` is the whole message for FAMILY_PQ_PURE, its hash for FAMILY_PQ_HASH, the mu for FAMILY_PQ_MU. ERR_MECHANISM_PARAM,
 * ERR_DATA_LEN: it is no such hash, no mu; ERR_MECHANISM. */
enum err pq_message_make(const struct mechanism *m, const Hsm__PqParams *p, const uint8_t *data, size_t n, struct pq_message *out);

#endif
