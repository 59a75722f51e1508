/* Keys over finite fields: what CKK_DH and CKK_DSA have in common, in numbers and in OpenSSL's words. Constant data: any thread.
 *
 * Such a key has domain parameters (a prime p, a base g; DSA a prime q too that divides p - 1: CKA_PRIME, CKA_BASE, CKA_SUBPRIME) and a
 * CKA_VALUE: x of a private key, y = g^x mod p of a public one. The parameters alone are a CKO_DOMAIN_PARAMETERS object. */
#ifndef CLUSTERHSM_CRYPTO_FIELD_H
#define CLUSTERHSM_CRYPTO_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>

#include "proto/error.h"
#include "proto/pkcs11.h"

/* For whoever has others. */
#define FIELD_DSA_SIZES_TEXT "1024 and 160, 2048 and 224, 2048 and 256, or 3072 and 256 bits"

#define FIELD_DH_SIZES_TEXT "1024 to 8192 bits" /* FIELD_BITS_MIN to FIELD_BITS_MAX */

/* What sizes the parameters of such keys have, as a sentence. */
const char *field_size_text(CK_KEY_TYPE type);

/* Whether keys of this type are such. */
bool field_makes(CK_KEY_TYPE type);

/* Whether keys of this type, which is one of those, are made of such a part; and their parameters. */
bool field_has_part(CK_KEY_TYPE type, CK_ATTRIBUTE_TYPE part);
bool field_has_parameter(CK_KEY_TYPE type, CK_ATTRIBUTE_TYPE part);

/* OpenSSL's name of the algorithm, and the type of a key of OpenSSL's; NO_KEY_TYPE: it is none of them (X9.42's "DHX" is not). */
const char *field_name(CK_KEY_TYPE type);
CK_KEY_TYPE field_type_of(const EVP_PKEY *key);

/* How many bytes each number of a signature has: the subprime's of a CKK_DSA key of OpenSSL's; 0: it is no such key. */
size_t field_number_bytes(const EVP_PKEY *key);

/* OpenSSL's name of a parameter; NULL: it is none. */
const char *field_parameter_name(CK_ATTRIBUTE_TYPE part);

/* What can be said of parameters at a look: sizes (proto/limits.h; of CKK_DSA those that FIPS 186-4 section 4.2 has), 1 < g < p - 1, odd
 * primes. Whether they are primes is vault/provider/field_group.h's to say. q is NULL but for CKK_DSA. ERR_KEY_SIZE, ERR_ATTRIBUTE_VALUE,
 * ERR_NO_MEMORY. */
enum err field_check(CK_KEY_TYPE type, const BIGNUM *p, const BIGNUM *q, const BIGNUM *g);

/* Whether parameters of CKK_DSA have such sizes; and the longest subprime that goes with a prime, 0: none does. */
bool field_is_dsa_size(size_t prime_bits, size_t subprime_bits);
size_t field_subprime_bits(size_t prime_bits);

/* 1 < n < p - 1: what 0, 1 and p - 1 make of any key tells all of it, or one bit. */
bool field_in_range(const BIGNUM *n, const BIGNUM *p);

#endif
