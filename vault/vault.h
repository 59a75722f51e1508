/* What all threads of a vault process share. Made once at start; each part locks for itself where it must. */
#ifndef CLUSTERHSM_VAULT_VAULT_H
#define CLUSTERHSM_VAULT_VAULT_H

#include <stdint.h>

#include <openssl/types.h>

struct keyring;
struct ids;
struct seen;
struct record_cache;
struct key_cache;
struct guesses;

struct vault {
    OSSL_LIB_CTX *libctx;
    struct keyring *keyring;     /* vault/keyring.h: what this node and its cluster hold in secret */
    struct ids *ids;             /* vault/ids.h: the block of object ids leased to this vault */
    struct seen *seen;           /* vault/seen.h: the highest version shown of each record */
    struct record_cache *records; /* vault/record_cache.h: records opened lately; NULL: each is opened anew */
    struct key_cache *key_cache; /* vault/object/key_cache.h: unsealed keys by (id, version, tag) */
    struct guesses *guesses;     /* vault/access/guesses.h: a token bucket of password tries a user, should the front skip the count */
    uint64_t (*now_ms)(void);    /* Unix time by our own clock: clock_real_ms, or a test's */
};

#endif
