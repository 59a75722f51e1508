/* Every mechanism of secret keys, tried once with keys of each length (vault/process/warm.h). */
#ifndef CLUSTERHSM_VAULT_PROCESS_WARM_SECRET_H
#define CLUSTERHSM_VAULT_PROCESS_WARM_SECRET_H

#include <stdbool.h>

#include <openssl/types.h>

/* False: one of them does not work. */
bool warm_macs(OSSL_LIB_CTX *libctx);
bool warm_ciphers(OSSL_LIB_CTX *libctx);

#endif
