/* Keys and certificates as PKCS#11 templates for the cluster (C_CreateObject). Values are in the canonical form of proto/attribute.h.
 *
 * Every value is kept as a secret, since one of them is the key: it is wiped with the template. */
#ifndef CLUSTERHSM_TOOLS_TEMPLATE_H
#define CLUSTERHSM_TOOLS_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "common/diag.h"
#include "common/secret.h"
#include "proto/request.pb-c.h"

enum { TEMPLATE_ROWS_MAX = 24 };

/* All zero: empty. `message` points into the struct, which must not move after the first attribute. Ends with template_clear. */
struct template {
    Hsm__Template message;
    Hsm__Attribute rows[TEMPLATE_ROWS_MAX];
    Hsm__Attribute *pointers[TEMPLATE_ROWS_MAX];
    struct secret values[TEMPLATE_ROWS_MAX];
    size_t n;
    bool failed; /* no memory */
};

struct template_names {
    const char *label;
    const uint8_t *id;
    size_t id_bytes;
};

/* A token object each, private keys sensitive and not extractable, public ones and certificates to be seen by all. RSA, the curves of
 * crypto/curve.h, finite fields (crypto/field.h), and what the parameter sets that are here make (proto/parameter_set.h); false and a
 * reason otherwise. */
bool template_private_key(struct template *t, const EVP_PKEY *key, const struct template_names *names, struct diag *why);
bool template_public_key(struct template *t, const EVP_PKEY *key, const struct template_names *names, struct diag *why);
bool template_certificate(struct template *t, const X509 *cert, const struct template_names *names, struct diag *why);

void template_clear(struct template *t);

/* SHA-1 of the public key's bits, as a certificate's subject key identifier commonly is: what others derive a CKA_ID from. */
bool template_key_id(const EVP_PKEY *key, uint8_t out[20]);

#endif
