/*
 * Who belongs to the cluster, and as what. Encoded as libraft encodes its configurations, so that one entry serves both:
 * version 1, count (64 bits), then {id (64 bits), address, NUL, role (8 bits)} each, zeros up to a multiple of 8;
 * integers are little-endian.
 */
#ifndef CLUSTERHSM_DAEMON_REPLICA_MEMBERS_H
#define CLUSTERHSM_DAEMON_REPLICA_MEMBERS_H

#include "daemon/replica/record.h"

#include <stdbool.h>

enum { MEMBERS_MAX = 16, MEMBER_ADDRESS_BYTES = 128 };

/* The numbers are libraft's. */
enum member_role {
    MEMBER_STANDBY, /* has the log, no vote */
    MEMBER_VOTER,
    MEMBER_SPARE /* has nothing yet */
};

struct member {
    uint64_t id; /* above 0, never used again for another node */
    enum member_role role;
    char address[MEMBER_ADDRESS_BYTES]; /* not empty, no two alike */
};

struct members {
    unsigned n;
    struct member member[MEMBERS_MAX];
};

/* Borrowed; NULL: no such member. */
const struct member *members_find(const struct members *m, uint64_t id);

/* Puts a member at the end. False: full, or id or address are empty, too long or taken; nothing changed. */
bool members_add(struct members *m, uint64_t id, const char *address, enum member_role role);

/* False: no such member. */
bool members_remove(struct members *m, uint64_t id);
bool members_set_role(struct members *m, uint64_t id, enum member_role role);

unsigned members_count(const struct members *m, enum member_role role);
bool members_is_sole_voter(const struct members *m, uint64_t id);

/* A record of this term with one reference, the caller's. */
struct record *members_encode(const struct members *m, uint64_t term);

/* False, *m untouched: not what members_encode writes. Safe on hostile bytes. */
bool members_decode(const void *bytes, size_t len, struct members *m);

#endif
