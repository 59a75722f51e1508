/* Records that were opened lately, so that a user's record that each request asks for is not unsealed each time.
 *
 * An entry goes by {id, version, the seal's tag}, which name exactly the bytes that were opened then: a record that was altered or put in
 * another's place is not met, one that has changed since has another version. Bounded: RECORD_CACHE_MAX records of RECORD_CACHE_BYTES_MAX
 * each, the one that was used longest ago in its corner goes first. Whoever holds a record keeps it alive; it is wiped when the cache and
 * all who hold it have let go. Any thread. */
#ifndef CLUSTERHSM_VAULT_RECORD_CACHE_H
#define CLUSTERHSM_VAULT_RECORD_CACHE_H

#include <stdint.h>

#include "common/secret.h"
#include "proto/record.pb-c.h"
#include "vault/gcm.h"
#include "vault/work.h"

enum { RECORD_CACHE_MAX = 4096, RECORD_CACHE_BYTES_MAX = 4096 };

struct record_cache;

struct record_name {
    uint64_t id, version;
    uint8_t tag[GCM_TAG_BYTES];
};

struct record_cache *record_cache_new(void); /* NULL: no memory */
void record_cache_free(struct record_cache *c);

/* NULL: not there. Else held until record_cache_give_back. `c` NULL: nothing is there. */
const struct opened_record *record_cache_borrow(struct record_cache *c, const struct record_name *name);

/* Puts a record in and gives it back held, also where it is too large to stay or `c` is NULL. Takes header and text over, also on failure.
 * NULL: no memory. */
const struct opened_record *record_cache_put(struct record_cache *c, const struct record_name *name, Hsm__RecordHeader *header,
                                             struct secret *text);

void record_cache_give_back(const struct opened_record *record); /* NULL is legal */

/* The record is gone: none of its versions stays. */
void record_cache_forget(struct record_cache *c, uint64_t id);

#endif
