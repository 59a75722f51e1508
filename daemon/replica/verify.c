#include "daemon/replica/journal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child found, over a pipe: nothing is well. */
static void child(const char *folder, uint64_t bytes_max, int fd) __attribute__((noreturn));
static void child(const char *folder, uint64_t bytes_max, int fd)
{
    struct journal_content content = {0};
    struct diag why = {0};
    struct journal *j = journal_open(folder, bytes_max, &why);
    bool ok = j != NULL && journal_load(j, &content, &why);

    journal_content_clear(&content); /* it ends anyway; but what watches for leaks may change how it ends */
    journal_close(j);
    if (ok)
        _exit(0);
    if (write(fd, &why, sizeof why) != (ssize_t)sizeof why)
        _exit(2);
    _exit(1);
}

bool journal_verify(const char *folder, uint64_t bytes_max, struct diag *why)
{
    struct diag told = {0};
    int fd[2], status = 0;
    ssize_t got;
    pid_t pid;

    if (pipe(fd) != 0 || (pid = fork()) < 0) {
        diag_set(why, "cannot start a process to verify the replica's log");
        return false;
    }
    if (pid == 0) {
        close(fd[0]);
        child(folder, bytes_max, fd[1]);
    }
    close(fd[1]);
    got = read(fd[0], &told, sizeof told);
    close(fd[0]);
    while (waitpid(pid, &status, 0) < 0)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (got == (ssize_t)sizeof told) {
        if (why != NULL)
            *why = told;
        return false;
    }
    diag_set(why, "the replica's log is damaged: reading it ends with signal %d",
             WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    diag_where(why, folder, 0);
    diag_remedy(why, "empty its data folder (keep a copy), and let it join as a new node");
    return false;
}
