/* What a client is to the cluster: its certificate chain and key, both read once (a server's children may run as another user). */
#ifndef CLUSTERHSM_MODULE_RPC_IDENTITY_H
#define CLUSTERHSM_MODULE_RPC_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "common/diag.h"

struct client_identity {
    OSSL_LIB_CTX *libctx;   /* borrowed */
    X509 *certificate;      /* leaf */
    STACK_OF(X509) *chain;  /* further certificates of the file, in its order; may be empty */
    EVP_PKEY *key;
    STACK_OF(X509) *roots;  /* customerCA.crt: what the cluster's certificate must end at */
};

/* Reads PEM files. False and a reason that names file and remedy: missing, malformed, key that does not fit, key file that others may
 * read, key with a passphrase (we ask nobody). What was read is freed by client_identity_clear, after failure there is nothing to. */
bool client_identity_load(struct client_identity *c, OSSL_LIB_CTX *libctx, const char *certificate_file, const char *key_file,
                          const char *roots_file, struct diag *why);
void client_identity_clear(struct client_identity *c);

/* The leaf's signature over n bytes: SHA-256, ECDSA in DER or RSA-PSS with a salt of 32 bytes. Bytes written, 0 on failure. */
size_t client_identity_sign(const struct client_identity *c, const uint8_t *bytes, size_t n, uint8_t *out, size_t room);

#endif
