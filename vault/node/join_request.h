/* A joiner's request as it is signed, and as the member that it asks checks it (proto/node.proto, JoinRequest). */
#ifndef CLUSTERHSM_VAULT_NODE_JOIN_REQUEST_H
#define CLUSTERHSM_VAULT_NODE_JOIN_REQUEST_H

#include "vault/node/device.h"
#include "vault/node/join_keys.h"

enum { JOIN_NONCE_BYTES = 32, JOIN_TEXT_BYTES = JOIN_NONCE_BYTES + DEVICE_HASH_BYTES };

/* What is signed behind the label: nonce || SHA-256 of the asked member's node certificate. */
void join_text(const uint8_t nonce[JOIN_NONCE_BYTES], const uint8_t peer_hash[DEVICE_HASH_BYTES], uint8_t out[JOIN_TEXT_BYTES]);

/* Checks a packed request that was made for the member of `own_hash`: both chains under the roots, the signature. to->node_id is left
 * alone. ERR_MALFORMED, ERR_CHAIN, ERR_CERTIFICATE, ERR_SIGNATURE: not by the node's key, or for another member. */
enum err join_request_check(OSSL_LIB_CTX *libctx, const ProtobufCBinaryData *packed, const ProtobufCBinaryData *manufacturer_root,
                            const ProtobufCBinaryData *operator_root, const uint8_t own_hash[DEVICE_HASH_BYTES], int64_t now_s,
                            struct joiner *to, uint8_t fingerprint[DEVICE_HASH_BYTES], struct diag *why);

#endif
