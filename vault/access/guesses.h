/* How often this vault computes scrypt for a user, by itself. The cluster counts wrong passwords (vault/access/attempts.h), but it is the
 * front that carries reservations to the leader and brings their outcome: one that was taken over could say "done" and let a client of
 * its own guess on. So each vault hears at most GUESSES_MAX wrong passwords of a user at once and one more every GUESS_MS. A right
 * password costs nothing.
 *
 * Any thread. Users share the table's places by their ids, so it is bounded and never full. */
#ifndef CLUSTERHSM_VAULT_ACCESS_GUESSES_H
#define CLUSTERHSM_VAULT_ACCESS_GUESSES_H

#include <stdbool.h>
#include <stdint.h>

struct guesses;

/* NULL: no memory. */
struct guesses *guesses_new(void);
void guesses_free(struct guesses *g);

/* Before scrypt: false: not now. */
bool guesses_take(struct guesses *g, uint64_t user, uint64_t now_ms);

/* The password was right. */
void guesses_give_back(struct guesses *g, uint64_t user);

#endif
