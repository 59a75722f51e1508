/* The primes of an RSA key that came without them. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_RECOVER_H
#define CLUSTERHSM_VAULT_PROVIDER_RECOVER_H

#include <openssl/types.h>

#include "proto/error.h"

/* NIST SP 800-56B Rev. 2 appendix C.1. n and e odd, d not zero. *p is the larger one; both are the caller's, freed with BN_clear_free.
 * ERR_TEMPLATE_INCONSISTENT: no primes were found, so the three are not of one key; ERR_NO_MEMORY, ERR_BUG. */
enum err recover_primes(OSSL_LIB_CTX *libctx, const BIGNUM *n, const BIGNUM *e, const BIGNUM *d, BIGNUM **p, BIGNUM **q);

#endif
