/* What two key pairs agree on: on a curve (ECDH; X25519 and X448 of RFC 7748), or over a finite field (PKCS #3). Any thread. */
#ifndef CLUSTERHSM_VAULT_PROVIDER_SHARED_SECRET_H
#define CLUSTERHSM_VAULT_PROVIDER_SHARED_SECRET_H

#include "proto/request.pb-c.h"
#include "vault/provider/kdf.h"
#include "vault/provider/key.h"

/* The x-coordinate, of the field's length. The peer's point is raw or a DER OCTET STRING of it, and on our key's curve:
 * any other, and one whose secret would be the same for all keys, is ERR_MECHANISM_PARAM. All our curves that have a
 * cofactor clear it, so CKM_ECDH1_DERIVE and CKM_ECDH1_COFACTOR_DERIVE are the same here. ERR_KEY_TYPE, ERR_NO_MEMORY.
 */
enum err shared_secret(OSSL_LIB_CTX *libctx, const struct key *own, struct kdf_bytes peer, struct secret *out);

/* The number, of the prime's length, its leading zeros too (NIST SP 800-56A section 5.7.1.1). The peer's is big endian; what is not above 1
 * and below p - 1, or not of the order that a known group has, is ERR_MECHANISM_PARAM. ERR_KEY_TYPE, ERR_NO_MEMORY. */
enum err shared_secret_field(OSSL_LIB_CTX *libctx, const struct key *own, struct kdf_bytes peer, struct secret *out);

/* Its last n bytes: a key that is shorter loses the leading ones (PKCS#11 v3.1 sections 6.3.20 and 6.4.6). ERR_KEY_SIZE: there are not so
 * many; ERR_NO_MEMORY. */
enum err shared_secret_last(const struct secret *secret, size_t n, struct secret *out);

/* True if we have that CKD_. */
bool shared_secret_has_kdf(uint64_t kdf);

/* n bytes of the secret by a CKD_: for CKD_NULL its last ones (PKCS#11 v3.1 section 6.3.20: "the truncation removes
 * bytes from the leading end"). ERR_MECHANISM_PARAM: no such CKD_, or shared data where there is no function to take
 * it; ERR_KEY_SIZE: more than there are. */
enum err shared_secret_kdf(OSSL_LIB_CTX *libctx, const Hsm__EcdhParams *p, const struct secret *secret, size_t n,
                           struct secret *out);

#endif
