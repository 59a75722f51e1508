/* Domain parameters that are made here (PKCS#11 v3.1, CKM_DH_PKCS_PARAMETER_GEN and CKM_DSA_PARAMETER_GEN), as a key of OpenSSL's that has
 * nothing else: the caller's, and for EVP_PKEY_free.
 *
 *   DH   the group that the standards have for the size: RFC 7919's, and below 2048 bits the older ones of RFC 3526 and RFC 2409. To look
 *        for a safe prime of one's own takes minutes, and all that comes of it is one that nobody else has looked at
 *   DSA  primes and base at random (FIPS 186-4 appendix A), by OpenSSL; field_group_check has looked at them before anybody does
 *
 * Any thread. DH at once. DSA searches: from a fraction of a second to many seconds, longer for longer primes, and never the same. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_FIELD_DOMAIN_H
#define CLUSTERHSM_VAULT_PROVIDER_FIELD_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>

#include "common/secret.h"
#include "proto/error.h"
#include "proto/pkcs11.h"

/* Whether there are parameters of these sizes; subprime_bits: 0 but for CKK_DSA. The sizes that there are, for people. */
bool field_domain_is_there(CK_KEY_TYPE type, size_t prime_bits, size_t subprime_bits);
const char *field_domain_sizes_text(CK_KEY_TYPE type);

/* ERR_ATTRIBUTE_VALUE: there are none of these sizes; ERR_NO_MEMORY, ERR_BUG. */
enum err field_domain_generate(OSSL_LIB_CTX *libctx, CK_KEY_TYPE type, size_t prime_bits, size_t subprime_bits, EVP_PKEY **out);

/* CKA_PRIME, CKA_SUBPRIME, CKA_BASE: big endian. ERR_NO_MEMORY, ERR_BUG. */
enum err field_domain_part(const EVP_PKEY *domain, CK_ATTRIBUTE_TYPE part, struct secret *out);

#endif
