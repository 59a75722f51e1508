/* The vector of a message that the caller lets us make (PKCS #11 3.0: CK_GCM_MESSAGE_PARAMS and its like). */
#ifndef CLUSTERHSM_CRYPTO_MESSAGE_IV_H
#define CLUSTERHSM_CRYPTO_MESSAGE_IV_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "proto/error.h"
#include "proto/pkcs11.h"

/* Makes all of iv's n bytes but its first fixed_bits bits anew, at random; CKG_NO_GENERATE leaves it as it is. ERR_MECHANISM_PARAM: less
 * than 96 bits would be random (NIST SP 800-38D section 8.2.2), or a generator that we have not: nobody keeps a counter here that two
 * vaults would agree on. ERR_BUG. */
enum err message_iv_make(OSSL_LIB_CTX *libctx, CK_ULONG generator, size_t fixed_bits, uint8_t *iv, size_t n);

#endif
