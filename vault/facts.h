/* What one work has been told of the state, and what it still wants to know.
 *
 * Facts come from the front, in one or more rounds, and are believed only as far as their seals go: a record is opened when it is first
 * looked at. What was looked at is what the work decided by. One thread at a time. */
#ifndef CLUSTERHSM_VAULT_FACTS_H
#define CLUSTERHSM_VAULT_FACTS_H

#include "proto/limits.h"
#include "proto/memory.h"
#include "proto/vault.pb-c.h"
#include "vault/keyring.h"
#include "vault/record_cache.h"
#include "vault/seen.h"
#include "vault/work.h"

enum { FACTS_RECORDS_MAX = (NEED_ROUNDS_MAX + 1) * NEED_IDS_MAX + HEADER_IDS_MAX, FACTS_LOOKUPS_MAX = 16 };

/* A record as the front gave it, or the word that there is none. */
struct fact {
    uint64_t id;
    bool absent;
    bool used;                          /* the work has looked at it */
    bool own;                           /* the work's own command has made it what it is */
    uint64_t version;                   /* 0 where it is absent; else proven once it is open */
    struct record_name name;            /* what its header says, unproven until it is open */
    uint8_t *packed;                    /* owned; NULL once it is open */
    size_t packed_bytes;
    const struct opened_record *record; /* held; NULL until it is open */
};

struct found {
    uint8_t token[INDEX_TOKEN_BYTES];
    uint64_t after;
    uint32_t limit;
    bool known;
    bool more;
    size_t n;
    uint64_t ids[FIND_IDS_MAX];
};

/* Where records are proven. */
struct facts_proof {
    const struct cluster_view *view;
    struct seen *seen;
    struct record_cache *cache; /* NULL: each is opened anew */
};

/* All zero: nothing is known. */
struct facts {
    struct fact *records;
    size_t n_records, room;
    struct found *lookups; /* known ones and wanted ones; FACTS_LOOKUPS_MAX, made at the first */
    size_t n_lookups;
    uint64_t wanted[NEED_IDS_MAX];
    size_t n_wanted;
    unsigned overtaken; /* how many records were older than others had been */
    uint64_t applied;
};

/* Forgets all, wiping what was open. */
void facts_clear(struct facts *f);

/* One round. ERR_MALFORMED: not what was asked for, or no records at all. What an earlier round said of an id stays. ERR_NO_MEMORY. */
enum err facts_add(struct facts *f, const Hsm__Facts *more);

/* A record that this vault has sealed itself and that has been applied by now. */
enum err facts_add_own(struct facts *f, const uint8_t *packed, size_t n);

/* Forgets what is known of an id. */
void facts_drop(struct facts *f, uint64_t id);

/* The fact of an id, open unless it is absent; *out is good until the next call. ERR_NEED: noted as wanted. That is so, too, where the
 * record is older than one that the vault has been shown: an honest front's threads overtake each other, and what it reads now is newer.
 * Where a lookup found it, the lookups are wanted again too, and their records forgotten: what they find is of one moment.
 * ERR_STALE: it was older several times. ERR_FORGED, ERR_LIMIT, ERR_NO_MEMORY. */
enum err facts_record(struct facts *f, const struct facts_proof *proof, uint64_t id, struct fact **out);

/* Notes an id as wanted; ERR_OK where it is known. ERR_NEED, ERR_LIMIT. */
enum err facts_want(struct facts *f, uint64_t id);

/* ERR_NEED: noted as wanted. ERR_LIMIT, ERR_NO_MEMORY. */
enum err facts_lookup(struct facts *f, const uint8_t token[INDEX_TOKEN_BYTES], uint64_t after, uint32_t limit, const struct found **out);

/* Forgets which were looked at: a handler begins anew. */
void facts_unuse(struct facts *f);

bool facts_wants(const struct facts *f);

#endif
