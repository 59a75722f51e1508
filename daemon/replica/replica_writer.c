/*
 * The writer: takes all jobs that wait, joins neighbouring appends into one transaction (group commit: one fsync for
 * many entries), and gives them back in order. What fails ends the process.
 */
#include "daemon/replica/replica_state.h"

#include "common/clock.h"
#include "common/log.h"

#include <stdlib.h>
#include <unistd.h>

enum { EXIT_FAIL_STOP = 70, APPENDS_JOINED_MAX = 256 };

void replica_fail(const char *what, const struct diag *why)
{
    char text[1024] = "";
    if (why != NULL)
        diag_text(why, text, sizeof text);
    log_error("replica_stopped", "what=\"%s\" why=\"%s\"", what, text);
    _exit(EXIT_FAIL_STOP);
}

void replica_writer_add(struct replica *r, enum job_kind kind, struct core_write *w, struct snap *s, uint64_t drop_upto)
{
    struct job *j = replica_alloc(1, sizeof *j);

    j->kind = kind;
    j->write = w;
    j->snap = s;
    j->drop_upto = drop_upto;
    uv_mutex_lock(&r->lock);
    *r->todo.tail = j;
    r->todo.tail = &j->next;
    uv_cond_signal(&r->jobs_come);
    uv_mutex_unlock(&r->lock);
}

/* Does the first job, or the first appends together. Returns what is left. */
static struct job *do_some(struct replica *r, struct job *j)
{
    const struct run *runs[APPENDS_JOINED_MAX];
    struct diag why = {0};
    size_t n = 0;
    bool ok = true;

    switch (j->kind) {
    case JOB_APPEND:
        for (; j != NULL && j->kind == JOB_APPEND && n < APPENDS_JOINED_MAX; j = j->next)
            runs[n++] = &j->write->run;
        ok = journal_append(r->journal, runs, n, &why);
        break;
    case JOB_INSTALL:
        ok = journal_install(r->journal, j->snap, &why);
        j = j->next;
        break;
    case JOB_COMPACT:
        ok = journal_compact(r->journal, j->snap, j->drop_upto, &why);
        j = j->next;
        break;
    }
    if (!ok)
        replica_fail("the log cannot be written", &why);
    return j;
}

void replica_writer_run(void *arg)
{
    struct replica *r = arg;
    struct job *jobs, **tail, *left;

    uv_mutex_lock(&r->lock);
    for (;;) {
        while (r->todo.head == NULL && !r->stopping)
            uv_cond_wait(&r->jobs_come, &r->lock);
        if (r->todo.head == NULL)
            break;
        jobs = r->todo.head;
        tail = r->todo.tail;
        r->todo.head = NULL;
        r->todo.tail = &r->todo.head;
        uv_mutex_unlock(&r->lock);
        for (left = jobs; left != NULL;)
            left = do_some(r, left);
        uv_mutex_lock(&r->lock);
        *r->done.tail = jobs;
        r->done.tail = tail;
        uv_async_send(&r->wake);
    }
    uv_mutex_unlock(&r->lock);
}

static void complete(struct replica *r, struct job *j)
{
    switch (j->kind) {
    case JOB_APPEND:
        core_appended(r->core, j->write, clock_boot_ms());
        break;
    case JOB_COMPACT:
        core_compacted(r->core, j->snap, clock_boot_ms());
        replica_remove_old_snapshots(r);
        break;
    case JOB_INSTALL:
        r->state = r->loaded;
        r->loaded = NULL;
        r->set.state->opened(r->set.data, r->state, j->snap->index);
        core_installed(r->core, j->snap, clock_boot_ms());
        replica_remove_old_snapshots(r);
        break;
    }
    free(j);
}

/* On the replica's thread. */
void replica_writer_completed(struct replica *r)
{
    struct job *j, *next;

    uv_mutex_lock(&r->lock);
    j = r->done.head;
    r->done.head = NULL;
    r->done.tail = &r->done.head;
    uv_mutex_unlock(&r->lock);
    for (; j != NULL; j = next) {
        next = j->next;
        complete(r, j);
        replica_poll(r);
    }
}
