/* Facts for the vault: what it asked for, from one read transaction (proto/vault.proto, Facts). */
#ifndef CLUSTERHSM_DAEMON_READING_H
#define CLUSTERHSM_DAEMON_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/state.h"
#include "proto/limits.h"
#include "proto/vault.pb-c.h"

/* In the caller's memory. `facts` borrows from the transaction and from the reading, so it is packed before reading_end. */
struct reading {
    Hsm__Facts facts;
    struct state_reader reader;
    ProtobufCBinaryData records[NEED_IDS_MAX];
    uint64_t absent[NEED_IDS_MAX];
    Hsm__Found *founds, **found_list; /* owned, of the lookups */
    uint64_t *found_ids;
};

/* Opens the transaction; facts.applied is its index. Any failure leaves nothing to end. ERR_WRONG_STATE: this node has no state yet. */
enum err reading_begin(struct reading *r, struct state *s);
void reading_end(struct reading *r);

/* Records by id, found or absent. ERR_LIMIT: more than NEED_IDS_MAX in all. */
enum err reading_records(struct reading *r, const uint64_t *ids, size_t n);

/* Ids by index token; once a reading. ERR_LIMIT: more than NEED_IDS_MAX lookups. ERR_MALFORMED: a token of another length. */
enum err reading_lookups(struct reading *r, Hsm__Lookup *const *lookups, size_t n);

/* The records of what the lookups found, the least ids first, as far as there is room: so a search costs one round, and its answer is
 * that of one moment. */
enum err reading_found_records(struct reading *r);

/* Whether the ring knows the request id (STORE_ID_BYTES). */
enum err reading_repeated(struct reading *r, const uint8_t *request_id);

/* Whether what an answer was decided by, at index `since` or later, still is what it was. ERR_CONFLICT: it is not. */
enum err reading_check_used(struct state *s, uint64_t since, Hsm__Used *const *used, size_t n);

#endif
