/* Signatures checked with public keys, by the rows of the mechanism table.
 *
 * Reads its arguments only: any thread may call. Never asks for a private key, a network or the vault. */
#ifndef CLUSTERHSM_CRYPTO_VERIFY_H
#define CLUSTERHSM_CRYPTO_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "crypto/public_key.h"
#include "proto/error.h"
#include "proto/mechanism.h"
#include "proto/request.pb-c.h"

struct verify {
    OSSL_LIB_CTX *libctx;
    const struct mechanism *mechanism;   /* a row that does CKF_VERIFY with a public key */
    const Hsm__PssParams *pss;           /* rows with PARAM_PSS; else NULL */
    const Hsm__EddsaParams *eddsa;       /* rows with PARAM_EDDSA, where NULL is the pure variant; else NULL */
    const Hsm__PqParams *pq;             /* rows with PARAM_PQ and PARAM_PQ_HASH */
    const struct public_key *key;
};

/* Whether mechanism, parameter and key fit, as C_VerifyInit must say: ERR_MECHANISM, ERR_MECHANISM_PARAM, ERR_KEY_TYPE,
 * ERR_KEY_SIZE. */
enum err verify_check(const struct verify *v);

/* ERR_OK: the signature is good. `data` is the digest where the row says WHERE_HASH_IN_MODULE, else what the caller gave
 * (for CKM_RSA_PKCS the encoded DigestInfo, for CKM_ECDSA and CKM_RSA_PKCS_PSS the digest).
 * An ECDSA signature is r || s of two equal halves, which may be shorter than the curve (PKCS#11 v3.1 section 6.3.1); one of DSA the
 * same of the subprime's length, and no shorter (section 6.2).
 * Besides verify_check's: ERR_SIGNATURE, ERR_SIGNATURE_LEN, ERR_DATA_LEN, ERR_NO_MEMORY. */
enum err verify_signature(const struct verify *v, const uint8_t *data, size_t data_n, const uint8_t *signature,
                          size_t signature_n);

/* The data that an RSA signature gives back (rows that do CKF_VERIFY_RECOVER): what was signed, for CKM_RSA_X_509 the whole block. `out`
 * has room for RSA_BITS_MAX / 8 bytes. Besides verify_check's: ERR_SIGNATURE, ERR_SIGNATURE_LEN, ERR_NO_MEMORY, ERR_BUG. */
enum err verify_recover(const struct verify *v, const uint8_t *signature, size_t signature_n, uint8_t *out, size_t *out_n);

#endif
