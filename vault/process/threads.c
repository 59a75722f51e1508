#include "vault/process/threads.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/log.h"
#include "proto/limits.h"
#include "vault/process/confine.h"
#include "vault/process/pool.h"
#include "vault/process/signer.h"
#include "vault/process/station.h"

enum {
    STATIONS_MAX = FRONT_THREADS_MAX + 1, /* the check pair's too */
    THREADS_MAX = STATIONS_MAX + FRONT_THREADS_MAX + VAULT_WORKERS_MAX,
    WORKER_NICE = 10
};

#ifdef VAULT_SANDBOX
enum { STACK_BYTES = 512 * 1024 };
#else
enum { STACK_BYTES = 8 * 1024 * 1024 }; /* a sanitizer's frames are larger */
#endif

struct crew;

struct hand {
    pthread_t thread;
    struct crew *crew;
    bool (*work)(struct hand *h); /* false: a pair was broken */
    struct station *station;
    int fd;
};

struct crew {
    struct vault *vault;
    struct ending ending;
    struct pool *pool;
    struct station *stations[STATIONS_MAX];
    size_t n_stations;
    struct hand hands[THREADS_MAX];
    size_t n_hands;
    pthread_barrier_t ready, go; /* all threads and the first one: all are there; the sandbox is closed */
    atomic_bool broken;
};

static bool work_station(struct hand *h)
{
    return station_run(h->station);
}

static bool work_signer(struct hand *h)
{
    return signer_run(h->fd, h->crew->vault, &h->crew->ending);
}

static bool work_worker(struct hand *h)
{
    pool_work(h->crew->pool);
    return true;
}

static void *run(void *arg)
{
    struct hand *h = arg;

    if (h->work == work_worker)
        (void)setpriority(PRIO_PROCESS, 0, WORKER_NICE); /* of this thread: Linux counts them one by one */
    pthread_barrier_wait(&h->crew->ready);
    pthread_barrier_wait(&h->crew->go);
    if (!h->work(h))
        atomic_store(&h->crew->broken, true);
    return NULL;
}

static void add_hand(struct crew *c, bool (*work)(struct hand *h), struct station *station, int fd)
{
    c->hands[c->n_hands++] = (struct hand){.crew = c, .work = work, .station = station, .fd = fd};
}

static bool add_station(struct crew *c, int fd, struct diag *why)
{
    const struct station_setup setup = {.fd = fd, .vault = c->vault, .parts = &engine_product, .pool = c->pool, .ending = &c->ending};
    struct station *s = station_new(&setup, why);

    if (s == NULL)
        return false;
    c->stations[c->n_stations++] = s;
    add_hand(c, work_station, s, fd);
    return true;
}

static bool gather(struct crew *c, const struct options *o, struct diag *why)
{
    c->pool = pool_new((o->threads + 1) * (size_t)VAULT_PENDING_MAX);
    if (c->pool == NULL || !ending_init(&c->ending)) {
        diag_set(why, "out of memory or descriptors");
        return false;
    }
    if (!add_station(c, DESCRIPTOR_CHECK, why))
        return false;
    for (unsigned i = 0; i < o->threads; i++) {
        if (!add_station(c, DESCRIPTOR_FIRST_PAIR + 2 * (int)i, why))
            return false;
        add_hand(c, work_signer, NULL, DESCRIPTOR_FIRST_PAIR + 2 * (int)i + 1);
    }
    for (unsigned i = 0; i < o->workers; i++)
        add_hand(c, work_worker, NULL, -1);
    return true;
}

/* On failure those that run wait at the barrier until the process exits. */
static bool start(struct crew *c, struct diag *why)
{
    pthread_attr_t attr;
    int fault = 0;

    pthread_barrier_init(&c->ready, NULL, (unsigned)c->n_hands + 1);
    pthread_barrier_init(&c->go, NULL, (unsigned)c->n_hands + 1);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    for (size_t i = 0; fault == 0 && i < c->n_hands; i++)
        fault = pthread_create(&c->hands[i].thread, &attr, run, &c->hands[i]);
    pthread_attr_destroy(&attr);
    if (fault == 0)
        return true;
    diag_set(why, "a thread cannot be started: %s", strerror(fault));
    diag_remedy(why, "raise the limit of locked memory (LimitMEMLOCK=infinity) or of processes (TasksMax) of hsmd");
    return false;
}

static void wait_for_the_end(struct crew *c)
{
    struct pollfd polled = {.fd = c->ending.fd, .events = POLLIN};

    while (poll(&polled, 1, -1) < 0 && errno == EINTR)
        ;
    pool_stop(c->pool);
    for (size_t i = 0; i < c->n_hands; i++)
        pthread_join(c->hands[i].thread, NULL);
}

bool threads_run(struct vault *vault, const struct options *options, bool *clean, struct diag *why)
{
    struct crew *c = calloc(1, sizeof *c);

    if (c == NULL) {
        diag_set(why, "out of memory");
        return false;
    }
    c->vault = vault;
    if (!gather(c, options, why) || !start(c, why))
        return false;
    pthread_barrier_wait(&c->ready);
    if (!confine_threads(why))
        return false;
    log_info("vault_started", "name=%s threads=%u workers=%u sandbox=%s", options->name, options->threads, options->workers,
             confine_built_in ? "on" : "off");
    pthread_barrier_wait(&c->go);
    wait_for_the_end(c);
    *clean = !atomic_load(&c->broken);
    pool_free(c->pool);
    for (size_t i = 0; i < c->n_stations; i++)
        station_free(c->stations[i]);
    ending_clear(&c->ending);
    pthread_barrier_destroy(&c->ready);
    pthread_barrier_destroy(&c->go);
    free(c);
    return true;
}
