/* Post-quantum keys from their parts, and their parts: what proto/parameter_set.h has rows for. Any thread. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_KEY_PQ_H
#define CLUSTERHSM_VAULT_PROVIDER_KEY_PQ_H

#include "proto/parameter_set.h"
#include "vault/provider/key.h"

/* CKA_PARAMETER_SET, and CKA_SEED or CKA_VALUE or both, which then belong together. ERR_PARAMETER_SET: there is no such set
 * for keys of this type here; key_load's other errors. */
enum err key_pq_load(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const struct key_part *parts, size_t n, EVP_PKEY **out);

/* A new pair. ERR_NO_MEMORY, ERR_BUG. */
enum err key_pq_generate(OSSL_LIB_CTX *libctx, const struct parameter_set *set, EVP_PKEY **out);

bool key_pq_has_part(CK_KEY_TYPE type, CK_ATTRIBUTE_TYPE part);

/* Of a private key: ERR_NOT_FOUND: this one has no seed, as it came without; ERR_ATTRIBUTE_TYPE: no key of this type has such a part.
 * ERR_NO_MEMORY, ERR_BUG. */
enum err key_pq_part(const EVP_PKEY *key, const struct parameter_set *set, CK_ATTRIBUTE_TYPE type, struct secret *out);

/* CKA_VALUE of the public key. */
enum err key_pq_public_value(const EVP_PKEY *key, const struct parameter_set *set, struct secret *out);

#endif
