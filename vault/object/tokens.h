/* By which values an object is found (vault/index.h), in one place for those who store objects and those who search
 * them. */
#ifndef CLUSTERHSM_VAULT_OBJECT_TOKENS_H
#define CLUSTERHSM_VAULT_OBJECT_TOKENS_H

#include "vault/index.h"
#include "vault/object/body.h"

enum { OBJECT_TOKENS_MAX = 16 };

struct object_tokens {
    size_t n;
    uint8_t list[OBJECT_TOKENS_MAX][INDEX_TOKEN_BYTES];
};

/* All tokens of an object: one an indexed attribute that has a value, one for issuer and serial number together, and
 * INDEX_ALL; of an open object (view.h) in INDEX_PUBLIC, else in the owner's scope. */
enum err tokens_of(const struct index *x, const struct object *o, uint64_t owner, struct object_tokens *out);

/* The one token under which all objects of a scope stand that fit a template, and the fewest others: UNIQUE_ID, then
 * key, then issuer with serial number, and so on; INDEX_ALL where the template has nothing that is indexed. */
enum err tokens_best(const struct index *x, const struct object *template, uint64_t scope,
                     uint8_t out[INDEX_TOKEN_BYTES]);

/* Whether objects are found by this attribute; a test holds the answer against the table's INDEXED. */
bool tokens_index(CK_ATTRIBUTE_TYPE type);

#endif
