#include "daemon/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST = 3, NAMES_BYTES = 4096 };

/* What the child tells when it does not come to exec. */
struct failure {
    const char *step; /* a literal: the same address in the parent */
    int fault;
};

bool spawn_user_find(const char *setting, const char *name, struct spawn_user *out, struct diag *why)
{
    char names[NAMES_BYTES], *end = NULL;
    struct passwd row, *found = NULL;
    unsigned long number;

    *out = (struct spawn_user){0};
    if (name[0] == '\0')
        return true;
    errno = 0;
    number = strtoul(name, &end, 10);
    if (*end == '\0' && errno == 0 && number < UINT32_MAX) {
        out->uid = (uid_t)number;
        (void)getpwuid_r(out->uid, &row, names, sizeof names, &found);
        out->gid = found != NULL ? found->pw_gid : (gid_t)number;
    } else if (getpwnam_r(name, &row, names, sizeof names, &found) == 0 && found != NULL) {
        out->uid = found->pw_uid;
        out->gid = found->pw_gid;
    } else {
        diag_set(why, "%s is \"%s\", but this machine has no such user", setting, name);
        diag_remedy(why, "make the user (useradd --system), or write a numeric id");
        return false;
    }
    if (out->uid == geteuid())
        return true;
    out->change = true;
    if (geteuid() == 0)
        return true;
    diag_set(why, "%s is \"%s\", but only root may start a process as another user", setting, name);
    diag_remedy(why, "start hsmd as root, or leave %s out", setting);
    return false;
}

/* ---- in the child ---- */

static void fail(int report, const char *step) __attribute__((noreturn));
static void fail(int report, const char *step)
{
    const struct failure f = {step, errno};
    (void)!write(report, &f, sizeof f);
    _exit(127);
}

/* First out of the way of all targets, then to its place. */
static int place_descriptors(const struct spawn *s, int report)
{
    int high[SPAWN_DESCRIPTORS_MAX], past = FIRST + (int)s->n_fds, null;

    report = fcntl(report, F_DUPFD_CLOEXEC, past);
    for (size_t i = 0; i < s->n_fds; i++) {
        high[i] = s->fds[i] >= 0 ? fcntl(s->fds[i], F_DUPFD_CLOEXEC, past) : -1;
        if (high[i] < 0 && s->fds[i] >= 0)
            fail(report, "descriptors");
    }
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        fail(report, "/dev/null");
    for (size_t i = 0; i < s->n_fds; i++) {
        close(FIRST + (int)i);
        if (high[i] >= 0 && dup2(high[i], FIRST + (int)i) < 0)
            fail(report, "descriptors");
    }
    if (close_range((unsigned)past, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
        fail(report, "close_range");
    return report;
}

static void set_limits(const struct spawn *s, int report)
{
    struct rlimit none = {0}, all = {RLIM_INFINITY, RLIM_INFINITY}, now;

    if (setrlimit(RLIMIT_CORE, &none) != 0)
        fail(report, "core file limit");
    if (!s->locks_memory || setrlimit(RLIMIT_MEMLOCK, &all) == 0)
        return;
    if (getrlimit(RLIMIT_MEMLOCK, &now) == 0) { /* as far as we may; the vault says whether that is enough */
        now.rlim_cur = now.rlim_max;
        (void)setrlimit(RLIMIT_MEMLOCK, &now);
    }
}

static void become(const struct spawn_user *u, int report)
{
    if (!u->change)
        return;
    if (setgroups(0, NULL) != 0 || setresgid(u->gid, u->gid, u->gid) != 0 || setresuid(u->uid, u->uid, u->uid) != 0)
        fail(report, "change of user");
}

static void reset_signals(void)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int i = 1; i < NSIG; i++)
        (void)sigaction(i, &plain, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void run_child(const struct spawn *s, pid_t parent, int report) __attribute__((noreturn));
static void run_child(const struct spawn *s, pid_t parent, int report)
{
    char *const environment[] = {NULL};

    report = place_descriptors(s, report);
    (void)setpgid(0, 0);
    set_limits(s, report);
    become(&s->user, report);
    /* After the change of user, which would undo it; and the parent may have gone already. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        fail(report, "death signal");
    if (getppid() != parent)
        _exit(127);
    reset_signals();
    execve(s->path, s->argv, environment);
    fail(report, "execution");
}

/* ---- in the parent ---- */

pid_t spawn_start(const struct spawn *s, struct diag *why)
{
    struct failure f = {0};
    int report[2];
    pid_t parent = getpid(), child;
    ssize_t n;

    if (s->n_fds > SPAWN_DESCRIPTORS_MAX || pipe2(report, O_CLOEXEC) != 0) {
        diag_set(why, "no pipe to a new process: %s", strerror(errno));
        return -1;
    }
    child = fork();
    if (child == 0)
        run_child(s, parent, report[1]);
    close(report[1]);
    if (child < 0) {
        diag_set(why, "no new process: %s", strerror(errno));
        close(report[0]);
        return -1;
    }
    while ((n = read(report[0], &f, sizeof f)) < 0 && errno == EINTR)
        ;
    close(report[0]);
    if (n == 0)
        return child;
    (void)waitpid(child, NULL, 0);
    diag_set(why, "cannot be started: %s: %s", f.step != NULL ? f.step : "?", strerror(f.fault));
    diag_where(why, s->path, 0);
    if (f.fault == EACCES || f.fault == ENOENT)
        diag_remedy(why, "install the program there, with its folders open for the user that it runs as");
    return -1;
}
