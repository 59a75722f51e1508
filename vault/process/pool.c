#include "vault/process/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "vault/process/station.h"

struct waiting {
    struct station *from;
    struct engine_job *job;
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t there_is; /* a job, or the end */
    bool stopped;
    size_t first, n, room;
    struct waiting ring[];
};

struct pool *pool_new(size_t jobs_max)
{
    struct pool *p = calloc(1, sizeof *p + jobs_max * sizeof p->ring[0]);

    if (p == NULL)
        return NULL;
    p->room = jobs_max;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->there_is, NULL);
    return p;
}

void pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->n; i++)
        engine_job_drop(p->ring[(p->first + i) % p->room].job);
    pthread_cond_destroy(&p->there_is);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void pool_put(struct pool *p, struct station *from, struct engine_job *job)
{
    pthread_mutex_lock(&p->lock);
    assert(p->n < p->room);
    p->ring[(p->first + p->n++) % p->room] = (struct waiting){from, job};
    pthread_mutex_unlock(&p->lock);
    pthread_cond_signal(&p->there_is);
}

void pool_work(struct pool *p)
{
    struct waiting next;

    for (;;) {
        pthread_mutex_lock(&p->lock);
        while (p->n == 0 && !p->stopped)
            pthread_cond_wait(&p->there_is, &p->lock);
        if (p->stopped) {
            pthread_mutex_unlock(&p->lock);
            return;
        }
        next = p->ring[p->first];
        p->first = (p->first + 1) % p->room;
        p->n--;
        pthread_mutex_unlock(&p->lock);
        engine_job_run(next.job);
        station_job_done(next.from, next.job);
    }
}

void pool_stop(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->stopped = true;
    pthread_mutex_unlock(&p->lock);
    pthread_cond_broadcast(&p->there_is);
}
