/* The blind index: a record carries tokens of the values it can be found by, and the store looks tokens up without learning a value.
 *
 *   token = first 16 bytes of HMAC-SHA-256(index key, scope (64) || attribute type (64) || value)
 *
 * The scope is the user who may find the record by it: the owner's id, a sharee's, or INDEX_PUBLIC for what anybody sees. Equal values of
 * different owners so have different tokens, and an id in the store's hands tells nothing. Rotating the master key does not rotate the
 * index: its key is always that of the first epoch, or every record would have to be written anew before it is found. */
#ifndef CLUSTERHSM_VAULT_INDEX_H
#define CLUSTERHSM_VAULT_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "proto/error.h"
#include "vault/master.h"

enum { INDEX_TOKEN_BYTES = 16 };

#define INDEX_PUBLIC UINT64_C(0)

/* Types that are no CKA_: far above every one of the standard's and the vendors'. */
#define INDEX_ALL (UINT64_C(1) << 40)       /* every object of a scope: the empty template */
#define INDEX_USER_NAME (INDEX_ALL + 1)     /* in lower case */
#define INDEX_GRANT (INDEX_ALL + 2)         /* a node's fingerprint */
#define INDEX_USERS (INDEX_ALL + 3)         /* every user */
#define INDEX_ATTEMPTS (INDEX_ALL + 4)      /* a user's id, or a bucket's number */

struct index;

enum err index_new(const struct master *m, struct index **out);
void index_free(struct index *x);

/* Any thread. */
enum err index_token(const struct index *x, uint64_t scope, uint64_t type, const uint8_t *value, size_t n,
                     uint8_t out[INDEX_TOKEN_BYTES]);

#endif
