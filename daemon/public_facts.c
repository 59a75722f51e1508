#include "daemon/public_facts.h"

#include <pthread.h>
#include <stdlib.h>

struct telling {
    struct facts_view view; /* first: a view is its telling */
    unsigned holders;       /* the place itself is one */
};

struct public_facts {
    pthread_mutex_t lock; /* guards what follows; held for a few instructions */
    struct telling *newest;
    uint64_t tellings;
};

/* A copy that is ours: what the vault's answer points to goes with the answer. */
static struct telling *telling_new(const Hsm__NodeFacts *facts)
{
    size_t n = hsm__node_facts__get_packed_size(facts);
    uint8_t *packed = malloc(n != 0 ? n : 1);
    struct telling *t = calloc(1, sizeof *t);

    if (packed != NULL && t != NULL) {
        hsm__node_facts__pack(facts, packed);
        t->view.facts = hsm__node_facts__unpack(NULL, n, packed);
    }
    free(packed);
    if (t == NULL || t->view.facts == NULL) {
        free(t);
        return NULL;
    }
    t->holders = 1;
    return t;
}

static void telling_free(struct telling *t)
{
    hsm__node_facts__free_unpacked((Hsm__NodeFacts *)(uintptr_t)t->view.facts, NULL);
    free(t);
}

struct public_facts *public_facts_new(void)
{
    static const Hsm__NodeFacts nothing = HSM__NODE_FACTS__INIT;
    struct public_facts *p = calloc(1, sizeof *p);

    if (p == NULL || (p->newest = telling_new(&nothing)) == NULL) {
        free(p);
        return NULL;
    }
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

const struct facts_view *public_facts_view(struct public_facts *p)
{
    struct telling *t;

    pthread_mutex_lock(&p->lock);
    t = p->newest;
    t->holders++;
    pthread_mutex_unlock(&p->lock);
    return &t->view;
}

void public_facts_view_end(struct public_facts *p, const struct facts_view *view)
{
    struct telling *t = (struct telling *)(uintptr_t)view;
    bool last;

    pthread_mutex_lock(&p->lock);
    last = --t->holders == 0;
    pthread_mutex_unlock(&p->lock);
    if (last)
        telling_free(t);
}

bool public_facts_tell(struct public_facts *p, const Hsm__NodeFacts *facts)
{
    struct telling *t = telling_new(facts), *was;

    if (t == NULL)
        return false;
    pthread_mutex_lock(&p->lock);
    was = p->newest;
    t->view.number = ++p->tellings;
    p->newest = t;
    pthread_mutex_unlock(&p->lock);
    public_facts_view_end(p, &was->view);
    return true;
}

void public_facts_free(struct public_facts *p)
{
    if (p == NULL)
        return;
    telling_free(p->newest);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
