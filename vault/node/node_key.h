/* The keys of nodes and clusters as their state keeps them: P-256 scalars and X25519 keys, 32 raw bytes each. */
#ifndef CLUSTERHSM_VAULT_NODE_NODE_KEY_H
#define CLUSTERHSM_VAULT_NODE_NODE_KEY_H

#include <openssl/types.h>

#include "proto/error.h"
#include "proto/node_state.pb-c.h"
#include "vault/provider/key.h"

/* A P-256 key from its scalar. ERR_CORRUPT: it is none; ERR_NO_MEMORY. */
enum err node_key_load(OSSL_LIB_CTX *libctx, const ProtobufCBinaryData *scalar, struct key **out);

/* A new P-256 key, whose scalar goes into a field of a node's state. */
enum err node_key_make(OSSL_LIB_CTX *libctx, ProtobufCBinaryData *scalar, struct key **out);

/* A new X25519 key into a field of a node's state. */
enum err node_key_make_agree(OSSL_LIB_CTX *libctx, ProtobufCBinaryData *field);

/* The public half of an X25519 field. ERR_CORRUPT. */
enum err node_key_agree_public(OSSL_LIB_CTX *libctx, const ProtobufCBinaryData *field, uint8_t out[32]);

#endif
