/* What a file for "hsmctl key import" holds, found out by looking: a private key, a public key or a certificate, PEM or DER. A PEM file
 * may hold a private key and a certificate. */
#ifndef CLUSTERHSM_TOOLS_KEY_FILE_H
#define CLUSTERHSM_TOOLS_KEY_FILE_H

#include <stdbool.h>

#include <openssl/types.h>

#include "common/diag.h"

/* All zero: empty. Ends with key_file_clear. */
struct key_file {
    EVP_PKEY *private_key;
    EVP_PKEY *public_key;  /* given, or the half of the private one */
    X509 *certificate;
};

/* `passphrase_file`: for an encrypted key, mode 0600; NULL: the terminal is asked. */
bool key_file_read(const char *path, const char *passphrase_file, struct key_file *out, struct diag *why);
/* A certificate and nothing else. */
bool key_file_read_cert(const char *path, struct key_file *out, struct diag *why);

void key_file_clear(struct key_file *f);

#endif
