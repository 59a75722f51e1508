/* New keys. Any thread. RSA's, and those of a field that is looked at first (vault/provider/field_group.h), take from a fraction of
 * a second to many. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_GENERATE_H
#define CLUSTERHSM_VAULT_PROVIDER_GENERATE_H

#include "proto/request.pb-c.h"
#include "vault/provider/key.h"

enum { GENERATE_EXPONENT_LEAST = 65537 };

/* The public exponent big-endian, odd, 65537 or more, of at most 64 bits (crypto/public_key.h verifies with no
 * larger ones; OpenSSL makes no pairs with smaller ones). ERR_KEY_SIZE, ERR_ATTRIBUTE_VALUE, ERR_NO_MEMORY, ERR_BUG. */
enum err generate_rsa(OSSL_LIB_CTX *libctx, size_t bits, const uint8_t *exponent, size_t exponent_n, struct key **out);

/* ERR_NO_MEMORY. */
enum err generate_ec(OSSL_LIB_CTX *libctx, const struct curve *curve, struct key **out);

/* ERR_NO_MEMORY, ERR_BUG. */
enum err generate_pq(OSSL_LIB_CTX *libctx, const struct parameter_set *set, struct key **out);

/* Of CKK_DSA or CKK_DH, with the parameters that key_load takes, and no value; bits: of a private number of CKK_DH, or 0
 * (vault/provider/key_field.h). ERR_TEMPLATE_INCOMPLETE, ERR_KEY_SIZE, ERR_ATTRIBUTE_VALUE, ERR_DOMAIN_PARAMS, ERR_NO_MEMORY, ERR_BUG. */
enum err generate_field(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const struct key_part *parts, size_t n, size_t bits, struct key **out);

/* A secret key of random bytes. ERR_KEY_TYPE, ERR_ATTRIBUTE_VALUE (no length of such a key), ERR_NO_MEMORY, ERR_BUG. */
enum err generate_secret(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, size_t bytes, struct key **out);

/* A secret key from a password (PKCS#11 v3.1 section 6.35). Besides the above: ERR_MECHANISM_PARAM (another PRF, too many iterations). */
enum err generate_pbkdf2(OSSL_LIB_CTX *libctx, const Hsm__Pbkdf2Params *p, CK_KEY_TYPE type, size_t bytes, struct key **out);

#endif
