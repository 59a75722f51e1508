/* A slot is empty, being dialled by one thread, or up; a connection that died is closed when its last borrower gives it back.
 *
 *   empty ──► dialling ──► up ──► (dead, borrowed) ──► empty
 *                 └── failed: its node is avoided for a while, the next one is tried ──► empty
 */
#include "module/rpc/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "proto/limits.h"

enum {
    SLOTS_MAX = 16,
    ADDRESSES_MAX = 4 * NODES_MAX,
    DIAL_MS = 3000,       /* for one node: another may answer sooner */
    AVOID_MS = 500,       /* after a loss; doubled each time */
    AVOID_MS_MAX = 8000,
    RETRY_PAUSE_MS = 50   /* every node was tried: do not spin */
};

enum slot_state { SLOT_EMPTY, SLOT_DIALLING, SLOT_UP };

struct slot {
    enum slot_state state;
    struct connection *connection;
    unsigned borrowers;
    unsigned address; /* in pool.addresses */
    unsigned login;
    bool retired;     /* close it when the last borrower has gone */
    pthread_mutex_t login_lock;
};

struct address {
    char *text;
    uint64_t avoid_until_ms;
    unsigned losses; /* in a row */
};

struct pool {
    struct rpc_config config;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a dialling has ended */
    struct slot slots[SLOTS_MAX];
    unsigned n_slots;
    struct address addresses[ADDRESSES_MAX];
    unsigned n_addresses;
    unsigned next_address;
    struct cluster_view view; /* filled by the first connection */
    struct diag last_failure; /* empty: none */
};

static char *copy_text(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = malloc(n); /* not strdup: a host may bring its own allocator, and then it is another's memory */
    if (copy != NULL)
        memcpy(copy, text, n);
    return copy;
}

static bool add_address(struct pool *p, const char *text)
{
    for (unsigned i = 0; i < p->n_addresses; i++)
        if (strcmp(p->addresses[i].text, text) == 0)
            return true;
    if (p->n_addresses == ADDRESSES_MAX)
        return true; /* enough to find the cluster by */
    p->addresses[p->n_addresses].text = copy_text(text);
    if (p->addresses[p->n_addresses].text == NULL)
        return false;
    p->n_addresses++;
    return true;
}

static void make_locks(struct pool *p)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, &attr);
    pthread_condattr_destroy(&attr);
    for (unsigned i = 0; i < SLOTS_MAX; i++)
        pthread_mutex_init(&p->slots[i].login_lock, NULL);
}

enum err pool_new(const struct rpc_config *config, struct pool **out)
{
    struct pool *p = calloc(1, sizeof *p);
    if (p == NULL) {
        config->dialer->free(config->dialer);
        return ERR_NO_MEMORY;
    }
    p->config = *config;
    p->n_slots = config->connections > SLOTS_MAX ? SLOTS_MAX : config->connections > 0 ? config->connections : 1;
    make_locks(p);
    for (size_t i = 0; i < config->n_servers; i++) {
        if (!add_address(p, config->servers[i])) {
            pool_free(p);
            return ERR_NO_MEMORY;
        }
    }
    if (p->n_addresses == 0) {
        pool_free(p);
        return ERR_ARGUMENTS;
    }
    /* Many clients with one configuration must not all begin at its first line. */
    p->next_address = (unsigned)(clock_boot_ns() / 1000u) % p->n_addresses;
    *out = p;
    return ERR_OK;
}

void pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    for (unsigned i = 0; i < p->n_slots; i++)
        if (p->slots[i].state == SLOT_UP)
            connection_close(p->slots[i].connection, false);
    for (unsigned i = 0; i < p->n_addresses; i++)
        free(p->addresses[i].text);
    p->config.dialer->free(p->config.dialer);
    free(p);
}

