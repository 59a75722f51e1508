#include "tests/sim/world.h"

#include <stdlib.h>

static void kick(struct node *n)
{
    struct event *ev;
    unsigned ms;

    if (n->disk_busy || n->ops == NULL)
        return;
    n->disk_busy = true;
    ms = chance_below(W.disk_ms + 1);
    if (W.now < n->slow_until)
        ms += n->slow_ms;
    ev = post(W.now + ms, EVENT_DISK);
    ev->to = n->id;
    ev->life = n->life;
}

void disk_queue(struct node *n, struct core_write *w, struct snap *install)
{
    struct op *op = replica_alloc(1, sizeof *op);
    op->write = w;
    op->install = install;
    *n->ops_tail = op;
    n->ops_tail = &op->next;
    kick(n);
}

static struct op *pop(struct node *n)
{
    struct op *op = n->ops;
    n->ops = op->next;
    if (n->ops == NULL)
        n->ops_tail = &n->ops;
    return op;
}

/* Makes the first `count` entries of an append durable. */
static void write_entries(struct node *n, const struct run *run, size_t count)
{
    size_t i;
    if (run->first < n->log.first || run->first > run_last(&n->log) + 1)
        fail_run(RUN_LOG_MISMATCH, "n%lu: write at %lu leaves a hole, log is %lu..%lu", n->id, run->first, n->log.first,
                 run_last(&n->log));
    run_truncate(&n->log, run->first);
    for (i = 0; i < count; i++)
        run_push(&n->log, record_ref(run->rec[i]));
}

static void install(struct node *n, struct snap *s)
{
    snap_unref(n->snap);
    n->snap = snap_ref(s);
    run_reset(&n->log, s->index + 1);
}

static void make_durable(struct node *n, const struct op *op)
{
    if (op->write == NULL)
        install(n, op->install);
    else if (!(W.opt->broken & BREAK_FSYNC) || chance(99))
        write_entries(n, &op->write->run, op->write->run.n);
}

void disk_done(struct node *n, unsigned life)
{
    struct op *done = NULL, **tail = &done, *op;

    if (n->life != life)
        return;
    n->disk_busy = false;
    do {
        op = pop(n);
        op->next = NULL;
        make_durable(n, op);
        *tail = op;
        tail = &op->next;
    } while (W.joined && n->ops != NULL && op->write != NULL && n->ops->write != NULL);
    kick(n);
    while ((op = done) != NULL) {
        done = op->next;
        if (op->write != NULL) {
            core_appended(n->core, op->write, W.now);
        } else {
            n->hash = op->install->mark;
            core_installed(n->core, op->install, W.now);
        }
        free(op);
    }
}

void disk_compacted(struct node *n, const struct event *ev)
{
    if (n->life != ev->life) {
        snap_unref(ev->snap);
        return;
    }
    snap_unref(n->snap);
    n->snap = snap_ref(ev->snap);
    if (ev->drop_upto > 0 && run_get(&n->log, ev->drop_upto) != NULL)
        run_drop_prefix(&n->log, ev->drop_upto);
    core_compacted(n->core, ev->snap, W.now);
}

/* Some of the queued writes made it, the next one perhaps in part. */
void disk_crash(struct node *n)
{
    unsigned queued = 0, survive, i;
    struct op *op;

    for (op = n->ops; op != NULL; op = op->next)
        queued++;
    survive = chance_below(queued + 1);
    for (i = 0; n->ops != NULL; i++) {
        op = pop(n);
        if (i < survive)
            make_durable(n, op);
        else if (i == survive && op->write != NULL && chance(50))
            write_entries(n, &op->write->run, chance_below((unsigned)op->write->run.n + 1));
        if (op->write != NULL)
            core_write_free(op->write);
        snap_unref(op->install);
        free(op);
    }
    n->disk_busy = false;
    if (W.opt->broken & BREAK_VOTE) {
        n->term = n->old_term;
        n->vote = n->old_vote;
    }
}
