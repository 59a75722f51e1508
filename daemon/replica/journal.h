/*
 * The node's log on disk: entries, term and vote, the newest snapshot's description, the count of starts. One LMDB
 * environment, synced at each commit. (LMDB: ordered, transactional, no repair after a crash, and already the store.)
 *
 * Format 1. Database "log": key = index (64 bits, big-endian), value = {kind (8 bits), term (64), payload, CRC-32C}.
 * Database "meta": "format", "vote" {term, vote}, "boot" {count}, "node" {id}, "snapshot" {index, term, members index,
 * mark, members}, each with a CRC-32C behind. Every CRC covers the key too, so that a record in the wrong place is seen.
 *
 * Fail-stop: when a call that writes returns false, nothing can be taken back; the process must end.
 * journal_append() and journal_compact() come from one writer thread, journal_save_vote() from another: LMDB takes turns.
 */
#ifndef CLUSTERHSM_DAEMON_REPLICA_JOURNAL_H
#define CLUSTERHSM_DAEMON_REPLICA_JOURNAL_H

#include "common/diag.h"
#include "daemon/replica/record.h"

#include <stdbool.h>

struct journal;

/* The folder is made when it is missing. NULL: *why says it. */
struct journal *journal_open(const char *folder, uint64_t bytes_max, struct diag *why);
void journal_close(struct journal *j); /* NULL is legal */

/* A child of ours reads everything: LMDB maps its file, so a damaged page can be a SIGBUS. False: damaged, or a hole. */
bool journal_verify(const char *folder, uint64_t bytes_max, struct diag *why);

struct journal_content {
    uint64_t node; /* 0: a journal without content */
    uint64_t term, vote, boot;
    struct snap *snap; /* NULL: none */
    struct run log;
};

/* Everything, checked: checksums, no hole, terms that do not fall, a log that joins the snapshot. On success the caller
 * owns the content and clears it. */
bool journal_load(struct journal *j, struct journal_content *out, struct diag *why);
void journal_content_clear(struct journal_content *c);

/* Once: makes an empty journal this node's. members: entry 1 of a new cluster, in term 1; NULL: a joiner. */
bool journal_found(struct journal *j, uint64_t node, const struct record *members, struct diag *why);

/* Adds one to the count of starts and returns it in *boot. */
bool journal_count_boot(struct journal *j, uint64_t *boot, struct diag *why);

bool journal_save_vote(struct journal *j, uint64_t term, uint64_t vote, struct diag *why);

/* Each run replaces everything from its first index on; all in one transaction, durable on return. */
bool journal_append(struct journal *j, const struct run *const *runs, size_t n, struct diag *why);

/* Stores the description and drops the entries up to drop_upto (0: none; one that is not there: none). */
bool journal_compact(struct journal *j, const struct snap *s, uint64_t drop_upto, struct diag *why);

/* Stores the description and drops all entries: a snapshot came from the leader. */
bool journal_install(struct journal *j, const struct snap *s, struct diag *why);

#endif
