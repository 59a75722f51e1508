/* Whether a discrete logarithm is hard where a key of a finite field lives.
 *
 * The public value tells the private one wherever the order of the base is a product of small primes. So whoever could choose the
 * parameters of a key that is generated or unwrapped here could read it, whatever CKA_SENSITIVE says (docs/decisions/009). Hence no
 * private key comes to be before its parameters have been looked at here:
 *   DH   p is a safe prime, (p - 1) / 2 is a prime too: then the order of any g but 1 and p - 1 is at least that prime. The groups of RFC
 *        7919 and RFC 3526 are known to be of this kind; of others it is found out by Miller and Rabin's test, to random bases: no
 *        composite number passes it with a chance above 2^-64
 *   DSA  p and q are primes, q divides p - 1, and the order of g is q
 * Any thread. A prime that nobody knows takes its time, more than in proportion to its length: from a fraction of a second to many. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_FIELD_GROUP_H
#define CLUSTERHSM_VAULT_PROVIDER_FIELD_GROUP_H

#include <stdbool.h>

#include <openssl/types.h>

#include "proto/error.h"
#include "proto/pkcs11.h"

/* One of RFC 7919's or RFC 3526's, with its base? False too where there is no memory. */
bool field_group_is_known(OSSL_LIB_CTX *libctx, const BIGNUM *p, const BIGNUM *g);

/* Parameters that have passed field_check (crypto/field.h). ERR_DOMAIN_PARAMS: they hold no key; ERR_NO_MEMORY. */
enum err field_group_check(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, const BIGNUM *p, const BIGNUM *q, const BIGNUM *g);

#endif
