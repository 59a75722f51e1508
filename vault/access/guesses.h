/* What a vault remembers by itself of password tries: how many it has heard of a user, and what time it is at the leader's.
 *
 * The cluster counts wrong passwords (vault/access/attempts.h), but it is the
 * front that carries reservations to the leader and brings their outcome: one that was taken over could say "done" and let a client of
 * its own guess on. So each vault hears at most GUESSES_MAX wrong passwords of a user at once and one more every GUESS_MS. A right
 * password costs nothing.
 *
 * Every outcome tells the leader's time; from the last one it is known well enough for a while, or each login would have to ask.
 *
 * Any thread. Users share the table's places, so it is bounded and never full. Which user has which place is a secret of this vault's:
 * ids come by the hands of fronts, and one that could choose who shares a place could keep a user from logging in. */
#ifndef CLUSTERHSM_VAULT_ACCESS_GUESSES_H
#define CLUSTERHSM_VAULT_ACCESS_GUESSES_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/types.h>

struct guesses;

/* NULL: no memory. */
struct guesses *guesses_new(OSSL_LIB_CTX *libctx);
void guesses_free(struct guesses *g);

/* Before scrypt: false: not now. */
bool guesses_take(struct guesses *g, uint64_t user, uint64_t now_ms);

/* The password was right. */
void guesses_give_back(struct guesses *g, uint64_t user);

/* An outcome that has just come in was stamped so. */
void guesses_heard(struct guesses *g, uint64_t leader_ms, uint64_t own_ms);

/* The leader's time; false: nothing was heard for a minute. */
bool guesses_leader_time(struct guesses *g, uint64_t own_ms, uint64_t *leader_ms);

#endif
