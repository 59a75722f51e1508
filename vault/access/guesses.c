#include "vault/access/guesses.h"

#include <pthread.h>
#include <stdlib.h>

#include "proto/limits.h"

enum { PLACES = 2048, HEARD_MS = 60000 };

struct guesses {
    pthread_mutex_t lock;
    uint64_t leader_ms, own_ms;  /* what the leader's clock and ours showed at the same time; 0: not known */
    struct place {
        uint32_t taken;      /* of GUESSES_MAX */
        uint64_t refilled_ms; /* up to when time has been turned into guesses */
    } places[PLACES];
};

struct guesses *guesses_new(void)
{
    struct guesses *g = calloc(1, sizeof *g);
    if (g != NULL)
        pthread_mutex_init(&g->lock, NULL);
    return g;
}

void guesses_free(struct guesses *g)
{
    if (g == NULL)
        return;
    pthread_mutex_destroy(&g->lock);
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

bool guesses_take(struct guesses *g, uint64_t user, uint64_t now_ms)
{
    struct place *p = &g->places[user % PLACES];
    bool there;

    pthread_mutex_lock(&g->lock);
    refill(p, now_ms);
    there = p->taken < GUESSES_MAX;
    p->taken += there;
    pthread_mutex_unlock(&g->lock);
    return there;
}

void guesses_give_back(struct guesses *g, uint64_t user)
{
    struct place *p = &g->places[user % PLACES];

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
