/* What opens the node root key: 32 bytes from the seal's file, or a passphrase. It stands outside the data folder.
 *
 * The root key of a passphrase is scrypt (RFC 7914) of it; salt and cost stand in the clear in front of the sealed node state, so the key
 * is made when the state is there, once. A file's bytes are the root key themselves. What is sealed under the root: vault/node/identity.h.
 * One thread at a time (keyring_change_begin). */
#ifndef CLUSTERHSM_VAULT_NODE_SEAL_H
#define CLUSTERHSM_VAULT_NODE_SEAL_H

#include <stdint.h>

#include <openssl/types.h>

#include "common/secret.h"
#include "proto/error.h"

enum seal_kind { SEAL_NONE, SEAL_FILE, SEAL_PASSPHRASE };

enum { SEAL_KEY_BYTES = 32, SEAL_PASSPHRASE_BYTES_MAX = 1024, SEAL_SALT_BYTES = 16, SEAL_HEAD_BYTES = 1 + 1 + SEAL_SALT_BYTES };

/* All zero: none, the vault is locked. */
struct seal {
    enum seal_kind kind;
    struct secret given;           /* the file's bytes, or the passphrase */
    uint8_t head[SEAL_HEAD_BYTES]; /* of the root: kind, scrypt's log2 N, salt */
    struct secret root;            /* empty until there is a head */
};

void seal_clear(struct seal *s);

/* The root for a state that is to be sealed: that of the last head, or of a new one. ERR_VAULT_LOCKED: there is no seal. ERR_NO_MEMORY,
 * ERR_BUG. */
enum err seal_begin(struct seal *s, OSSL_LIB_CTX *libctx);

/* The root for a state with this head. ERR_WRONG_STATE: it was sealed by another kind; ERR_MALFORMED; and as above. */
enum err seal_resume(struct seal *s, OSSL_LIB_CTX *libctx, const uint8_t head[SEAL_HEAD_BYTES]);

#endif
