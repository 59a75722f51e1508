/*
 * What this node remembers of each other member: how to know and reach it, and the most that it has said to have on its
 * disk. A member that comes back with less has lost what it acknowledged (an old copy of its disk), and is refused: it
 * could help to elect a leader that lacks what clients were told is done.
 *
 * Kept in <data>/peers.db: replaced as a whole (written beside, synced, renamed), by a thread of libuv's pool, at most
 * one write at a time. So what was heard in the last moments before a crash may be missing. The loop's thread.
 */
#ifndef CLUSTERHSM_DAEMON_PEER_BOOK_H
#define CLUSTERHSM_DAEMON_PEER_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "common/diag.h"
#include "proto/error.h"

enum { PEER_BOOK_ROWS_MAX = 64, PEER_BOOK_ADDRESS_BYTES = 128, PEER_BOOK_FINGERPRINT_BYTES = 32 };

struct peer_book;

struct peer_book_row {
    uint64_t id;
    uint64_t boot, term, applied; /* the most it has told us; applied: committed and on its disk */
    bool has_fingerprint;
    uint8_t fingerprint[PEER_BOOK_FINGERPRINT_BYTES];
    char peer_address[PEER_BOOK_ADDRESS_BYTES], client_address[PEER_BOOK_ADDRESS_BYTES]; /* "" where unknown */
};

/* NULL and a reason: the file is damaged or cannot be read. */
struct peer_book *peer_book_open(uv_loop_t *loop, const char *folder, struct diag *why);

/* Writes what is not yet written, waiting for the disk. NULL is legal. No write may be under way: the loop has run since
 * peer_book_stop. */
void peer_book_free(struct peer_book *b);
/* Starts no more writes; `idle` is called from the loop (or at once) when none is under way. */
void peer_book_stop(struct peer_book *b, void (*idle)(void *arg), void *arg);

/* Borrowed until the next change; NULL: nothing is known. */
const struct peer_book_row *peer_book_find(const struct peer_book *b, uint64_t id);
size_t peer_book_count(const struct peer_book *b);
const struct peer_book_row *peer_book_at(const struct peer_book *b, size_t i);

/* ERR_OLD_DISK and a text for both sides: what it says now is less than what it said before. */
enum err peer_book_check(const struct peer_book *b, uint64_t id, uint64_t boot, uint64_t term, uint64_t last_index,
    struct diag *why);

/* It told us so. Never lowers anything. */
void peer_book_heard(struct peer_book *b, uint64_t id, uint64_t boot, uint64_t term, uint64_t applied);

/* NULL or "" leaves what is there. */
void peer_book_know(struct peer_book *b, uint64_t id, const uint8_t *fingerprint, const char *peer_address,
    const char *client_address);

/* It was removed; its id is never used again. */
void peer_book_forget(struct peer_book *b, uint64_t id);

#endif
