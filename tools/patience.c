#include "tools/patience.h"

#include <errno.h>
#include <time.h>

static struct timespec from_now(unsigned ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

static void *wait_and_say(void *arg)
{
    struct patience *p = arg;
    struct timespec until = from_now(p->after_ms);
    int rc = 0;
    bool late;

    pthread_mutex_lock(&p->lock);
    while (!p->ended && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&p->over, &p->lock, &until);
    late = !p->ended;
    pthread_mutex_unlock(&p->lock);
    if (late)
        p->say(p->arg);
    return NULL;
}

void patience_begin(struct patience *p, unsigned after_ms, void (*say)(void *arg), void *arg)
{
    pthread_condattr_t monotonic;

    *p = (struct patience){.after_ms = after_ms, .say = say, .arg = arg};
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&p->over, &monotonic);
    pthread_condattr_destroy(&monotonic);
    p->started = pthread_create(&p->thread, NULL, wait_and_say, p) == 0;
}

void patience_end(struct patience *p)
{
    pthread_mutex_lock(&p->lock);
    p->ended = true;
    pthread_cond_signal(&p->over);
    pthread_mutex_unlock(&p->lock);
    if (p->started)
        pthread_join(p->thread, NULL);
    pthread_cond_destroy(&p->over);
    pthread_mutex_destroy(&p->lock);
}
