/* Keys that have been unsealed and loaded, ready for use by every vault thread.
 *
 * An entry goes by {id, version, the seal's tag}, so that it stands for exactly the bytes that were opened now: a
 * changed or deleted record cannot be met. Session objects have id and version 0. Bounded; what was not used for
 * longest goes first. Whoever holds a key keeps it alive; it is wiped when the cache and all who hold it have let
 * go.
 *
 * Any thread may call; the lock is never held over more than a look into a table. */
#ifndef CLUSTERHSM_VAULT_OBJECT_KEY_CACHE_H
#define CLUSTERHSM_VAULT_OBJECT_KEY_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/error.h"
#include "proto/limits.h"
#include "proto/pkcs11.h"
#include "vault/provider/key.h"

enum { KEY_CACHE_TAG_BYTES = 16 };

struct key_cache;

struct key_cache_name {
    uint64_t id;
    uint64_t version;
    uint8_t tag[KEY_CACHE_TAG_BYTES];
};

/* A key with those of its object's attributes that each use asks for. Constant. */
struct cached_key {
    const struct key *key;
    CK_OBJECT_CLASS object_class;
    size_t n_allowed;   /* CKA_ALLOWED_MECHANISMS; 0: all that its type and uses allow */
    CK_MECHANISM_TYPE allowed[ALLOWED_MECHANISMS_MAX];
    uint64_t reference; /* the token key that a session copy refers to, which has to be there at each use; else 0 */
    bool always_authenticate;
    CK_FLAGS may; /* attribute_use_at's: CKF_SIGN, CKF_DECRYPT, ... */
};

/* keys_max at least 1. */
enum err key_cache_new(size_t keys_max, struct key_cache **out);

/* Nobody may hold a key any more. NULL is legal. */
void key_cache_free(struct key_cache *c);

/* NULL: not there. Else held by the caller until key_cache_give_back. */
const struct cached_key *key_cache_borrow(struct key_cache *c, const struct key_cache_name *name);

/* Puts a key in and gives it back held, as key_cache_borrow does. Takes k->key over, also on failure (then it is
 * freed). Where another thread was faster, its entry is the result. ERR_NO_MEMORY. */
enum err key_cache_put(struct key_cache *c, const struct key_cache_name *name, const struct cached_key *k,
                       const struct cached_key **out);

void key_cache_give_back(struct key_cache *c, const struct cached_key *k);

/* The object is gone: all its versions leave the cache. */
void key_cache_forget(struct key_cache *c, uint64_t id);

/* How many are in it. */
size_t key_cache_count(struct key_cache *c);

#endif
