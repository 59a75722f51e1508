/*
 * A private key that is somewhere else: libssl holds the public half here, and each signature is asked of a callback.
 *
 * It is an OpenSSL provider inside the process, so the TLS code sees an ordinary key, on OpenSSL 3.0 as on later ones.
 * EC keys only: the keys of nodes and cluster are P-256. Nothing private can be exported, as nothing private is here.
 */
#ifndef CLUSTERHSM_DAEMON_NET_VKEY_H
#define CLUSTERHSM_DAEMON_NET_VKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "common/diag.h"

/* Signs the n bytes whole (not hashed yet; `digest` is OpenSSL's name of the hash, "SHA2-256"): writes the DER
 * signature, at most `room` bytes, and its length to *len. Called on the thread that runs the handshake, which waits.
 * False: the handshake ends with an alert. */
typedef bool vkey_sign_fn(void *arg, const char *digest, const uint8_t *bytes, size_t n, uint8_t *signature,
    size_t *len, size_t room);

/* Makes the provider known to the context, beside its default provider. Once a context, before vkey_new. */
bool vkey_provider_load(OSSL_LIB_CTX *libctx, struct diag *why);

/* A key for SSL_CTX_use_PrivateKey, over the public key (referenced, not taken). `arg` outlives the key. The caller
 * frees it with EVP_PKEY_free. NULL: not an EC key, or no memory. */
EVP_PKEY *vkey_new(OSSL_LIB_CTX *libctx, EVP_PKEY *public_key, vkey_sign_fn *sign, void *arg, struct diag *why);

#endif
