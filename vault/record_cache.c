#include "vault/record_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SHARDS = 64, WAYS = 4, SETS = RECORD_CACHE_MAX / SHARDS / WAYS };

/* `record` comes first: whoever has it has the whole. */
struct entry {
    struct opened_record record;
    struct record_name name;
    _Atomic unsigned holders; /* the cache is one while the entry is in it */
};

/* A record belongs to one set of WAYS places, whose first was used last. */
struct shard {
    pthread_mutex_t lock;
    struct entry *sets[SETS][WAYS];
};

struct record_cache {
    struct shard shards[SHARDS];
};

struct record_cache *record_cache_new(void)
{
    struct record_cache *c = calloc(1, sizeof *c);

    for (size_t i = 0; c != NULL && i < SHARDS; i++)
        pthread_mutex_init(&c->shards[i].lock, NULL);
    return c;
}

void record_cache_give_back(const struct opened_record *record)
{
    struct entry *e = (struct entry *)(uintptr_t)record;

    if (e == NULL || atomic_fetch_sub(&e->holders, 1) > 1)
        return;
    hsm__record_header__free_unpacked(e->record.header, NULL);
    secret_clear(&e->record.text);
    free(e);
}

static void let_go(struct entry *e)
{
    record_cache_give_back(e != NULL ? &e->record : NULL);
}

void record_cache_free(struct record_cache *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        for (size_t j = 0; j < SETS * WAYS; j++)
            let_go(c->shards[i].sets[j / WAYS][j % WAYS]);
        pthread_mutex_destroy(&c->shards[i].lock);
    }
    free(c);
}

/* Ids are consecutive numbers: spread them (Fibonacci hashing). */
static struct shard *shard_of(struct record_cache *c, uint64_t id, struct entry ***set)
{
    uint64_t h = (id * UINT64_C(0x9E3779B97F4A7C15)) >> 32;
    struct shard *s = &c->shards[h % SHARDS];

    *set = s->sets[h / SHARDS % SETS];
    return s;
}

static bool same_name(const struct record_name *a, const struct record_name *b)
{
    return a->id == b->id && a->version == b->version && bytes_equal(a->tag, b->tag, sizeof a->tag);
}

/* What stands there comes to the front, what stood before it moves back. */
static void put_first(struct entry **set, size_t at, struct entry *e)
{
    for (; at > 0; at--)
        set[at] = set[at - 1];
    set[0] = e;
}

/* Held for the caller; NULL: it is not in the set. */
static struct entry *find(struct entry **set, const struct record_name *name)
{
    for (size_t i = 0; i < WAYS; i++)
        if (set[i] != NULL && same_name(&set[i]->name, name)) {
            put_first(set, i, set[i]);
            atomic_fetch_add(&set[0]->holders, 1);
            return set[0];
        }
    return NULL;
}

const struct opened_record *record_cache_borrow(struct record_cache *c, const struct record_name *name)
{
    struct entry **set, *e;
    struct shard *shard;

    if (c == NULL)
        return NULL;
    shard = shard_of(c, name->id, &set);
    pthread_mutex_lock(&shard->lock);
    e = find(set, name);
    pthread_mutex_unlock(&shard->lock);
    return e != NULL ? &e->record : NULL;
}

/* The place of an older version of the same record, or the one that was used longest ago. */
static size_t place_for(struct entry **set, uint64_t id)
{
    for (size_t i = 0; i < WAYS; i++)
        if (set[i] == NULL || set[i]->name.id == id)
            return i;
    return WAYS - 1;
}

/* Another thread may have opened the same meanwhile: then its entry stays, and ours goes with the caller. */
static void keep(struct record_cache *c, struct entry *made)
{
    struct entry **set, *there, *out = NULL;
    struct shard *shard = shard_of(c, made->name.id, &set);

    pthread_mutex_lock(&shard->lock);
    there = find(set, &made->name);
    if (there == NULL) {
        size_t at = place_for(set, made->name.id);
        out = set[at];
        atomic_fetch_add(&made->holders, 1);
        put_first(set, at, made);
    }
    pthread_mutex_unlock(&shard->lock);
    let_go(there);
    let_go(out);
}

const struct opened_record *record_cache_put(struct record_cache *c, const struct record_name *name, Hsm__RecordHeader *header,
                                             struct secret *text)
{
    struct entry *e = calloc(1, sizeof *e);

    if (e == NULL) {
        hsm__record_header__free_unpacked(header, NULL);
        secret_clear(text);
        return NULL;
    }
    e->record.header = header;
    secret_move(&e->record.text, text);
    e->name = *name;
    e->record.tag = e->name.tag;
    atomic_init(&e->holders, 1);
    if (c != NULL && e->record.text.len <= RECORD_CACHE_BYTES_MAX)
        keep(c, e);
    return &e->record;
}

void record_cache_forget(struct record_cache *c, uint64_t id)
{
    struct entry **set, *out[WAYS] = {NULL};
    struct shard *shard;

    if (c == NULL)
        return;
    shard = shard_of(c, id, &set);
    pthread_mutex_lock(&shard->lock);
    for (size_t i = 0; i < WAYS; i++)
        if (set[i] != NULL && set[i]->name.id == id) {
            out[i] = set[i];
            set[i] = NULL;
        }
    pthread_mutex_unlock(&shard->lock);
    for (size_t i = 0; i < WAYS; i++)
        let_go(out[i]);
}
