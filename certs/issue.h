/* The certificates that the house issues itself, and certificate requests.
 *
 * X.509v3 with basicConstraints, keyUsage, both key identifiers and a random serial of 127 bits; every one can be
 * checked with `openssl verify` alone (docs/verify.md). Private keys are the caller's; nothing is kept.
 * Failures: ERR_CERTIFICATE (malformed, or a request whose signature is wrong), ERR_ARGUMENTS, ERR_NO_MEMORY, ERR_BUG
 * (OpenSSL refused); `why` (may be NULL) says what in particular. Results are the caller's, written on success only. */
#ifndef CLUSTERHSM_CERTS_ISSUE_H
#define CLUSTERHSM_CERTS_ISSUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "common/buffer.h"
#include "common/diag.h"
#include "proto/error.h"

enum { CERT_KEM_BYTES = 32, CERT_NAME_BYTES_MAX = 64 };

/* Non-critical extension of a node certificate: an OCTET STRING, the node's X25519 public key for sealed key transport. */
#define CERT_KEM_OID "2.25.231546070813416982754017264953308417263"

enum cert_role {
    CERT_ROOT,     /* manufacturer or operator root; also a customer's or clients' authority */
    CERT_HARDWARE, /* by a root, for a node's hardware key; itself issues NODE and HSM */
    CERT_NODE,     /* by the hardware key, for the node's signing key */
    CERT_HSM,      /* by the hardware key, for the cluster key */
    CERT_SERVER,   /* by a customer's authority, for the cluster key */
    CERT_CLIENT,   /* by a clients' authority */
    CERT_ROLES
};

struct cert_order {
    OSSL_LIB_CTX *libctx;
    enum cert_role role;
    const char *name;          /* common name, UTF-8, at most CERT_NAME_BYTES_MAX bytes */
    EVP_PKEY *subject_key;     /* the public half is enough */
    const X509 *issuer;        /* NULL: self-signed */
    EVP_PKEY *issuer_key;
    int64_t now_s;             /* Unix time; validity begins an hour before, for clocks that differ */
    unsigned days;
    const uint8_t *kem_public; /* CERT_NODE: CERT_KEM_BYTES; else NULL */
};

enum err cert_issue(const struct cert_order *order, X509 **out, struct diag *why);

/* A PKCS#10 request signed by the key, which proves possession of it. */
enum err csr_make(OSSL_LIB_CTX *libctx, const char *name, EVP_PKEY *key, X509_REQ **out, struct diag *why);

/* From DER; its own signature is checked. The key is X509_REQ_get0_pubkey's. */
enum err csr_read(OSSL_LIB_CTX *libctx, const uint8_t *der, size_t n, X509_REQ **out, struct diag *why);

/* From DER, which must be used up. `what` names it in the error ("the node certificate"). */
enum err cert_read(OSSL_LIB_CTX *libctx, const char *what, const uint8_t *der, size_t n, X509 **out, struct diag *why);

/* Appends the DER. */
enum err cert_write(const X509 *cert, struct buffer *out);
enum err csr_write(const X509_REQ *csr, struct buffer *out);

/* The key in a node certificate's private extension. */
enum err cert_kem_public(const X509 *cert, uint8_t out[CERT_KEM_BYTES]);

#endif
