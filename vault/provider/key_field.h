/* Keys over finite fields from their parts (vault/provider/key.h says which), and the parts of such keys: CKK_DH, CKK_DSA. Any thread. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_KEY_FIELD_H
#define CLUSTERHSM_VAULT_PROVIDER_KEY_FIELD_H

#include "vault/provider/key.h"

/* Of CKK_DSA the public value is computed, of CKK_DH not: that takes long, and no use of the private key asks for it. Whether the
 * parameters are good for a key is key_field_check's to say. key_load's errors. */
enum err key_field_load(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const struct key_part *parts, size_t n, EVP_PKEY **out);

/* Of a key from outside: numbers in their ranges, and parameters that keep it secret (vault/provider/field_group.h, which says how
 * long it takes). ERR_TEMPLATE_INCONSISTENT: numbers; ERR_DOMAIN_PARAMS; ERR_NO_MEMORY. */
enum err key_field_check(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const EVP_PKEY *key);

/* Whether PRIME, BASE and of CKK_DSA SUBPRIME are such at a look (crypto/field.h). ERR_TEMPLATE_INCOMPLETE, ERR_KEY_SIZE,
 * ERR_ATTRIBUTE_VALUE, ERR_NO_MEMORY. */
enum err key_field_parameters(CK_KEY_TYPE type, const struct key_part *parts, size_t n);

/* How many bits the private number of a CKK_DH key over such a prime has at least: what RFC 7919 section 5.2 asks for. */
size_t key_field_private_bits(size_t prime_bits);

/* A new key with these parameters, which are looked at whole before (vault/provider/field_group.h). bits: of CKK_DH those of the private
 * number, not less than key_field_private_bits and less than the prime's; 0: as many as that. Besides the above: ERR_DOMAIN_PARAMS,
 * ERR_BUG. */
enum err key_field_generate(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const struct key_part *parts, size_t n, size_t bits, EVP_PKEY **out);

/* ERR_ATTRIBUTE_TYPE: such keys have no such part; ERR_NO_MEMORY, ERR_BUG. CKA_VALUE is the private number x. */
enum err key_field_part(const EVP_PKEY *key, CK_KEY_TYPE type, CK_ATTRIBUTE_TYPE part, struct secret *out);

/* CKA_VALUE of the public key: y. Of a CKK_DH key that was loaded it is computed here: a tenth of a second and more where the private
 * number is as long as a prime of 8192 bits. */
enum err key_field_public_value(const EVP_PKEY *key, CK_KEY_TYPE type, struct secret *out);

#endif
