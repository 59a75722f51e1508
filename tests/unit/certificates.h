/*
 * Certificates and keys made on the spot for tests: P-256, valid from an hour ago for an hour to come.
 */
#ifndef CLUSTERHSM_TESTS_UNIT_CERTIFICATES_H
#define CLUSTERHSM_TESTS_UNIT_CERTIFICATES_H

#include <openssl/x509.h>

/* A new key; the caller frees it. Ends the test on failure, as all of these do. */
EVP_PKEY *test_key_new(void);

/* A certificate for `key` with this common name. `issuer` NULL: self-signed, and an authority; else a leaf signed by it.
 * The caller frees it. */
X509 *test_certificate_new(const char *name, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key);

/* Ends the use of what a test and vkey_provider_load() loaded into this context, before it is freed: a process never does. */
void test_providers_unload(OSSL_LIB_CTX *libctx);

#endif
