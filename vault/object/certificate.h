/* What a certificate object's attributes say by the X.509 certificate in its value. */
#ifndef CLUSTERHSM_VAULT_OBJECT_CERTIFICATE_H
#define CLUSTERHSM_VAULT_OBJECT_CERTIFICATE_H

#include <openssl/types.h>

#include "common/buffer.h"
#include "common/diag.h"
#include "vault/object/body.h"

/* CKA_SUBJECT, CKA_ISSUER and CKA_SERIAL_NUMBER, DER, where the caller gave none. ERR_TEMPLATE_INCOMPLETE: no
 * CKA_VALUE; ERR_ATTRIBUTE_VALUE: another type of certificate, not X.509, or more than one; ERR_NO_MEMORY. */
enum err certificate_complete(OSSL_LIB_CTX *libctx, struct object *o, struct diag *why);

/* Appends the SubjectPublicKeyInfo, whatever kind of key it is. */
enum err certificate_key_info(OSSL_LIB_CTX *libctx, const uint8_t *der, size_t n, struct buffer *out);

#endif
