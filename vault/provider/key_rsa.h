/* RSA keys from their parts (vault/provider/key.h says which), and the names of the parts. Any thread. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_KEY_RSA_H
#define CLUSTERHSM_VAULT_PROVIDER_KEY_RSA_H

#include "vault/provider/key.h"

/* key_load's errors. */
enum err key_rsa_load(OSSL_LIB_CTX *libctx, const struct key_part *parts, size_t n, EVP_PKEY **out);

/* Of a key that OpenSSL has read: whether its sizes are those of a key that key_rsa_load makes, two primes and a modulus that may be their
 * product. Anything else would be a matter of minutes to key_check. ERR_KEY_SIZE, ERR_ATTRIBUTE_VALUE, ERR_TEMPLATE_INCONSISTENT. */
enum err key_rsa_fits(const EVP_PKEY *key);

/* OpenSSL's name of a part; NULL: RSA keys have no such part. */
const char *key_rsa_part_name(CK_ATTRIBUTE_TYPE type);

#endif