void pool_after_fork(struct pool *p)
{
    make_locks(p); /* whoever held them is not in this process */
    for (unsigned i = 0; i < p->n_slots; i++) {
        struct slot *s = &p->slots[i];
        if (s->connection != NULL)
            connection_close(s->connection, true);
        s->connection = NULL;
        s->state = SLOT_EMPTY;
        s->borrowers = s->login = 0;
        s->retired = false;
    }
}

/* ---- dialling, with the lock given up meanwhile ----------------------------------------------------------- */

/* The next address that is not avoided; if all are, the one whose time comes first, and *wait_ms until then. */
static unsigned pick_address(struct pool *p, uint64_t now, uint64_t *wait_ms)
{
    unsigned best = 0;
    uint64_t soonest = UINT64_MAX;
    for (unsigned i = 0; i < p->n_addresses; i++) {
        unsigned k = (p->next_address + i) % p->n_addresses;
        uint64_t until = p->addresses[k].avoid_until_ms;
        if (until <= now) {
            p->next_address = k + 1;
            *wait_ms = 0;
            return k;
        }
        if (until < soonest) {
            soonest = until;
            best = k;
        }
    }
    *wait_ms = soonest - now;
    return best;
}

static void avoid_address(struct pool *p, unsigned k)
{
    struct address *a = &p->addresses[k];
    unsigned doubled = a->losses < 5 ? a->losses : 5;
    uint64_t pause = (uint64_t)AVOID_MS << doubled;
    a->losses++;
    a->avoid_until_ms = clock_boot_ms() + (pause > AVOID_MS_MAX ? AVOID_MS_MAX : pause);
}

/* `view` is the caller's copy: the lock is not held here. */
static enum err open_connection(struct pool *p, const char *address, unsigned timeout_ms, struct cluster_view *view,
                                struct connection **out, Hsm__Welcome **welcome, struct diag *why)
{
    struct stream *stream = NULL;
    enum err e = p->config.dialer->dial(p->config.dialer, address, timeout_ms, &stream, why);
    return e != ERR_OK ? e : connection_open(stream, p->config.libctx, timeout_ms, view, out, welcome, why);
}

/* Called and returns with the lock held. */
static enum err dial_slot(struct pool *p, struct slot *s, unsigned k, uint64_t deadline_ms, struct diag *why)
{
    uint64_t now = clock_boot_ms();
    uint64_t left = deadline_ms > now ? deadline_ms - now : 1;
    struct cluster_view view = p->view;
    struct diag failure = {0};
    Hsm__Welcome *welcome = NULL;
    struct connection *c = NULL;
    enum err e;

    s->state = SLOT_DIALLING;
    s->address = k;
    pthread_mutex_unlock(&p->lock);
    e = open_connection(p, p->addresses[k].text, left < DIAL_MS ? (unsigned)left : DIAL_MS, &view, &c, &welcome, &failure);
    pthread_mutex_lock(&p->lock);

    if (e == ERR_OK && (!p->view.known || view.login_epoch > p->view.login_epoch))
        p->view = view;
    if (e == ERR_OK) {
        s->connection = c;
        s->state = SLOT_UP;
        s->login = 0;
        s->retired = false;
        p->addresses[k].losses = 0;
        for (size_t i = 0; welcome != NULL && i < welcome->n_members; i++)
            (void)add_address(p, welcome->members[i]); /* no memory: one address fewer */
    } else {
        s->state = SLOT_EMPTY;
        avoid_address(p, k);
        if (failure.what[0] == '\0')
            diag_set(&failure, "%s", err_text(e));
        if (strstr(failure.what, p->addresses[k].text) == NULL)
            diag_where(&failure, p->addresses[k].text, 0);
        p->last_failure = failure;
        if (why != NULL)
            *why = failure;
    }
    if (welcome != NULL)
        hsm__welcome__free_unpacked(welcome, NULL);
    pthread_cond_broadcast(&p->changed);
    return e;
}

/* ---- borrowing --------------------------------------------------------------------------------------------- */

