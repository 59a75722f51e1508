/*
 * Starts a program as another user with exactly the descriptors it is to have.
 *
 * The child has 0 and 1 on /dev/null, 2 as here (the log), 3 and on as given, and nothing else open; an empty
 * environment; no signal blocked or ignored; no core files; a process group of its own, so that a terminal's interrupt
 * reaches only its parent; and it is killed when its parent dies. Only for a process without other threads.
 */
#ifndef CLUSTERHSM_DAEMON_SPAWN_H
#define CLUSTERHSM_DAEMON_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/diag.h"

struct spawn_user {
    bool change; /* false: stay who we are */
    uid_t uid;
    gid_t gid;
};

/* "" is nobody in particular. False and a remedy: there is no such user, or we may not become another. */
bool spawn_user_find(const char *setting, const char *name, struct spawn_user *out, struct diag *why);

enum { SPAWN_DESCRIPTORS_MAX = 64 };

struct spawn {
    const char *path;
    char *const *argv;     /* ends with NULL */
    struct spawn_user user;
    const int *fds;        /* become 3, 4, ...; -1: closed there. Still the caller's */
    size_t n_fds;
    bool locks_memory;     /* may lock as much memory as the system lets us permit */
};

/* The child's id; -1 and a reason, also where the program could not be executed. */
pid_t spawn_start(const struct spawn *s, struct diag *why);

#endif
