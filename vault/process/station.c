#include "vault/process/station.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/log.h"
#include "proto/limits.h"
#include "vault/process/frames.h"

enum { OUT_BYTES_MAX = 16 * 1024 * 1024, AT_PAIR = 0, AT_JOBS = 1, AT_ENDING = 2, POLLED = 3 };

struct station {
    struct station_setup setup;
    struct frames frames;
    struct engine *engine;
    bool broken;
    int jobs_fd; /* eventfd: readable while `done` is not empty */
    pthread_mutex_t lock; /* guards the two below */
    struct engine_job *done[VAULT_PENDING_MAX];
    size_t n_done;
};

/* ---- the end */

bool ending_init(struct ending *e)
{
    e->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return e->fd >= 0;
}

void ending_clear(struct ending *e)
{
    close(e->fd);
}

static void ring_bell(int fd)
{
    const uint64_t one = 1;

    (void)!write(fd, &one, sizeof one); /* fails only where it rings already */
}

void ending_ask(const struct ending *e)
{
    ring_bell(e->fd);
}

/* ---- the engine's side */

static void on_answer(void *arg, const Hsm__VaultAnswer *answer)
{
    struct station *s = arg;

    if (!frames_put(&s->frames, &answer->base)) {
        log_error("vault_answer_lost", "why=\"%s\"", err_text(ERR_NO_MEMORY));
        s->broken = true;
    }
}

static void on_defer(void *arg, struct engine_job *job)
{
    struct station *s = arg;

    pool_put(s->setup.pool, s, job);
}

void station_job_done(struct station *s, struct engine_job *job)
{
    pthread_mutex_lock(&s->lock);
    s->done[s->n_done++] = job;
    pthread_mutex_unlock(&s->lock);
    ring_bell(s->jobs_fd);
}

static void take_done_jobs(struct station *s)
{
    struct engine_job *done[VAULT_PENDING_MAX];
    uint64_t rung;
    size_t n;

    (void)!read(s->jobs_fd, &rung, sizeof rung);
    pthread_mutex_lock(&s->lock);
    n = s->n_done;
    memcpy(done, s->done, n * sizeof done[0]);
    s->n_done = 0;
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < n; i++)
        engine_job_done(done[i]);
}

/* ---- the pair */

/* ERR_MALFORMED is the engine's to say of what is inside a call; what is no call at all is no front's. */
static enum frames_state take_calls(struct station *s)
{
    enum frames_state state = frames_receive(&s->frames);
    const uint8_t *bytes;
    size_t n = 0;

    while (state == FRAMES_OK && !s->broken && (bytes = frames_next(&s->frames, &n, &state)) != NULL) {
        Hsm__VaultCall *call = hsm__vault_call__unpack(NULL, n, bytes);
        if (call == NULL)
            return FRAMES_BROKEN;
        engine_call(s->engine, call);
        hsm__vault_call__free_unpacked(call, NULL);
    }
    return state;
}

bool station_run(struct station *s)
{
    struct pollfd polled[POLLED] = {
        [AT_PAIR] = {.fd = s->setup.fd},
        [AT_JOBS] = {.fd = s->jobs_fd, .events = POLLIN},
        [AT_ENDING] = {.fd = s->setup.ending->fd, .events = POLLIN},
    };
    enum frames_state state = FRAMES_OK;

    while (state == FRAMES_OK && !s->broken) {
        size_t waits = frames_waiting(&s->frames);
        polled[AT_PAIR].events = (short)((waits < OUT_BYTES_MAX ? POLLIN : 0) | (waits > 0 ? POLLOUT : 0));
        if (poll(polled, POLLED, -1) < 0 && errno != EINTR)
            break;
        if (polled[AT_ENDING].revents != 0)
            return true;
        if (polled[AT_JOBS].revents != 0)
            take_done_jobs(s);
        if ((polled[AT_PAIR].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
            state = take_calls(s);
        if (state == FRAMES_OK)
            state = frames_send(&s->frames);
    }
    ending_ask(s->setup.ending);
    if (state != FRAMES_CLOSED)
        log_error("vault_pair_broken", "descriptor=%d why=\"%s\"", s->setup.fd, "what came is no call, or memory is used up");
    return state == FRAMES_CLOSED;
}

/* ---- life */

struct station *station_new(const struct station_setup *setup, struct diag *why)
{
    struct station *s = calloc(1, sizeof *s);
    struct engine_setup engine = {.vault = setup->vault, .parts = setup->parts, .answer = on_answer,
                                  .defer = setup->pool != NULL ? on_defer : NULL, .arg = s};

    if (s == NULL || engine_new(&engine, &s->engine) != ERR_OK) {
        free(s);
        diag_set(why, "out of memory");
        return NULL;
    }
    s->setup = *setup;
    frames_init(&s->frames, setup->fd, VAULT_FRAME_BYTES_MAX);
    pthread_mutex_init(&s->lock, NULL);
    s->jobs_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->jobs_fd >= 0)
        return s;
    diag_set(why, "no descriptor for a thread: %s", strerror(errno));
    station_free(s);
    return NULL;
}

void station_free(struct station *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n_done; i++)
        engine_job_drop(s->done[i]);
    engine_free(s->engine);
    frames_clear(&s->frames);
    if (s->jobs_fd >= 0)
        close(s->jobs_fd);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