static void wait_changed(struct pool *p, uint64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&p->changed, &p->lock, &t);
}

static void close_retired(struct slot *s)
{
    if (s->state != SLOT_UP || !s->retired || s->borrowers > 0)
        return;
    connection_close(s->connection, false);
    s->connection = NULL;
    s->state = SLOT_EMPTY;
}

void pool_last_failure(struct pool *p, struct diag *why)
{
    pthread_mutex_lock(&p->lock);
    if (p->last_failure.what[0] != '\0')
        *why = p->last_failure;
    pthread_mutex_unlock(&p->lock);
}

/* The usable connection with the fewest borrowers; and an empty slot, where one more connection would help. */
static struct slot *choose(struct pool *p, struct slot **empty, bool *dialling)
{
    struct slot *best = NULL;
    *empty = NULL;
    *dialling = false;
    for (unsigned i = 0; i < p->n_slots; i++) {
        struct slot *s = &p->slots[i];
        if (s->state == SLOT_UP && !s->retired && connection_is_dead(s->connection))
            s->retired = true;
        close_retired(s);
        if (s->state == SLOT_EMPTY && *empty == NULL)
            *empty = s;
        if (s->state == SLOT_DIALLING)
            *dialling = true;
        if (s->state == SLOT_UP && !s->retired && (best == NULL || s->borrowers < best->borrowers))
            best = s;
    }
    return best;
}

/* So many on one connection before another one is worth its handshake. */
enum { CROWD = 4 };

enum err pool_borrow(struct pool *p, uint64_t deadline_ms, struct slot **out, struct diag *why)
{
    enum err e = ERR_LOST;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        struct slot *empty, *s;
        bool dialling;
        uint64_t wait_ms = 0, now = clock_boot_ms();
        unsigned k;

        s = choose(p, &empty, &dialling);
        if (s != NULL && (s->borrowers < CROWD || empty == NULL || dialling)) {
            s->borrowers++;
            *out = s;
            e = ERR_OK;
            break;
        }
        k = pick_address(p, now, &wait_ms);
        if (s != NULL && wait_ms > 0) { /* crowded, but nobody else is there */
            s->borrowers++;
            *out = s;
            e = ERR_OK;
            break;
        }
        if (now >= deadline_ms)
            break;
        if (wait_ms > 0 || empty == NULL || (dialling && s == NULL)) {
            uint64_t left = deadline_ms - now;
            wait_ms = wait_ms > 0 ? wait_ms : RETRY_PAUSE_MS;
            wait_changed(p, wait_ms < left ? wait_ms : left);
            continue;
        }
        e = dial_slot(p, empty, k, deadline_ms, why);
        if (e == ERR_NO_MEMORY) /* anything else is one node's fault, and another may be sound */
            break;
    }
    pthread_mutex_unlock(&p->lock);
    return e;
}

void pool_give_back(struct pool *p, struct slot *s, bool avoid)
{
    pthread_mutex_lock(&p->lock);
    s->borrowers--;
    if (avoid) {
        if (!s->retired)
            avoid_address(p, s->address);
        s->retired = true;
    }
    close_retired(s);
    pthread_mutex_unlock(&p->lock);
}

void pool_drop_all(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    for (unsigned i = 0; i < p->n_slots; i++) {
        if (p->slots[i].state == SLOT_UP)
            p->slots[i].retired = true;
        close_retired(&p->slots[i]);
    }
    pthread_mutex_unlock(&p->lock);
}

struct connection *slot_connection(struct slot *s)
{
    return s->connection;
}

unsigned slot_login(const struct slot *s)
{
    return s->login;
}

void slot_set_login(struct slot *s, unsigned generation)
{
    s->login = generation;
}

void slot_login_lock(struct slot *s)
{
    pthread_mutex_lock(&s->login_lock);
}

void slot_login_unlock(struct slot *s)
{
    pthread_mutex_unlock(&s->login_lock);
}
