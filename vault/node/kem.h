/* A text sealed to a node's KEM key, so that its vault alone opens it.
 *
 *   ephemeral X25519 public key (32) || AES-256-GCM of the text
 *   key = HKDF-SHA-256(X25519(ephemeral, KEM), info = "clusterhsm kem 1" || 0 || ephemeral || KEM public || context)
 * The context, which is not sent, is also authenticated beside the text. Who has sealed it is not shown: that is the sender's signature
 * to say (vault/node/join_keys.h). */
#ifndef CLUSTERHSM_VAULT_NODE_KEM_H
#define CLUSTERHSM_VAULT_NODE_KEM_H

#include "common/buffer.h"
#include "vault/gcm.h"
#include "vault/provider/agree.h"

enum { KEM_SEAL_BYTES = AGREE_KEY_BYTES + GCM_SEAL_BYTES };

/* Appends to `out`, which is as before on failure. ERR_FORGED: no usable KEM key. */
enum err kem_seal(OSSL_LIB_CTX *libctx, const uint8_t kem_public[AGREE_KEY_BYTES], struct gcm_aad context, const struct secret *text,
                  struct buffer *out);

/* ERR_FORGED: not sealed to this key with this context. */
enum err kem_open(OSSL_LIB_CTX *libctx, const struct secret *kem_private, struct gcm_aad context, const uint8_t *sealed, size_t n,
                  struct secret *text);

#endif
