/* A public key made from PKCS#11 attributes, checked, ready for verification.
 *
 * Made once, then only read: any thread may use it. Failures: ERR_ATTRIBUTE_VALUE (not a key: an even modulus, a point
 * off the curve, malformed DER), ERR_CURVE, ERR_KEY_SIZE (outside proto/limits.h), ERR_KEY_TYPE (none of ours),
 * ERR_NO_MEMORY. Results are written on success only. */
#ifndef CLUSTERHSM_CRYPTO_PUBLIC_KEY_H
#define CLUSTERHSM_CRYPTO_PUBLIC_KEY_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "common/buffer.h"
#include "crypto/curve.h"
#include "proto/error.h"
#include "proto/parameter_set.h"
#include "proto/pkcs11.h"

struct public_key;

/* From CKA_MODULUS and CKA_PUBLIC_EXPONENT: big-endian, leading zeros allowed. */
enum err public_key_rsa(OSSL_LIB_CTX *libctx, const uint8_t *modulus, size_t modulus_n, const uint8_t *exponent,
                        size_t exponent_n, struct public_key **out);

/* From CKA_EC_PARAMS (a named curve) and CKA_EC_POINT (raw or DER OCTET STRING). `type` is CKK_EC, CKK_EC_EDWARDS or
 * CKK_EC_MONTGOMERY; a curve of another one is ERR_CURVE. Points of Edwards curves are strings of which half are no points,
 * which OpenSSL finds out with the first signature: such a key verifies none. */
enum err public_key_ec(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const uint8_t *params, size_t params_n, const uint8_t *point,
                       size_t point_n, struct public_key **out);

/* From CKA_VALUE of a key with CKA_PARAMETER_SET. */
enum err public_key_pq(OSSL_LIB_CTX *libctx, const struct parameter_set *set, const uint8_t *value, size_t n, struct public_key **out);

/* From CKA_PRIME, CKA_BASE, CKA_VALUE and of CKK_DSA CKA_SUBPRIME: big-endian, leading zeros allowed. Whether the primes are such is
 * not looked at: nothing is to be kept secret here. */
struct public_field_part {
    const uint8_t *bytes;
    size_t n;
};
struct public_field {
    struct public_field_part prime, subprime, base, value;
};
enum err public_key_field(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const struct public_field *parts, struct public_key **out);

/* The parameters alone, whatever the value. field_check's errors (crypto/field.h). */
enum err public_field_check(CK_KEY_TYPE type, const struct public_field *parts);

/* From a DER SubjectPublicKeyInfo, which must be used up (CKA_PUBLIC_KEY_INFO). */
enum err public_key_read(OSSL_LIB_CTX *libctx, const uint8_t *info, size_t n, struct public_key **out);

void public_key_free(struct public_key *k);

CK_KEY_TYPE public_key_type(const struct public_key *k);      /* of a pair: proto/key_kind.h */
/* Of the modulus, the prime, or the curve; bytes where there is a parameter set. */
size_t public_key_bits(const struct public_key *k);
const struct curve *public_key_curve(const struct public_key *k); /* NULL unless on one */
const struct parameter_set *public_key_set(const struct public_key *k); /* NULL unless made by one */
size_t public_key_number_bytes(const struct public_key *k);   /* of each number of a signature by ECDSA or DSA; 0: there is none */
EVP_PKEY *public_key_evp(const struct public_key *k);         /* borrowed */

/* The curve that a key of OpenSSL's is on; NULL: none of ours. */
const struct curve *public_key_curve_of(const EVP_PKEY *key);

/* Appends the DER SubjectPublicKeyInfo: the value of CKA_PUBLIC_KEY_INFO. */
enum err public_key_info(const struct public_key *k, struct buffer *out);

#endif
