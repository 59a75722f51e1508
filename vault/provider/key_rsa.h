/* RSA keys from their parts (vault/provider/key.h says which), and the names of the parts. Any thread. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_KEY_RSA_H
#define CLUSTERHSM_VAULT_PROVIDER_KEY_RSA_H

#include "vault/provider/key.h"

/* key_load's errors. */
enum err key_rsa_load(OSSL_LIB_CTX *libctx, const struct key_part *parts, size_t n, EVP_PKEY **out);

/* OpenSSL's name of a part; NULL: RSA keys have no such part. */
const char *key_rsa_part_name(CK_ATTRIBUTE_TYPE type);

#endif
