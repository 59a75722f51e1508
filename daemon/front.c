#include "daemon/front.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/front_thread.h"
#include "daemon/life.h"
#include "daemon/local.h"
#include "daemon/net/acceptor.h"
#include "daemon/peers.h"
#include "daemon/public_facts.h"
#include "daemon/state.h"
#include "proto/limits.h"

enum { GOODBYE_MS = 200, LOCK_MS_MAX = 3000, LOCK_NAP_MS = 50, PATH_BYTES = 1024 };

struct front {
    struct node node;
    struct front_thread thread[FRONT_THREADS_MAX];
    unsigned n_threads; /* opened */
    struct acceptor *acceptor;
    struct local *local;
    uv_signal_t term, interrupt;
    uv_timer_t goodbye;
    bool stopping, failed;
    unsigned quiet;   /* threads that are */
    bool asks_to_join; /* the members that the configuration names */
    int lock_fd;
};

/* ---- the end: all threads quiet -> a moment for goodbyes -> the replica is closed -> the loops run out ---- */

static void on_goodbye(uv_timer_t *timer)
{
    struct front *f = timer->data;

    if (f->node.replica != NULL)
        replica_close(f->node.replica);
    (void)peers_replica(f->node.peers, NULL, NULL);
    peers_free(f->node.peers);
    uv_close((uv_handle_t *)&f->goodbye, NULL);
    uv_close((uv_handle_t *)&f->term, NULL);
    uv_close((uv_handle_t *)&f->interrupt, NULL);
    for (unsigned i = 0; i < f->n_threads; i++)
        front_thread_close(&f->thread[i]);
}

static void on_quiet(void *arg)
{
    struct front *f = arg;
    if (++f->quiet == f->n_threads)
        uv_timer_start(&f->goodbye, on_goodbye, GOODBYE_MS, 0);
}

/* Any front thread. */
static void on_quieted(void *arg)
{
    struct front *f = arg;
    (void)mailbox_post(f->thread[0].mailbox, on_quiet, f);
}

static void stop(struct front *f)
{
    if (f->stopping)
        return;
    f->stopping = true;
    acceptor_close(f->acceptor);
    life_free(f->node.life);
    f->node.life = NULL;
    local_close(f->local);
    for (unsigned i = 0; i < f->n_threads; i++)
        front_thread_quiet(&f->thread[i]);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    log_info("node_stops", "why=\"asked to\"");
    stop(signal->data);
}

static void log_end(const struct diag *why)
{
    char text[1024];
    log_error("node_stops", "why=\"%s\"", diag_text(why, text, sizeof text));
}

static void fail(struct front *f, const struct diag *why)
{
    if (!f->failed)
        log_end(why);
    f->failed = true;
    stop(f);
}

static void on_failed(void *arg, const struct diag *why)
{
    fail(arg, why);
}

static void on_vault_gone(void *arg)
{
    struct diag why = {0};
    diag_set(&why, "the vault is gone");
    fail(arg, &why);
}

/* Any front thread. */
static void on_dead(void *arg, const char *reason)
{
    struct front *f = arg;
    log_error("vault_lost", "reason=\"%s\"", reason);
    (void)mailbox_post(f->thread[0].mailbox, on_vault_gone, f);
}

/* ---- the client port ---- */

static void on_client(void *arg, int fd)
{
    struct front *f = arg;
    struct front_thread *least = &f->thread[0];

    for (unsigned i = 1; i < f->n_threads; i++)
        if (atomic_load(&f->thread[i].n_clients) < atomic_load(&least->n_clients))
            least = &f->thread[i];
    front_thread_take(least, fd);
}

/* The vault may know that it is before the record has been applied again after a start: then there is no certificate yet. */
static bool is_initialized(struct front *f)
{
    const struct facts_view *view = public_facts_view(f->node.facts);
    bool named = strcmp(view->facts->state, "initialized") == 0 || strcmp(view->facts->state, "active") == 0;
    bool yes = named && view->facts->cluster_certificate.len > 0;

    public_facts_view_end(f->node.facts, view);
    return yes;
}

static void open_port(struct front *f)
{
    const struct address *at = &f->node.settings->listen_client;
    struct diag why = {0};

    if (f->acceptor != NULL || f->stopping || f->node.replica == NULL || !is_initialized(f))
        return;
    f->acceptor = acceptor_open(&f->thread[0].loop, at->host, at->port, on_client, f, &why);
    if (f->acceptor == NULL)
        fail(f, &why);
    else
        log_info("serves_clients", "address=%s", f->node.client_address);
}

/* ---- other nodes ---- */

static void node_call(void *arg, const Hsm__NodeCall *call, peers_node_fn *done, void *done_arg)
{
    struct front *f = arg;
    if (f->node.life != NULL)
        life_call(f->node.life, call, done, done_arg);
}

