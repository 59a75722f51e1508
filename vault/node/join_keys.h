/* The cluster's keys on their way from one vault to another, through two fronts that learn nothing.
 *
 * Sealed to the joiner's KEM key (vault/node/kem.h) in the context of cluster, node id and the joiner's certificate; and signed by the
 * sender's node key. The signature is what keeps an HSM certificate true: the joiner's hardware key will vouch for the cluster key that
 * comes in here, so it must come from a vault, where it was made or had come by the same way, and not from whoever can seal. */
#ifndef CLUSTERHSM_VAULT_NODE_JOIN_KEYS_H
#define CLUSTERHSM_VAULT_NODE_JOIN_KEYS_H

#include "common/buffer.h"
#include "vault/node/device.h"
#include "vault/node/identity.h"

/* Whom the keys are for. */
struct joiner {
    uint64_t node_id;
    uint8_t certificate_hash[DEVICE_HASH_BYTES]; /* SHA-256 of its node certificate, DER */
    uint8_t kem_public[32];
};

/* A packed JoinKeys from the keys that `own` has, by its node key. cluster_version: of the record that names the joiner a member. */
enum err join_keys_seal(OSSL_LIB_CTX *libctx, const struct identity *own, const struct joiner *to, uint64_t cluster_version,
                        struct buffer *out);

/* Opened into `state`, which is the joiner's: cluster id, node id, keys, cluster version. sender: the public node key of the vault that
 * sent them, whose chains have been checked. ERR_FORGED: not by it, not to us, not for this node id, or no such keys inside;
 * ERR_MALFORMED. */
enum err join_keys_open(OSSL_LIB_CTX *libctx, EVP_PKEY *sender, uint64_t node_id, const ProtobufCBinaryData *packed,
                        Hsm__NodeState *state);

#endif
