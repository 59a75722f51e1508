/*
 * A message between replicas, and its bytes. The struct is flat: which fields count, the kind says.
 *
 *   APPEND         term, index/index_term (the entry before the first), commit; entries in the parcel
 *   APPEND_RESULT  term, rejected (0: taken), index (last of the sender), features, capacity
 *   VOTE           term, candidate, index/index_term (last of the candidate), disrupt_leader, pre_vote
 *   VOTE_RESULT    term, granted, pre_vote, features, capacity
 *   INSTALL        term, index/index_term (last in the snapshot); the snapshot's description in the parcel
 *   TIMEOUT_NOW    term, index/index_term (last of the leader)
 *   LEASE          the lease message in the parcel
 *
 * On the wire: format version (8 bits), kind (8), then every field above in a fixed order, then entries or the snapshot's
 * description or the lease message. Integers are big-endian. Another format version is refused.
 */
#ifndef CLUSTERHSM_DAEMON_REPLICA_MESSAGE_H
#define CLUSTERHSM_DAEMON_REPLICA_MESSAGE_H

#include "common/buffer.h"
#include "daemon/replica/lease.h"
#include "daemon/replica/record.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    MESSAGE_FORMAT = 1,
    MESSAGE_ENTRIES_MAX = 4096,
    MESSAGE_ENTRY_BYTES_MAX = 8 << 20,
    MESSAGE_BYTES_MAX = 16 << 20 /* of all entries together */
};

/* The first six numbers are libraft's. */
enum message_kind {
    MESSAGE_APPEND = 1,
    MESSAGE_APPEND_RESULT,
    MESSAGE_VOTE,
    MESSAGE_VOTE_RESULT,
    MESSAGE_INSTALL,
    MESSAGE_TIMEOUT_NOW,
    MESSAGE_LEASE,
    MESSAGE_KINDS
};

struct message {
    enum message_kind kind;
    uint8_t version; /* libraft's number of the message's form */
    bool granted;
    bool disrupt_leader;
    bool pre_vote;
    uint16_t features;
    uint16_t capacity;
    uint64_t term;
    uint64_t index;
    uint64_t index_term;
    uint64_t commit;
    uint64_t rejected;
    uint64_t candidate;
};

/* A message with what belongs to it. Owns a reference to each entry and to the snapshot. */
struct parcel {
    struct message msg;
    size_t n;
    struct record **rec;
    struct snap *snap;
    struct lease_message lease;
};

struct parcel *parcel_new(void);
void parcel_free(struct parcel *p); /* NULL is legal */

/* Appends the parcel's bytes. False: the buffer failed. The mark of a snapshot travels as it is. */
bool parcel_encode(const struct parcel *p, struct buffer *out);

/* A new parcel, the caller's, or NULL: the bytes are not what parcel_encode writes. Safe on hostile bytes: nothing is
 * allocated beyond a small multiple of len, members are checked, the entries' terms never fall nor pass the message's. */
struct parcel *parcel_decode(const void *bytes, size_t len);

#endif