/* A node that is in no cluster and founds none asks those whom its configuration names, once it has its certificates. */
static void join_configured(struct front *f, const Hsm__NodeFacts *facts)
{
    const struct addresses *peers = &f->node.settings->peers;
    char text[JOIN_ADDRESSES_MAX][MEMBER_ADDRESS_BYTES];
    const char *list[JOIN_ADDRESSES_MAX];
    struct diag why = {0};
    size_t n = 0;

    if (f->asks_to_join || f->node.create || peers->count == 0 || strcmp(facts->state, "provisioned") != 0)
        return;
    for (; n < peers->count && n < JOIN_ADDRESSES_MAX; n++) {
        address_write(&peers->items[n], text[n], sizeof text[n]);
        list[n] = text[n];
    }
    f->asks_to_join = peers_join(f->node.peers, list, n, &why);
    if (!f->asks_to_join)
        log_error("join_impossible", "why=\"%s\"", why.what);
}

static enum err on_join(void *arg, const Hsm__LocalJoin *request, struct diag *why)
{
    struct front *f = arg;
    return peers_join(f->node.peers, (const char *const *)request->peers, request->n_peers, why) ? ERR_OK : ERR_WRONG_STATE;
}

static void tell_peers(struct front *f)
{
    const struct facts_view *view = public_facts_view(f->node.facts);
    struct diag why = {0};

    if (view->facts->node_certificate.len > 0 && !peers_facts(f->node.peers, view->facts, &why))
        log_error("node_certificates_unusable", "why=\"%s\"", why.what);
    join_configured(f, view->facts);
    public_facts_view_end(f->node.facts, view);
}

/* The Unix socket opens once the vault has said what this node is, so that nobody is told half of it. */
static void open_local(struct front *f)
{
    struct local_setup setup = {.node = &f->node, .loop = &f->thread[0].loop, .join = on_join, .arg = f};
    const struct facts_view *view = public_facts_view(f->node.facts);
    const Hsm__NodeFacts *facts = view->facts;
    bool settled = facts->locked || strcmp(facts->state, "unprovisioned") != 0 || facts->hardware_csr.len > 0;
    struct diag why = {0};

    public_facts_view_end(f->node.facts, view);
    if (!settled || f->local != NULL || f->stopping)
        return;
    f->local = local_open(&setup, &why);
    if (f->local == NULL)
        fail(f, &why);
}

static void on_facts(void *arg)
{
    struct front *f = arg;

    tell_peers(f);
    open_local(f);
    for (unsigned i = 0; i < f->n_threads; i++)
        front_thread_refresh(&f->thread[i]);
    open_port(f);
}

/* ---- the replica ---- */

static void refresh(void *arg)
{
    struct front *f = arg;
    if (f->node.life != NULL)
        life_refresh(f->node.life);
}

/* The replica's thread, or ours while it is being opened. */
static void on_cluster_record(void *arg)
{
    struct front *f = arg;
    if (!mailbox_post(f->thread[0].mailbox, refresh, f))
        log_error("facts_lost", "why=\"%s\"", err_text(ERR_NO_MEMORY));
}

static bool open_replica(struct front *f, uint64_t node_id, struct diag *why)
{
    const struct node_settings *s = f->node.settings;
    char folder[PATH_BYTES];
    struct replica_settings set = {.folder = folder, .id = node_id, .address = f->node.peer_address,
        .election_timeout_ms = (uint32_t)s->election_timeout_ms, .lease_ms = (uint32_t)s->lease_ms,
        .snapshot_entries = s->snapshot_entries, .state_bytes_max = s->store_bytes_max, .state = &state_callbacks,
        .data = f->node.state, .links = &peers_links, .links_data = f->node.peers};

    snprintf(folder, sizeof folder, "%s/raft", s->data);
    if (node_id == NODE_FOUNDER && !replica_exists(folder)) {
        diag_set(why, "the log of this node is gone, but its keys are there");
        diag_where(why, folder, 0);
        diag_remedy(why, "put the folder back; or empty the data folder (keep a copy), and let the node join as a new one");
        return false;
    }
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        diag_set(why, "the replica's folder cannot be made: %s", strerror(errno));
        diag_where(why, folder, 0);
        return false;
    }
    if (getrandom(&set.seed, sizeof set.seed, 0) != sizeof set.seed) {
        diag_set(why, "the system gives no random numbers");
        return false;
    }
    f->node.replica = replica_open(&set, why);
    return f->node.replica != NULL && peers_replica(f->node.peers, f->node.replica, why);
}

static bool open_threads(struct front *f, struct diag *why)
{
    for (unsigned i = 1; i < f->node.settings->front_threads; i++) {
        struct front_thread *t = &f->thread[i];
        int first = FRONT_FIRST_PAIR_FD + 2 * (int)i;
        *t = (struct front_thread){.node = &f->node, .number = i, .dead = on_dead, .quieted = on_quieted, .arg = f};
        if (!front_thread_open(t, first, first + 1, why) || !front_thread_run(t, why))
            return false;
        f->n_threads++;
    }
    return true;
}

