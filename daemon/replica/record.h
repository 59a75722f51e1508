/*
 * One log entry, a run of them, and a snapshot by its description. Counted references: the cache, the writer and the
 * links hold the same bytes. All counting happens on the replica's one thread; other threads only read.
 */
#ifndef CLUSTERHSM_DAEMON_REPLICA_RECORD_H
#define CLUSTERHSM_DAEMON_REPLICA_RECORD_H

#include <stddef.h>
#include <stdint.h>

/* The numbers are libraft's and stand on disk and on the wire. */
enum record_kind { RECORD_COMMAND = 1, RECORD_BARRIER = 2, RECORD_MEMBERS = 3 };

struct record {
    unsigned refs;
    enum record_kind kind;
    uint64_t term;
    size_t len;
    uint8_t data[];
};

/* A copy of the bytes with one reference, the caller's. Ends the process when memory runs out. */
struct record *record_new(uint64_t term, enum record_kind kind, const void *data, size_t len);
struct record *record_ref(struct record *r);
void record_unref(struct record *r); /* NULL is legal */

/* Entries first, first + 1, ...: holds a reference to each. */
struct run {
    uint64_t first;
    size_t n;
    size_t room;
    size_t bytes; /* payload of all */
    struct record **rec;
};

void run_init(struct run *r, uint64_t first);
void run_clear(struct run *r);
void run_push(struct run *r, struct record *rec);         /* takes the caller's reference */
void run_truncate(struct run *r, uint64_t index);         /* drops index and all after */
void run_drop_prefix(struct run *r, uint64_t index);      /* drops everything up to index */
void run_reset(struct run *r, uint64_t first);            /* empty; the next entry is first */
struct record *run_get(const struct run *r, uint64_t index); /* borrowed; NULL: not here */
uint64_t run_last(const struct run *r);                   /* first - 1 when empty */

/* The state machine after entry `index`. What holds the state itself is the host's affair: it finds it by index and
 * term, and may keep a mark of its own here. */
struct snap {
    unsigned refs;
    uint64_t index;
    uint64_t term;
    uint64_t members_index;
    struct record *members; /* the configuration as of index, encoded */
    uint64_t mark;
};

struct snap *snap_new(uint64_t index, uint64_t term, uint64_t members_index, struct record *members);
struct snap *snap_ref(struct snap *s);
void snap_unref(struct snap *s); /* NULL is legal */

/* calloc that ends the process when memory runs out: a replica that forgets an entry must not go on. */
void *replica_alloc(size_t n, size_t size);

#endif
