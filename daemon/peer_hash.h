/* SHA-256 of what nodes name each other by and of snapshots on their way. False: no memory, or OpenSSL refused. */
#ifndef CLUSTERHSM_DAEMON_PEER_HASH_H
#define CLUSTERHSM_DAEMON_PEER_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

enum { PEER_HASH_BYTES = 32 };

/* A node's fingerprint: of its signing key's SubjectPublicKeyInfo. */
bool peer_hash_key(OSSL_LIB_CTX *libctx, const X509 *certificate, uint8_t out[PEER_HASH_BYTES]);

/* Of the whole certificate, DER. */
bool peer_hash_certificate(OSSL_LIB_CTX *libctx, const X509 *certificate, uint8_t out[PEER_HASH_BYTES]);

/* In parts. Any thread, one at a time. */
struct peer_hash;
struct peer_hash *peer_hash_new(OSSL_LIB_CTX *libctx); /* NULL on failure */
void peer_hash_free(struct peer_hash *h);              /* NULL is legal */
bool peer_hash_update(struct peer_hash *h, const void *bytes, size_t n);
bool peer_hash_final(struct peer_hash *h, uint8_t out[PEER_HASH_BYTES]);

#endif
