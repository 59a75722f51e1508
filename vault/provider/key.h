/* A private or secret key, loaded and ready for use by the other files of this folder.
 *
 * Made once, then only read: any thread may use it. Private parts lie in OpenSSL's key and in struct secret only, and
 * are wiped when the key is freed. Results are written on success only. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_KEY_H
#define CLUSTERHSM_VAULT_PROVIDER_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "common/secret.h"
#include "crypto/curve.h"
#include "proto/error.h"
#include "proto/limits.h"
#include "proto/parameter_set.h"
#include "proto/pkcs11.h"

enum { KEY_NUMBER_BYTES_MAX = RSA_BITS_MAX / 8 };

struct key;

/* An attribute in its stored form: big-endian raw bytes. Borrowed. */
struct key_part {
    CK_ATTRIBUTE_TYPE type;
    const uint8_t *value;
    size_t n;
};

/* From stored attributes; others than the key's own are passed over.
 *   CKK_RSA             MODULUS, PUBLIC_EXPONENT, PRIVATE_EXPONENT, and PRIME_1 with PRIME_2 or none of what follows
 *                       them: then the primes are computed. EXPONENT_1, EXPONENT_2 and COEFFICIENT are computed,
 *                       and have to be the same where they are given
 *   CKK_EC              EC_PARAMS, VALUE; the point is computed, and has to be the same where EC_POINT is given
 *   CKK_EC_EDWARDS, CKK_EC_MONTGOMERY  the same; VALUE is the string of RFC 8032 or RFC 7748, of its full length
 *   CKK_ML_KEM, CKK_ML_DSA, CKK_SLH_DSA  PARAMETER_SET, and SEED or VALUE (then its seed is not known) or both
 *   CKK_DH              PRIME, BASE, VALUE
 *   CKK_DSA             PRIME, SUBPRIME, BASE, VALUE
 *   secret keys         VALUE, of a length that proto/key_kind.h has for the type; the halves of CKK_AES_XTS differ;
 *                       CKK_DES, CKK_DES2 and CKK_DES3 get their parity bits
 * ERR_TEMPLATE_INCOMPLETE, ERR_TEMPLATE_INCONSISTENT (parts that contradict each other), ERR_ATTRIBUTE_VALUE,
 * ERR_CURVE, ERR_PARAMETER_SET, ERR_KEY_SIZE, ERR_KEY_TYPE, ERR_NO_MEMORY. */
enum err key_load(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const struct key_part *parts, size_t n, struct key **out);

/* The slow checks that a key from outside must pass once (PKCS#11 v3.1 section 5.7.2): the primes are prime, the
 * exponents belong together. Milliseconds for RSA of 2048 bits, seconds for 8192, whatever the numbers are; for CKK_DH and
 * CKK_DSA vault/provider/field_group.h says how long. ERR_TEMPLATE_INCONSISTENT, ERR_DOMAIN_PARAMS, ERR_NO_MEMORY. */
enum err key_check(OSSL_LIB_CTX *libctx, const struct key *k);

/* Takes a pair over that was made here, also on failure. */
enum err key_wrap(EVP_PKEY *evp, struct key **out);

void key_free(struct key *k);

/* Whether keys of a type, private or public, are made of such a part; no type of key that we do not know has any. */
bool key_type_has_part(CK_KEY_TYPE key, CK_ATTRIBUTE_TYPE part);
/* The same of the public key alone. */
bool key_type_has_public_part(CK_KEY_TYPE key, CK_ATTRIBUTE_TYPE part);

/* One attribute in the form that key_load takes. ERR_ATTRIBUTE_TYPE: a key of this type has no such part; ERR_NOT_FOUND:
 * some have, and this one has not. */
enum err key_part(const struct key *k, CK_ATTRIBUTE_TYPE type, struct secret *out);
/* The same of its public key. */
enum err key_public_part(const struct key *k, CK_ATTRIBUTE_TYPE type, struct secret *out);

CK_KEY_TYPE key_type(const struct key *k);
size_t key_size(const struct key *k);               /* bits; bytes for secret keys, and of the public key where there is a set */
const struct curve *key_curve(const struct key *k); /* NULL unless on one */
const struct parameter_set *key_set(const struct key *k); /* NULL unless made by one */
size_t key_number_bytes(const struct key *k);       /* of each number of a signature by ECDSA or DSA; 0: it makes none */
EVP_PKEY *key_evp(const struct key *k);             /* borrowed; NULL for secret keys */
const struct secret *key_secret(const struct key *k); /* borrowed; empty unless a secret key */
/* The same as the cipher takes it that cipher_name (proto/cipher_mode.h) names: of DES three keys (vault/provider/des.h). */
const struct secret *key_cipher_secret(const struct key *k);

#endif
