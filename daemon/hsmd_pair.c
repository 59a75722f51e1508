#include "daemon/hsmd_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "proto/limits.h"

enum { ENDS_MAX = 2 * FRONT_THREADS_MAX + 2, FRONT_MS_MAX = 8000, VAULT_MS_MAX = 2000, NUMBER_BYTES = 16 };

/* 3 (each has its own), then the pairs: the front's ends and the vault's ends. */
struct ends {
    size_t n;
    int front[ENDS_MAX], vault[ENDS_MAX];
};

static void ends_close(struct ends *e)
{
    for (size_t i = 1; i < e->n; i++) {
        close(e->front[i]);
        close(e->vault[i]);
    }
}

static bool ends_make(struct ends *e, uint32_t threads, struct diag *why)
{
    e->n = 1;
    while (e->n < 2 + 2 * (size_t)threads) {
        int fds[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
            diag_set(why, "no socket pair: %s", strerror(errno));
            ends_close(e);
            return false;
        }
        e->front[e->n] = fds[0];
        e->vault[e->n++] = fds[1];
    }
    return true;
}

static bool start_vault(struct pair *p, const struct pair_setup *s, const struct ends *e, struct diag *why)
{
    char threads[NUMBER_BYTES], workers[NUMBER_BYTES];
    char *const argv[] = {(char[]){"hsm-vault"}, (char[]){"--threads"}, threads, (char[]){"--workers"}, workers,
        (char[]){"--name"}, s->settings->name, (char[]){"--seal"}, s->settings->seal_kind, (char[]){"--log-level"},
        s->settings->log_level, s->settings->vault_allow_swap ? (char[]){"--allow-swap"} : NULL, NULL};
    const struct spawn spawn = {.path = s->vault_path, .argv = argv, .user = s->vault_user, .fds = e->vault, .n_fds = e->n,
        .locks_memory = true};
    pid_t pid;

    snprintf(threads, sizeof threads, "%u", s->settings->front_threads);
    snprintf(workers, sizeof workers, "%u", s->settings->vault_workers);
    pid = spawn_start(&spawn, why);
    if (pid > 0)
        p->vault = pid;
    return pid > 0;
}

static bool start_front(struct pair *p, const struct pair_setup *s, const struct ends *e, struct diag *why)
{
    char *const argv[] = {(char[]){"hsm-front"}, (char[]){"--config"}, (char *)(uintptr_t)s->config,
        s->create ? (char[]){"--create"} : NULL, NULL};
    const struct spawn spawn = {.path = s->front_path, .argv = argv, .user = s->front_user, .fds = e->front, .n_fds = e->n};
    pid_t pid = spawn_start(&spawn, why);

    if (pid > 0)
        p->front = pid;
    return pid > 0;
}

bool pair_start(struct pair *p, const struct pair_setup *s, int seal_fd, struct diag *why)
{
    struct ends e;
    bool ok;

    if (!ends_make(&e, s->settings->front_threads, why))
        return false;
    e.vault[0] = seal_fd;
    e.front[0] = -1;
    ok = start_vault(p, s, &e, why) && start_front(p, s, &e, why);
    ends_close(&e); /* each end lives in one process only: its death is the other's end of file */
    if (!ok)
        pair_stop(p);
    return ok;
}

/* True when it is gone. */
static bool wait_for(pid_t pid, uint32_t ms_max)
{
    uint64_t until = clock_boot_ms() + ms_max;
    const struct timespec nap = {.tv_nsec = 10000000};

    for (;;) {
        pid_t got = waitpid(pid, NULL, WNOHANG);
        if (got == pid || (got < 0 && errno == ECHILD))
            return true;
        if (clock_boot_ms() >= until)
            return false;
        nanosleep(&nap, NULL);
    }
}

static void stop_one(pid_t *pid, const char *name, uint32_t ms_max)
{
    if (*pid == 0)
        return;
    (void)kill(*pid, SIGTERM);
    if (!wait_for(*pid, ms_max)) {
        log_warning("killed", "process=%s why=\"%s\"", name, "it did not end in time");
        (void)kill(*pid, SIGKILL);
        (void)waitpid(*pid, NULL, 0);
    }
    *pid = 0;
}

void pair_stop(struct pair *p)
{
    stop_one(&p->front, "hsm-front", FRONT_MS_MAX);
    stop_one(&p->vault, "hsm-vault", VAULT_MS_MAX);
}
