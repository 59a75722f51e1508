#include "vault/access/guesses.h"

#include <pthread.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "common/big_endian.h"
#include "common/secret.h"
#include "proto/limits.h"

enum { PLACES = 2048, HEARD_MS = 60000, KEY_BYTES = 32, MAC_BYTES = 32 };

struct guesses {
    OSSL_LIB_CTX *libctx;
    uint8_t key[KEY_BYTES]; /* says which user has which place */
    pthread_mutex_t lock;
    uint64_t leader_ms, own_ms;  /* what the leader's clock and ours showed at the same time; 0: not known */
    struct place {
        uint32_t taken;      /* of GUESSES_MAX */
        uint64_t refilled_ms; /* up to when time has been turned into guesses */
    } places[PLACES];
};

struct guesses *guesses_new(OSSL_LIB_CTX *libctx)
{
    struct guesses *g = calloc(1, sizeof *g);

    if (g == NULL)
        return NULL;
    g->libctx = libctx;
    pthread_mutex_init(&g->lock, NULL);
    if (RAND_bytes_ex(libctx, g->key, sizeof g->key, 0) != 1) {
        ERR_clear_error();
        guesses_free(g);
        return NULL;
    }
    return g;
}

void guesses_free(struct guesses *g)
{
    if (g == NULL)
        return;
    pthread_mutex_destroy(&g->lock);
    bytes_wipe(g->key, sizeof g->key);
    free(g);
}

static void refill(struct place *p, uint64_t now_ms)
{
    uint64_t n;

    if (p->taken == 0 || now_ms < p->refilled_ms) { /* nothing to refill; or the clock was set back: begin anew */
        p->refilled_ms = now_ms;
        return;
    }
    n = (now_ms - p->refilled_ms) / GUESS_MS;
    p->refilled_ms += n * GUESS_MS;
    p->taken = n >= p->taken ? 0 : p->taken - (uint32_t)n;
}

/* NULL: no memory. */
static struct place *place_of(struct guesses *g, uint64_t user)
{
    uint8_t id[8], mac[MAC_BYTES];
    size_t n = 0;

    u64_put(id, user);
    if (EVP_Q_mac(g->libctx, "HMAC", NULL, "SHA256", NULL, g->key, sizeof g->key, id, sizeof id, mac, sizeof mac, &n) == NULL) {
        ERR_clear_error();
        return NULL;
    }
    return &g->places[u64_get(mac) % PLACES];
}

bool guesses_take(struct guesses *g, uint64_t user, uint64_t now_ms)
{
    struct place *p = place_of(g, user);
    bool there;

    if (p == NULL)
        return false;
    pthread_mutex_lock(&g->lock);
    refill(p, now_ms);
    there = p->taken < GUESSES_MAX;
    p->taken += there;
    pthread_mutex_unlock(&g->lock);
    return there;
}

void guesses_give_back(struct guesses *g, uint64_t user)
{
    struct place *p = place_of(g, user);

    if (p == NULL)
        return;
    pthread_mutex_lock(&g->lock);
    if (p->taken > 0)
        p->taken--;
    pthread_mutex_unlock(&g->lock);
}

void guesses_heard(struct guesses *g, uint64_t leader_ms, uint64_t own_ms)
{
    pthread_mutex_lock(&g->lock);
    g->leader_ms = leader_ms;
    g->own_ms = own_ms;
    pthread_mutex_unlock(&g->lock);
}

bool guesses_leader_time(struct guesses *g, uint64_t own_ms, uint64_t *leader_ms)
{
    bool known;

    pthread_mutex_lock(&g->lock);
    known = g->leader_ms != 0 && own_ms >= g->own_ms && own_ms - g->own_ms < HEARD_MS;
    if (known)
        *leader_ms = g->leader_ms + (own_ms - g->own_ms);
    pthread_mutex_unlock(&g->lock);
    return known;
}
