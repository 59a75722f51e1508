/* What the files that load keys share: parts in a list, and OpenSSL's keys by their parameters. Any thread. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_KEY_PARAMS_H
#define CLUSTERHSM_VAULT_PROVIDER_KEY_PARAMS_H

#include <openssl/param_build.h>

#include "vault/provider/key.h"

/* NULL: not there, or empty. */
const struct key_part *key_params_find(const struct key_part *parts, size_t n, CK_ATTRIBUTE_TYPE type);

/* A pair of OpenSSL's type from what was pushed, which is wiped. ERR_ATTRIBUTE_VALUE: it is none; ERR_NO_MEMORY. */
enum err key_params_pair(OSSL_LIB_CTX *libctx, const char *type, OSSL_PARAM_BLD *build, EVP_PKEY **out);

/* One number of a key by OpenSSL's name, big endian; `pad` bytes, or as many as it takes where that is 0. ERR_NO_MEMORY, ERR_BUG. */
enum err key_params_number(const EVP_PKEY *key, const char *name, size_t pad, struct secret *out);

#endif
