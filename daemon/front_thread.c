#include "daemon/front_thread.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"

enum { SIGNATURE_MS_MAX = 10000 };

static void on_dead(void *arg, const char *reason)
{
    struct front_thread *t = arg;
    t->dead(t->arg, reason);
}

static bool open_parts(struct front_thread *t, int request_fd, struct diag *why)
{
    struct errands_setup errands = {.node = t->node, .loop = &t->loop};
    struct route_setup route = {.node = t->node, .loop = &t->loop};
    struct clients_setup clients = {.node = t->node, .loop = &t->loop, .signer = &t->cluster_signer};

    t->link = vault_link_new(&t->loop, request_fd, on_dead, t, why);
    t->mailbox = t->link != NULL ? mailbox_open(&t->loop, why) : NULL;
    if (t->mailbox == NULL)
        return false;
    errands.link = t->link;
    errands.home = t->mailbox;
    t->errands = errands_new(&errands, why);
    route.errands = t->errands;
    t->route = t->errands != NULL ? route_new(&route, why) : NULL;
    if (t->route == NULL)
        return false;
    clients.route = t->route;
    t->clients = clients_new(&clients);
    if (t->clients == NULL)
        diag_set(why, "out of memory");
    return t->clients != NULL;
}

bool front_thread_open(struct front_thread *t, int request_fd, int signer_fd, struct diag *why)
{
    t->cluster_signer = (struct vault_signer){.fd = signer_fd, .key = VAULT_SIGNER_CLUSTER, .broken = &t->signer_broken};
    t->node_signer = (struct vault_signer){.fd = signer_fd, .key = VAULT_SIGNER_NODE, .broken = &t->signer_broken};
    if (uv_loop_init(&t->loop) != 0) {
        diag_set(why, "no event loop: out of descriptors or memory");
        close(request_fd);
        close(signer_fd);
        return false;
    }
    if (vault_signer_prepare(signer_fd, SIGNATURE_MS_MAX, why) && open_parts(t, request_fd, why))
        return true;
    return false; /* at start: the process ends, and all goes with it */
}

static void run(void *arg)
{
    struct front_thread *t = arg;
    uv_run(&t->loop, UV_RUN_DEFAULT);
}

bool front_thread_run(struct front_thread *t, struct diag *why)
{
    t->runs = uv_thread_create(&t->thread, run, t) == 0;
    if (!t->runs)
        diag_set(why, "no thread for clients: out of memory, or too many processes");
    return t->runs;
}

/* ---- letters ---- */

struct take {
    struct front_thread *thread;
    int fd;
};

static void on_take(void *arg)
{
    struct take *take = arg;
    struct front_thread *t = take->thread;

    if (t->quiet)
        close(take->fd);
    else
        clients_take(t->clients, take->fd);
    atomic_store(&t->n_clients, route_clients(t->route));
    free(take);
}

void front_thread_take(struct front_thread *t, int fd)
{
    struct take *take = malloc(sizeof *take);

    if (take != NULL) {
        *take = (struct take){t, fd};
        atomic_fetch_add(&t->n_clients, 1);
    }
    if (take == NULL || !mailbox_post(t->mailbox, on_take, take)) {
        close(fd);
        free(take);
    }
}

static void on_refresh(void *arg)
{
    struct front_thread *t = arg;
    clients_refresh(t->clients);
}

void front_thread_refresh(struct front_thread *t)
{
    if (!mailbox_post(t->mailbox, on_refresh, t))
        log_error("facts_lost", "why=\"%s\"", err_text(ERR_NO_MEMORY));
}

static void on_quiet(void *arg)
{
    struct front_thread *t = arg;
    t->quiet = true;
    errands_quiet(t->errands);
    route_end_all(t->route, "the node stops");
    t->quieted(t->arg);
}

void front_thread_quiet(struct front_thread *t)
{
    (void)mailbox_post(t->mailbox, on_quiet, t);
}

/* Outcomes that the replica's end has left in the mailbox find their errands still there. */
static void on_close(void *arg)
{
    struct front_thread *t = arg;
    mailbox_close(t->mailbox);
    route_free(t->route);
    errands_free(t->errands);
    vault_link_free(t->link);
}

void front_thread_close(struct front_thread *t)
{
    (void)mailbox_post(t->mailbox, on_close, t);
}

void front_thread_join(struct front_thread *t)
{
    if (t->runs)
        uv_thread_join(&t->thread);
    if (uv_loop_close(&t->loop) != 0)
        log_warning("loop_not_empty", "thread=%u", t->number);
    clients_free(t->clients);
    close(t->cluster_signer.fd);
}
