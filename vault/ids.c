#include "vault/ids.h"

#include <pthread.h>
#include <stdlib.h>

enum { BLOCKS_MAX = 8 };

struct ids {
    pthread_mutex_t lock;
    struct block {
        uint64_t next, end;
    } blocks[BLOCKS_MAX];
    unsigned n;
    uint64_t above; /* every id that was given here lies below */
};

struct ids *ids_new(void)
{
    struct ids *s = calloc(1, sizeof *s);

    if (s != NULL)
        pthread_mutex_init(&s->lock, NULL);
    return s;
}

void ids_free(struct ids *s)
{
    if (s == NULL)
        return;
    pthread_mutex_destroy(&s->lock);
    free(s);
}

bool ids_take(struct ids *s, uint64_t *id)
{
    bool ok = false;

    pthread_mutex_lock(&s->lock);
    if (s->n > 0) {
        struct block *b = &s->blocks[s->n - 1];
        *id = b->next++;
        ok = true;
        if (b->next == b->end)
            s->n--;
    }
    pthread_mutex_unlock(&s->lock);
    return ok;
}

bool ids_add(struct ids *s, uint64_t first, uint32_t n)
{
    bool good;

    pthread_mutex_lock(&s->lock);
    good = n > 0 && first > 1 && first + n > first && first >= s->above;
    if (good && s->n < BLOCKS_MAX) {
        s->blocks[s->n++] = (struct block){.next = first, .end = first + n};
        s->above = first + n;
    }
    pthread_mutex_unlock(&s->lock);
    return good;
}
