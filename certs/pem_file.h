/* Certificates, requests and keys in files: read as PEM or DER, written as PEM into files that were not there before.
 *
 * What exists is never overwritten; a private key is made readable by its owner only; a file that could not be written whole is
 * removed. Failures fill `why`, with the file and what to do. */
#ifndef CLUSTERHSM_CERTS_PEM_FILE_H
#define CLUSTERHSM_CERTS_PEM_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

#include "common/diag.h"
#include "common/secret.h"

enum { PEM_FILE_BYTES_MAX = 256 * 1024 };

/* "<folder>/<name><end>" into `out`, which has PATH_MAX bytes. False: too long, or a name that would leave the folder. */
bool pem_path(char *out, const char *folder, const char *name, const char *end, struct diag *why);

/* The whole file, at most PEM_FILE_BYTES_MAX and not empty. It may hold a key, so it is kept as if it did. The caller clears. */
bool pem_read_file(const char *path, struct secret *out, struct diag *why);

/* The first certificate of the file. The caller frees. */
bool pem_read_cert(const char *path, X509 **out, struct diag *why);
/* A request; its own signature is checked. */
bool pem_read_csr(const char *path, X509_REQ **out, struct diag *why);
/* A private key without a passphrase. */
bool pem_read_key(const char *path, EVP_PKEY **out, struct diag *why);

bool pem_make_cert(const char *path, const X509 *cert, struct diag *why);
bool pem_make_csr(const char *path, const X509_REQ *csr, struct diag *why);
bool pem_make_key(const char *path, EVP_PKEY *key, struct diag *why);

#endif
