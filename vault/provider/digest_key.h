/* A secret key's value, into a digest. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_DIGEST_KEY_H
#define CLUSTERHSM_VAULT_PROVIDER_DIGEST_KEY_H

#include "crypto/digest.h"
#include "vault/provider/key.h"

/* ERR_KEY_INDIGESTIBLE: no secret key; ERR_KEY_SIZE: shorter than DIGEST_KEY_BYTES_MIN; digest_update's errors. */
enum err digest_key(struct digest *d, const struct key *k);

#endif
