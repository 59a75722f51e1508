#include "vault/process/confine.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <seccomp.h>

enum { ARENAS_MAX = 8 };

#ifdef VAULT_SANDBOX
const bool confine_built_in = true;
#else
const bool confine_built_in = false;
#endif

static bool are_sockets(int first, int last, struct diag *why)
{
    struct stat st;

    for (int fd = first; fd <= last; fd++)
        if (fstat(fd, &st) != 0 || !S_ISSOCK(st.st_mode)) {
            diag_set(why, "descriptor %d is no socket", fd);
            diag_remedy(why, "start hsmd, which starts the vault with the descriptors that it needs");
            return false;
        }
    return true;
}

bool confine_process(int first, int last, unsigned threads, struct diag *why)
{
    const struct rlimit none = {0, 0};

    if (!are_sockets(first, last, why))
        return false;
    if (close_range((unsigned)last + 1, ~0U, 0) != 0) {
        diag_set(why, "descriptors cannot be closed: %s", strerror(errno));
        return false;
    }
    /* Set at all: without it glibc asks for the number of processors, which the sandbox has no answer to. */
    (void)mallopt(M_ARENA_MAX, threads < ARENAS_MAX ? (int)threads : ARENAS_MAX);
    if (!confine_built_in)
        return true;
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        diag_set(why, "privileges cannot be given up: %s", strerror(errno));
        return false;
    }
    return true;
}

bool confine_memory(struct diag *why)
{
    struct rlimit now = {0};
    int fault;

    /* On fault: what is never touched costs nothing. */
    if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0)
        return true;
    fault = errno;
    (void)getrlimit(RLIMIT_MEMLOCK, &now);
    diag_set(why, "memory cannot be locked, and keys could be written to swap: %s (RLIMIT_MEMLOCK is %llu bytes)", strerror(fault),
             (unsigned long long)now.rlim_cur);
    diag_remedy(why, "start hsmd as root, or with LimitMEMLOCK=infinity (systemd), ulimit -l unlimited or, in a container, "
                     "--ulimit memlock=-1; on a machine without swap, or for a test, set vault.allow_swap: true");
    return false;
}

#ifdef VAULT_SANDBOX

/* Work: descriptors that are open, memory, waiting, time, random numbers, the end. Seen in use on both releases, or used by libcrypto and
 * glibc now and then: a reseed, a large allocation, a signal that came and went. recvmsg and sendmsg are left out: by them descriptors
 * could come in. */
static const int allowed[] = {
    SCMP_SYS(brk),        SCMP_SYS(clock_gettime),   SCMP_SYS(close),          SCMP_SYS(exit),
    SCMP_SYS(exit_group), SCMP_SYS(futex),           SCMP_SYS(getpid),         SCMP_SYS(getrandom),
    SCMP_SYS(gettid),     SCMP_SYS(madvise),         SCMP_SYS(mlock),          SCMP_SYS(mremap),
    SCMP_SYS(munmap),     SCMP_SYS(poll),            SCMP_SYS(ppoll),          SCMP_SYS(read),
    SCMP_SYS(recvfrom),   SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sched_yield), SCMP_SYS(sendto),         SCMP_SYS(write),
};

/* A library that looks for a file is told that it may not, and goes on. */
static const int refused[] = {SCMP_SYS(open), SCMP_SYS(openat)};

static int fill(scmp_filter_ctx filter)
{
    int e = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

    for (size_t i = 0; e == 0 && i < sizeof allowed / sizeof allowed[0]; i++)
        e = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    for (size_t i = 0; e == 0 && i < sizeof refused / sizeof refused[0]; i++)
        e = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
    /* Memory, but none that can be executed. */
    if (e == 0)
        e = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (e == 0)
        e = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    return e;
}

bool confine_threads(struct diag *why)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int e = filter != NULL ? fill(filter) : -ENOMEM;

    if (e == 0)
        e = seccomp_load(filter);
    seccomp_release(filter);
    if (e == 0)
        return true;
    diag_set(why, "the sandbox (seccomp) cannot be set up: %s", strerror(-e));
    diag_remedy(why, "run on a kernel, or in a container, that lets processes load seccomp filters");
    return false;
}

#else

bool confine_threads(struct diag *why)
{
    (void)why;
    return true;
}

#endif