static void on_open(void *arg, uint64_t node_id)
{
    struct front *f = arg;
    struct diag why = {0};

    if (f->stopping || f->node.replica != NULL)
        return;
    if (!open_replica(f, node_id, &why) || !open_threads(f, &why)) {
        fail(f, &why);
        return;
    }
    log_info("node_in_cluster", "node=%llu", (unsigned long long)node_id);
    open_port(f);
}

/* ---- the beginning ---- */

/* One whose parent was killed may still be on its way out. */
static bool lock_in_time(int fd)
{
    const struct timespec nap = {.tv_nsec = LOCK_NAP_MS * 1000000L};

    for (unsigned waited_ms = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited_ms += LOCK_NAP_MS) {
        if (errno != EWOULDBLOCK || waited_ms >= LOCK_MS_MAX)
            return false;
        nanosleep(&nap, NULL);
    }
    return true;
}

/* Two processes in one data folder would damage it. */
static bool take_folder(struct front *f, struct diag *why)
{
    const char *data = f->node.settings->data;
    char path[PATH_BYTES];

    if (mkdir(data, 0700) != 0 && errno != EEXIST) {
        diag_set(why, "the data folder cannot be made: %s", strerror(errno));
        diag_where(why, data, 0);
        return false;
    }
    snprintf(path, sizeof path, "%s/front.lock", data);
    f->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (f->lock_fd >= 0 && lock_in_time(f->lock_fd))
        return true;
    if (errno == EWOULDBLOCK)
        diag_set(why, "another node runs in this data folder");
    else
        diag_set(why, "the data folder cannot be used: %s", strerror(errno));
    diag_where(why, data, 0);
    diag_remedy(why, "give each node its own data folder, owned by the user that the front runs as");
    return false;
}

static bool open_node(struct front *f, struct diag *why)
{
    struct state_setup state = {.check_fd = FRONT_CHECK_FD, .cluster_record = on_cluster_record, .arg = f};
    struct node *n = &f->node;

    address_write(&n->settings->advertise_client, n->client_address, sizeof n->client_address);
    address_write(&n->settings->advertise_peer, n->peer_address, sizeof n->peer_address);
    n->libctx = OSSL_LIB_CTX_new();
    n->facts = public_facts_new();
    if (n->libctx == NULL || n->facts == NULL) {
        diag_set(why, "out of memory");
        return false;
    }
    n->state = state_new(&state, why);
    return n->state != NULL && vkey_provider_load(n->libctx, why);
}

static bool open_thread_0(struct front *f, struct diag *why)
{
    struct front_thread *t = &f->thread[0];
    struct life_setup life = {.node = &f->node, .loop = &t->loop, .facts = on_facts, .open = on_open, .failed = on_failed, .arg = f};
    struct peers_setup peers = {.loop = &t->loop, .libctx = f->node.libctx, .data = f->node.settings->data,
        .listen = &f->node.settings->listen_peer, .peer_address = f->node.peer_address, .client_address = f->node.client_address,
        .sign = vault_signer_sign, .sign_arg = &t->node_signer, .node_call = node_call, .joined = on_open, .arg = f};

    *t = (struct front_thread){.node = &f->node, .dead = on_dead, .quieted = on_quieted, .arg = f};
    if (!front_thread_open(t, FRONT_FIRST_PAIR_FD, FRONT_FIRST_PAIR_FD + 1, why))
        return false;
    f->n_threads = 1;
    f->node.peers = peers_new(&peers, why);
    if (f->node.peers == NULL)
        return false;
    life.errands = t->errands;
    f->node.life = life_new(&life, why);
    if (f->node.life == NULL)
        return false;
    uv_timer_init(&t->loop, &f->goodbye);
    uv_signal_init(&t->loop, &f->term);
    uv_signal_init(&t->loop, &f->interrupt);
    f->goodbye.data = f->term.data = f->interrupt.data = f;
    uv_signal_start(&f->term, on_signal, SIGTERM);
    uv_signal_start(&f->interrupt, on_signal, SIGINT);
    return true;
}

static void close_node(struct front *f)
{
    for (unsigned i = 0; i < f->n_threads; i++)
        front_thread_join(&f->thread[i]);
    state_free(f->node.state);
    public_facts_free(f->node.facts);
    OSSL_LIB_CTX_free(f->node.libctx);
    close(f->lock_fd);
}

bool front_run(const struct node_settings *settings, bool create)
{
    struct front *f = calloc(1, sizeof *f);
    struct diag why = {.what = "out of memory"};
    bool ok;

    if (f != NULL) {
        f->node.settings = settings;
        f->node.create = create;
    }
    /* What fails here ends the process, and takes along what was opened. */
    if (f == NULL || !take_folder(f, &why) || !open_node(f, &why) || !open_thread_0(f, &why)) {
        log_end(&why);
        return false;
    }
    life_start(f->node.life);
    uv_run(&f->thread[0].loop, UV_RUN_DEFAULT);
    close_node(f);
    ok = !f->failed;
    free(f);
    return ok;
}
