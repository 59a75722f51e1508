#include "vault/object/key_cache.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Entries stand in the chain of their hash and, while they are in the cache, in the list of use, whose head was used
 * last. */
struct entry {
    struct cached_key key; /* first: what callers hold points here */
    struct key_cache_name name;
    struct entry *next_in_chain;
    struct entry *newer, *older;
    size_t holders; /* the cache is one while the entry is in it */
};

struct key_cache {
    pthread_mutex_t lock;
    size_t count, keys_max, chains;
    struct entry *newest, *oldest;
    struct entry **chain;
};

/* Ids come one after the other and tags are random, so their sum spreads well; no client chooses either. */
static struct entry **chain_of(struct key_cache *c, const struct key_cache_name *name)
{
    uint64_t mixed = name->id;

    for (size_t i = 0; i < sizeof mixed; i++)
        mixed += (uint64_t)name->tag[i] << (8 * i);
    return &c->chain[mixed & (c->chains - 1)];
}

static bool same_name(const struct key_cache_name *a, const struct key_cache_name *b)
{
    return a->id == b->id && a->version == b->version && bytes_equal(a->tag, b->tag, sizeof a->tag);
}

static void list_take_out(struct key_cache *c, struct entry *e)
{
    *(e->newer != NULL ? &e->newer->older : &c->newest) = e->older;
    *(e->older != NULL ? &e->older->newer : &c->oldest) = e->newer;
    e->newer = e->older = NULL;
}

static void list_put_first(struct key_cache *c, struct entry *e)
{
    e->older = c->newest;
    *(c->newest != NULL ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

static void entry_free(struct entry *e)
{
    key_free((struct key *)e->key.key);
    free(e);
}

/* True: nobody holds it any more, and the caller frees it when the lock is gone. */
static bool let_go(struct entry *e)
{
    assert(e->holders > 0);
    return --e->holders == 0;
}

/* Takes an entry out of the cache; those that nobody holds go to *garbage. */
static void drop(struct key_cache *c, struct entry *e, struct entry **garbage)
{
    struct entry **at = chain_of(c, &e->name);

    while (*at != e)
        at = &(*at)->next_in_chain;
    *at = e->next_in_chain;
    e->next_in_chain = NULL;
    list_take_out(c, e);
    c->count--;
    if (let_go(e)) {
        e->next_in_chain = *garbage;
        *garbage = e;
    }
}

static void garbage_free(struct entry *garbage)
{
    while (garbage != NULL) {
        struct entry *next = garbage->next_in_chain;
        entry_free(garbage);
        garbage = next;
    }
}

enum err key_cache_new(size_t keys_max, struct key_cache **out)
{
    struct key_cache *c = calloc(1, sizeof *c);

    if (c == NULL)
        return ERR_NO_MEMORY;
    c->keys_max = keys_max;
    for (c->chains = 1; c->chains < keys_max;)
        c->chains *= 2;
    c->chain = calloc(c->chains, sizeof c->chain[0]);
    if (c->chain == NULL || pthread_mutex_init(&c->lock, NULL) != 0) {
        free(c->chain);
        free(c);
        return ERR_NO_MEMORY;
    }
    *out = c;
    return ERR_OK;
}

void key_cache_free(struct key_cache *c)
{
    struct entry *garbage = NULL;

    if (c == NULL)
        return;
    while (c->oldest != NULL) {
        assert(c->oldest->holders == 1);
        drop(c, c->oldest, &garbage);
    }
    garbage_free(garbage);
    pthread_mutex_destroy(&c->lock);
    free(c->chain);
    free(c);
}

static struct entry *find(struct key_cache *c, const struct key_cache_name *name)
{
    struct entry *e = *chain_of(c, name);

    while (e != NULL && !same_name(&e->name, name))
        e = e->next_in_chain;
    if (e != NULL) {
        list_take_out(c, e);
        list_put_first(c, e);
        e->holders++;
    }
    return e;
}

const struct cached_key *key_cache_borrow(struct key_cache *c, const struct key_cache_name *name)
{
    struct entry *e;

    pthread_mutex_lock(&c->lock);
    e = find(c, name);
    pthread_mutex_unlock(&c->lock);
    return e != NULL ? &e->key : NULL;
}

enum err key_cache_put(struct key_cache *c, const struct key_cache_name *name, const struct cached_key *k,
                       const struct cached_key **out)
{
    struct entry *made = calloc(1, sizeof *made), *there, *garbage = NULL;

    if (made == NULL) {
        key_free((struct key *)k->key);
        return ERR_NO_MEMORY;
    }
    made->key = *k;
    made->name = *name;
    made->holders = 2; /* the cache and the caller */
    pthread_mutex_lock(&c->lock);
    if ((there = find(c, name)) == NULL) {
        struct entry **chain = chain_of(c, name);
        made->next_in_chain = *chain;
        *chain = made;
        list_put_first(c, made);
        c->count++;
        while (c->count > c->keys_max)
            drop(c, c->oldest, &garbage);
    }
    pthread_mutex_unlock(&c->lock);
    garbage_free(garbage);
    if (there != NULL)
        entry_free(made);
    *out = there != NULL ? &there->key : &made->key;
    return ERR_OK;
}

void key_cache_give_back(struct key_cache *c, const struct cached_key *k)
{
    struct entry *e = (struct entry *)k;
    bool last;

    if (k == NULL)
        return;
    pthread_mutex_lock(&c->lock);
    last = let_go(e);
    pthread_mutex_unlock(&c->lock);
    if (last)
        entry_free(e);
}

void key_cache_forget(struct key_cache *c, uint64_t id)
{
    struct entry *garbage = NULL, *next;

    pthread_mutex_lock(&c->lock);
    for (struct entry *e = c->newest; e != NULL; e = next) {
        next = e->older;
        if (e->name.id == id)
            drop(c, e, &garbage);
    }
    pthread_mutex_unlock(&c->lock);
    garbage_free(garbage);
}

size_t key_cache_count(struct key_cache *c)
{
    size_t count;

    pthread_mutex_lock(&c->lock);
    count = c->count;
    pthread_mutex_unlock(&c->lock);
    return count;
}
