#include "vault/seen.h"

#include <pthread.h>
#include <stdlib.h>

enum { SHARDS = 64, WAYS = 8, SETS = SEEN_MAX / SHARDS / WAYS };

/* A set-associative table: an id belongs to one set of WAYS places, newest first. Made a shard at a time, when it is first needed. */
struct place {
    uint64_t id; /* 0: free */
    uint64_t version;
};

struct shard {
    pthread_mutex_t lock;
    struct place (*sets)[WAYS];
};

struct seen {
    struct shard shards[SHARDS];
};

struct seen *seen_new(void)
{
    struct seen *s = calloc(1, sizeof *s);

    for (size_t i = 0; s != NULL && i < SHARDS; i++)
        pthread_mutex_init(&s->shards[i].lock, NULL);
    return s;
}

void seen_free(struct seen *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_destroy(&s->shards[i].lock);
        free(s->shards[i].sets);
    }
    free(s);
}

/* Ids are consecutive numbers: spread them (Fibonacci hashing). */
static uint64_t spread(uint64_t id)
{
    return (id * UINT64_C(0x9E3779B97F4A7C15)) >> 32;
}

/* Puts the id in front; what falls out behind is forgotten. */
static void put(struct place *set, uint64_t id, uint64_t version, size_t from)
{
    for (size_t i = from; i > 0; i--)
        set[i] = set[i - 1];
    set[0] = (struct place){.id = id, .version = version};
}

bool seen_note(struct seen *s, uint64_t id, uint64_t version)
{
    uint64_t h = spread(id);
    struct shard *shard = &s->shards[h % SHARDS];
    struct place *set;
    bool newest = true;
    size_t at = 0;

    pthread_mutex_lock(&shard->lock);
    if (shard->sets == NULL && version > 1)
        shard->sets = calloc(SETS, sizeof *shard->sets);
    if (shard->sets != NULL) {
        set = shard->sets[h / SHARDS % SETS];
        while (at < WAYS && set[at].id != id)
            at++;
        newest = at == WAYS || version >= set[at].version;
        if (newest && (at < WAYS || version > 1))
            put(set, id, version, at < WAYS ? at : WAYS - 1);
    }
    pthread_mutex_unlock(&shard->lock);
    return newest;
}
