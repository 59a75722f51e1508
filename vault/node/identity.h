/* A node's own keys and certificates, and the cluster's that it holds: what the sealed node state keeps. Never changes once it is made; a
 * step of the node's life makes the next one from it. Any thread. */
#ifndef CLUSTERHSM_VAULT_NODE_IDENTITY_H
#define CLUSTERHSM_VAULT_NODE_IDENTITY_H

#include <openssl/types.h>

#include "common/buffer.h"
#include "common/secret.h"
#include "proto/error.h"
#include "proto/node_state.pb-c.h"
#include "vault/node/seal.h"

struct identity;

/* Private keys, each with its permitted uses: vault/node/permit.h. */
enum identity_key { IDENTITY_HARDWARE, IDENTITY_NODE, IDENTITY_CLUSTER, IDENTITY_KEYS };

/* From what the state says; the message is taken over, also on failure. ERR_CORRUPT: keys that do not load. ERR_NO_MEMORY. */
enum err identity_new(OSSL_LIB_CTX *libctx, Hsm__NodeState *state, struct identity **out);

void identity_hold(struct identity *i);
void identity_done(struct identity *i);

/* Borrowed, as long as the identity is held. Its private fields are secret. */
const Hsm__NodeState *identity_state(const struct identity *i);

/* A copy to be changed; freed with identity_state_free (which wipes), or taken by identity_new. NULL: no memory. */
Hsm__NodeState *identity_copy(const struct identity *i);
Hsm__NodeState *identity_new_state(void); /* an empty one, of a node that has nothing yet */
void identity_state_free(Hsm__NodeState *state);

/* A copy of n bytes into a field of such a message, whose former content is wiped and freed. False: no memory. */
bool identity_set(ProtobufCBinaryData *field, const void *bytes, size_t n);
bool identity_set_text(char **field, const char *text);

/* An empty message within such a state, of its allocator: freed with it. NULL: no memory. */
Hsm__ClusterKeys *identity_new_keys(void);
bool identity_add_master(Hsm__ClusterKeys *keys, uint32_t epoch, const struct secret *key);

/* Borrowed; NULL: it has none yet. For vault/node alone, which asks vault/node/permit.h first. */
EVP_PKEY *identity_key(const struct identity *i, enum identity_key which);

/* The state sealed under the node root key: format, the seal's head, salt, AES-256-GCM. Appended to `out`. seal_begin's errors. */
enum err identity_seal(OSSL_LIB_CTX *libctx, struct seal *seal, const Hsm__NodeState *state, struct buffer *out);

/* ERR_FORGED: another seal's, or damaged; ERR_MALFORMED: no node state; and seal_resume's. */
enum err identity_open(OSSL_LIB_CTX *libctx, struct seal *seal, const uint8_t *sealed, size_t n, Hsm__NodeState **out);

#endif
