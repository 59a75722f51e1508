/* Keys on elliptic curves from their parts (vault/provider/key.h says which), and the parts of such keys. Any thread. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_KEY_CURVE_H
#define CLUSTERHSM_VAULT_PROVIDER_KEY_CURVE_H

#include "vault/provider/key.h"

/* `type` is CKK_EC, CKK_EC_EDWARDS or CKK_EC_MONTGOMERY; a curve of another one is ERR_CURVE. key_load's errors. */
enum err key_curve_load(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const struct key_part *parts, size_t n, EVP_PKEY **out);

bool key_curve_has_part(CK_ATTRIBUTE_TYPE type);

/* ERR_ATTRIBUTE_TYPE: such keys have no such part; ERR_NO_MEMORY, ERR_BUG. */
enum err key_curve_part(const EVP_PKEY *key, const struct curve *curve, CK_ATTRIBUTE_TYPE type, struct secret *out);

#endif
