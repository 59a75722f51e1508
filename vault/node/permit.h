/* What each of a node's keys may sign: one table, and the only door to their signatures.
 *
 *   cluster key   TLS 1.3 server CertificateVerify, the login key's statement, certificate requests for itself
 *   node key      TLS 1.3 server and client CertificateVerify, requests to join, keys handed to a joiner
 *   hardware key  node and HSM certificates, certificate requests for itself
 *
 * No text can pass for another's: a handshake's begins with 64 spaces, the others with a label of their own, certificates and requests
 * are made here and begin as DER does. All refuse what the table does not permit with ERR_PERMISSION. Any thread. */
#ifndef CLUSTERHSM_VAULT_NODE_PERMIT_H
#define CLUSTERHSM_VAULT_NODE_PERMIT_H

#include <stddef.h>
#include <stdint.h>

#include "certs/issue.h"
#include "common/buffer.h"
#include "vault/node/identity.h"

enum permit_use {
    PERMIT_TLS_SERVER,
    PERMIT_TLS_CLIENT,
    PERMIT_LOGIN_STATEMENT,
    PERMIT_JOIN_REQUEST,
    PERMIT_JOIN_KEYS,
    PERMIT_REQUEST,          /* a PKCS#10 request for the key itself */
    PERMIT_NODE_CERTIFICATE,
    PERMIT_HSM_CERTIFICATE,
    PERMIT_USES
};

/* A key and which one it is. Borrowed. */
struct permit_key {
    OSSL_LIB_CTX *libctx;
    enum identity_key which;
    EVP_PKEY *key; /* NULL: not there yet; every use answers ERR_WRONG_STATE */
};

struct permit_key permit_key(OSSL_LIB_CTX *libctx, const struct identity *i, enum identity_key which);

/* A TLS 1.3 CertificateVerify over `content` (RFC 8446 section 4.4.3): 64 spaces, the context string, 0, a transcript hash of 32 or 48
 * bytes, and nothing else. The digest is SHA-256 ("SHA2-256"), as for ecdsa_secp256r1_sha256. Appends a DER signature. */
enum err permit_sign_tls(const struct permit_key *k, const char *digest, const uint8_t *content, size_t n, struct buffer *out);

/* One of the uses with a label: signs label || 0 || text. */
enum err permit_sign_text(const struct permit_key *k, enum permit_use use, const uint8_t *text, size_t n, struct buffer *out);

/* The same text checked by the public half. ERR_SIGNATURE, ERR_KEY_TYPE. */
enum err permit_verify_text(OSSL_LIB_CTX *libctx, EVP_PKEY *key, enum permit_use use, const uint8_t *text, size_t n,
                            const uint8_t *signature, size_t signature_n);

/* order: role CERT_NODE or CERT_HSM; issuer_key is set here. */
enum err permit_certificate(const struct permit_key *k, struct cert_order *order, X509 **out, struct diag *why);

enum err permit_request(const struct permit_key *k, const char *name, X509_REQ **out, struct diag *why);

#endif
