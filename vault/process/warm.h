/* One operation of each kind before the sandbox closes, so that libcrypto has fetched, seeded and made what it makes at first use. */
#ifndef CLUSTERHSM_VAULT_PROCESS_WARM_H
#define CLUSTERHSM_VAULT_PROCESS_WARM_H

#include <stdbool.h>

#include <openssl/types.h>

#include "common/diag.h"

/* False: libcrypto lacks what the vault needs, and which. */
bool warm_up(OSSL_LIB_CTX *libctx, struct diag *why);

#endif
