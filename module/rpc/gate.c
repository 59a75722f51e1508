#include "module/rpc/gate.h"

#include <pthread.h>
#include <stddef.h>
#include <time.h>

/* Far longer than a stretch of work may last on a machine that is starved; there only so that a thread which is stopped
 * inside for good does not stop forks too. */
enum { FORK_WAIT_S = 30 };

static pthread_rwlock_t door;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool installed;
static bool shut; /* this fork got the door: touched by the forking thread only, and forks exclude each other in libc */
static _Thread_local bool inside;
static void (*on_fork)(void);

static void make_door(void)
{
    pthread_rwlockattr_t attr;
    pthread_rwlockattr_init(&attr);
    /* A stream of signing threads must not starve the fork. */
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&door, &attr);
    pthread_rwlockattr_destroy(&attr);
}

/* A thread that forks from inside, as a signal handler may, would wait for itself. */
static void before_fork(void)
{
    struct timespec until;

    if (inside)
        return;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += FORK_WAIT_S;
    shut = pthread_rwlock_timedwrlock(&door, &until) == 0;
}

static void after_fork_in_parent(void)
{
    if (shut)
        pthread_rwlock_unlock(&door);
    shut = false;
}

/* Made anew: whoever was in it is not in this process. */
static void after_fork_in_child(void)
{
    make_door();
    shut = false;
    if (inside)
        pthread_rwlock_rdlock(&door);
    if (on_fork != NULL)
        on_fork();
}

static void install(void)
{
    make_door();
    installed = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
}

bool gate_install(void (*forked)(void))
{
    if (on_fork == NULL)
        on_fork = forked;
    pthread_once(&once, install);
    return installed;
}

void gate_enter(void)
{
    pthread_rwlock_rdlock(&door);
    inside = true;
}

void gate_leave(void)
{
    inside = false;
    pthread_rwlock_unlock(&door);
}
