#include "vault/process/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "vault/process/station.h"

struct waiting {
    struct station *from;
    struct engine_job *job;
    uint64_t turn; /* in which order they came, over both lines */
};

/* Lengthy jobs stand in a line of their own, so that those behind them are seen. */
enum { LINE_COMMON, LINE_LENGTHY, LINES };

struct line {
    size_t first, n;
    struct waiting *ring;
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t there_is; /* a job, or the end */
    bool stopped, lengthy_runs;
    size_t room;
    uint64_t turns;
    struct line lines[LINES];
    struct waiting rings[];
};

struct pool *pool_new(size_t jobs_max)
{
    struct pool *p = calloc(1, sizeof *p + LINES * jobs_max * sizeof p->rings[0]);

    if (p == NULL)
        return NULL;
    p->room = jobs_max;
    for (size_t i = 0; i < LINES; i++)
        p->lines[i].ring = p->rings + i * jobs_max;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->there_is, NULL);
    return p;
}

void pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    for (struct line *l = p->lines; l < p->lines + LINES; l++)
        for (size_t i = 0; i < l->n; i++)
            engine_job_drop(l->ring[(l->first + i) % p->room].job);
    pthread_cond_destroy(&p->there_is);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void pool_put(struct pool *p, struct station *from, struct engine_job *job)
{
    struct line *l;

    pthread_mutex_lock(&p->lock);
    l = &p->lines[engine_job_is_lengthy(job) ? LINE_LENGTHY : LINE_COMMON];
    assert(l->n < p->room);
    l->ring[(l->first + l->n++) % p->room] = (struct waiting){from, job, p->turns++};
    pthread_mutex_unlock(&p->lock);
    pthread_cond_signal(&p->there_is);
}

/* Where the next job to be done stands, the one that has waited longest of those that may run; NULL: nowhere. */
static struct line *next_line(struct pool *p)
{
    struct line *common = &p->lines[LINE_COMMON], *lengthy = &p->lines[LINE_LENGTHY];

    if (lengthy->n == 0 || p->lengthy_runs)
        return common->n > 0 ? common : NULL;
    return common->n > 0 && common->ring[common->first].turn < lengthy->ring[lengthy->first].turn ? common : lengthy;
}

static struct waiting take(struct pool *p, struct line *l)
{
    struct waiting taken = l->ring[l->first];

    l->first = (l->first + 1) % p->room;
    l->n--;
    return taken;
}

void pool_work(struct pool *p)
{
    struct waiting next;
    struct line *from;
    bool lengthy;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        while ((from = next_line(p)) == NULL && !p->stopped)
            pthread_cond_wait(&p->there_is, &p->lock);
        if (p->stopped)
            break;
        next = take(p, from);
        lengthy = from == &p->lines[LINE_LENGTHY];
        p->lengthy_runs = p->lengthy_runs || lengthy;
        pthread_mutex_unlock(&p->lock);
        engine_job_run(next.job);
        station_job_done(next.from, next.job);
        pthread_mutex_lock(&p->lock);
        p->lengthy_runs = p->lengthy_runs && !lengthy;
        if (lengthy && p->lines[LINE_LENGTHY].n > 0)
            pthread_cond_signal(&p->there_is); /* this worker may take another job first */
    }
    pthread_mutex_unlock(&p->lock);
}

void pool_stop(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->stopped = true;
    pthread_mutex_unlock(&p->lock);
    pthread_cond_broadcast(&p->there_is);
}
