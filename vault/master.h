/* The cluster master keys, by epoch, and the keys derived from them: everything that the vaults of a cluster share in secret.
 *
 * A master key is AES-256 sized, made in the first vault, handed from vault to vault, and never used itself: each purpose gets a key of
 * its own by HKDF-SHA-256 (RFC 5869), salt and info given by the user of the purpose. Rotation adds an epoch; old ones stay until
 * nothing is sealed under them.
 *
 * Only the vault process holds a struct master. Reading it is safe from any thread; adding is not. */
#ifndef CLUSTERHSM_VAULT_MASTER_H
#define CLUSTERHSM_VAULT_MASTER_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "common/secret.h"
#include "proto/error.h"

enum { MASTER_KEY_BYTES = 32, MASTER_EPOCHS_MAX = 16 };

enum master_purpose {
    MASTER_RECORD,         /* sealing of replicated records: vault/record.h */
    MASTER_INDEX,          /* blind index tokens: vault/index.h */
    MASTER_COMMAND,        /* MACs of commands */
    MASTER_TICKET,         /* login tickets */
    MASTER_SESSION_OBJECT, /* session objects that the module keeps */
    MASTER_AUDIT
};

struct master;

/* libctx is borrowed. */
enum err master_new(OSSL_LIB_CTX *libctx, struct master **out);
void master_free(struct master *m);

/* Adds the key of an epoch above all before (1 or more): a copy of `key`, or a random one where that is NULL. ERR_LIMIT: too many. */
enum err master_add(struct master *m, uint32_t epoch, const struct secret *key);

/* The newest epoch, 0 while there is none. */
uint32_t master_epoch(const struct master *m);

/* The key itself, to be handed to another vault or sealed into the node's state. NULL: no such epoch. */
const struct secret *master_key(const struct master *m, uint32_t epoch);

/* 32 bytes for a purpose. ERR_FORGED: there is no such epoch (whoever names it has made it up, or is a cluster ahead). */
enum err master_derive(const struct master *m, enum master_purpose purpose, uint32_t epoch, const uint8_t *salt, size_t salt_n,
                       const uint8_t *info, size_t info_n, struct secret *out);

OSSL_LIB_CTX *master_libctx(const struct master *m);

#endif
