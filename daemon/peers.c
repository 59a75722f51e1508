#include "daemon/peers.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/text.h"
#include "daemon/peers_state.h"

/* ---- small things for all ---- */

uint64_t peers_now(const struct peers *p)
{
    return uv_now(p->loop);
}

struct connection_limits peers_limits(void)
{
    return (struct connection_limits){.frame_bytes_max = PEER_FRAME_BYTES_MAX,
        .out_bytes_max = PEER_QUEUE_BYTES_MAX + PEER_FRAME_BYTES_MAX, .pending_max = 8, .handshake_ms_max = SILENCE_MS_MAX,
        .stall_ms_max = SILENCE_MS_MAX};
}

bool peers_copy_address(char out[PEERS_ADDRESS_BYTES], const char *text)
{
    size_t n = strlen(text);

    if (n >= PEERS_ADDRESS_BYTES)
        return false;
    for (size_t i = 0; i < n; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    memcpy(out, text, n + 1);
    return true;
}

/* ---- end ---- */

void peers_hold(struct peers *p)
{
    p->holds++;
}

static void release_all(struct peers *p)
{
    peer_book_free(p->book);
    SSL_CTX_free(p->listener_tls);
    peer_trust_free(p->trust);
    if (p->facts != NULL)
        hsm__node_facts__free_unpacked(p->facts, NULL);
    free(p->listen.host);
    free((char *)(uintptr_t)p->setup.peer_address);
    free((char *)(uintptr_t)p->setup.client_address);
    uv_mutex_destroy(&p->lock);
    free(p);
}

void peers_let_go(struct peers *p)
{
    if (--p->holds == 0)
        release_all(p);
}

static void on_gone(void *arg)
{
    peers_let_go(arg);
}

static void on_timer_closed(uv_handle_t *timer)
{
    peers_let_go(timer->data);
}

static void stop_links(struct peers *p)
{
    struct peer *e, *next;

    if (p->listener != NULL)
        listener_close(p->listener, on_gone, p); /* its hold */
    p->listener = NULL;
    for (e = p->peers; e != NULL; e = next) {
        next = e->next;
        if (!e->dropped)
            peer_drop(e, "the node stops");
    }
    outbound_end(p);
    inbound_end(p);
}

void peers_free(struct peers *p)
{
    if (p == NULL)
        return;
    p->freed = true;
    p->replica = NULL;
    peers_hold(p);
    join_end(p);
    stop_links(p);
    mailbox_close(p->mailbox); /* delivers what is left */
    forward_end(p);
    uv_close((uv_handle_t *)&p->timer, on_timer_closed);
    peers_hold(p);
    peer_book_stop(p->book, on_gone, p);
    peers_let_go(p);
}

/* ---- what other threads see ---- */

static const char *role_of(const struct peers *p, const struct member *m)
{
    static const char *const names[] = {[MEMBER_STANDBY] = "standby", [MEMBER_VOTER] = "voter", [MEMBER_SPARE] = "spare"};
    return m->id == p->status.leader ? "leader" : names[m->role];
}

static void row_fill(struct peers *p, const struct member *m, struct peers_status *row)
{
    const struct peer_book_row *r = peer_book_find(p->book, m->id);
    const struct peer *e = peer_find(p, m->id);
    bool self = m->id == p->id;

    *row = (struct peers_status){.id = m->id, .role = role_of(p, m), .connected = self || (e != NULL && e->up)};
    (void)peers_copy_address(row->peer_address, m->address);
    if (self)
        (void)peers_copy_address(row->client_address, p->setup.client_address);
    else if (r != NULL)
        (void)peers_copy_address(row->client_address, r->client_address);
    row->applied = self ? p->status.applied : r != NULL ? r->applied : 0;
    for (size_t i = 0; i < p->n_identities && !row->has_fingerprint; i++)
        if (p->identities[i].id == m->id) {
            row->has_fingerprint = true;
            memcpy(row->fingerprint, p->identities[i].fingerprint, sizeof row->fingerprint);
        }
}

static void publish(struct peers *p)
{
    struct peers_status rows[MEMBERS_MAX];
    size_t n = 0;
    bool degraded = false;

    for (; n < p->status.members.n; n++) {
        row_fill(p, &p->status.members.member[n], &rows[n]);
        degraded = degraded || (p->status.members.member[n].role == MEMBER_VOTER && !rows[n].connected);
    }
    uv_mutex_lock(&p->lock);
    memcpy(p->rows, rows, n * sizeof rows[0]);
    p->n_rows = n;
    p->degraded = degraded;
    uv_mutex_unlock(&p->lock);
}

size_t peers_status(struct peers *p, struct peers_status *out)
{
    size_t n;

    uv_mutex_lock(&p->lock);
    n = p->n_rows;
    memcpy(out, p->rows, n * sizeof out[0]);
    uv_mutex_unlock(&p->lock);
    return n;
}

bool peers_degraded(struct peers *p)
{
    bool is;

    uv_mutex_lock(&p->lock);
    is = p->degraded;
    uv_mutex_unlock(&p->lock);
    return is;
}

const char *peers_join_trouble(const struct peers *p)
{
    return p->join != NULL ? join_trouble(p->join) : "";
}

/* ---- time ---- */

static void on_tick(uv_timer_t *timer)
{
    struct peers *p = timer->data;

    join_tick(p);
    if (p->replica == NULL)
        return;
    replica_status(p->replica, &p->status);
    peer_members(p);
    for (struct peer *e = p->peers; e != NULL; e = e->next)
        peer_tick(e);
    for (struct incoming *i = p->incoming; i != NULL; i = i->next)
        incoming_tick(i);
    forward_tick(p);
    inbound_tick(p);
    outbound_tick(p);
    admit_tick(p);
    publish(p);
}

/* ---- start ---- */

static bool copy_setup(struct peers *p, const struct peers_setup *setup)
{
    p->setup = *setup;
    p->loop = setup->loop;
    p->listen = (struct address){.host = text_copy(setup->listen->host), .port = setup->listen->port};
    p->setup.peer_address = text_copy(setup->peer_address);
    p->setup.client_address = text_copy(setup->client_address);
    return p->listen.host != NULL && p->setup.peer_address != NULL && p->setup.client_address != NULL;
}

struct peers *peers_new(const struct peers_setup *setup, struct diag *why)
{
    struct peers *p = calloc(1, sizeof *p);

    if (p == NULL) {
        diag_set(why, "out of memory");
        return NULL;
    }
    uv_mutex_init(&p->lock);
    diag_set(why, "out of memory");
    if (copy_setup(p, setup))
        p->trust = peer_trust_new(setup->libctx, setup->sign, setup->sign_arg);
    if (p->trust != NULL)
        p->book = peer_book_open(p->loop, setup->data, why);
    if (p->book != NULL)
        p->mailbox = mailbox_open(p->loop, why);
    if (p->mailbox == NULL) {
        release_all(p);
        return NULL;
    }
    diag_clear(why);
    uv_timer_init(p->loop, &p->timer);
    p->timer.data = p;
    peers_hold(p); /* the timer's */
    uv_timer_start(&p->timer, on_tick, TICK_MS, TICK_MS);
    return p;
}

static Hsm__NodeFacts *facts_copy(const Hsm__NodeFacts *facts)
{
    size_t n = hsm__node_facts__get_packed_size(facts);
    uint8_t *bytes = malloc(n + 1);
    Hsm__NodeFacts *copy = NULL;

    if (bytes != NULL) {
        hsm__node_facts__pack(facts, bytes);
        copy = hsm__node_facts__unpack(NULL, n, bytes);
    }
    free(bytes);
    return copy;
}

/* Who was removed is forgotten, and cut off. */
static void take_identities(struct peers *p, const Hsm__NodeFacts *facts)
{
    p->n_identities = 0;
    for (size_t i = 0; i < facts->n_members && p->n_identities < PEER_BOOK_ROWS_MAX; i++) {
        const Hsm__NodeIdentity *who = facts->members[i];
        if (who->node_id == 0 || who->fingerprint.len != PEER_HASH_BYTES)
            continue;
        p->identities[p->n_identities].id = who->node_id;
        memcpy(p->identities[p->n_identities++].fingerprint, who->fingerprint.data, PEER_HASH_BYTES);
        if (who->node_id != p->id)
            peer_book_know(p->book, who->node_id, who->fingerprint.data, NULL, NULL);
    }
    if (p->n_identities == 0)
        return;
    for (size_t i = peer_book_count(p->book); i-- > 0;) {
        uint64_t id = peer_book_at(p->book, i)->id;
        bool is_there = peer_is_wanted(p, id); /* the record may be older than the log's members: see identity_known */
        for (size_t k = 0; k < p->n_identities; k++)
            is_there = is_there || p->identities[k].id == id;
        if (!is_there)
            peer_book_forget(p->book, id);
    }
    for (struct incoming *i = p->incoming; i != NULL; i = i->next)
        if (i->id != 0 && peer_book_find(p->book, i->id) == NULL && i->kind == INCOMING_MEMBER)
            connection_end(i->c, "no member any more");
}

bool peers_facts(struct peers *p, const Hsm__NodeFacts *facts, struct diag *why)
{
    Hsm__NodeFacts *copy = facts_copy(facts);

    if (copy == NULL) {
        diag_set(why, "out of memory");
        return false;
    }
    if (!peer_trust_set(p->trust, copy, why)) {
        hsm__node_facts__free_unpacked(copy, NULL);
        return false;
    }
    if (p->facts != NULL)
        hsm__node_facts__free_unpacked(p->facts, NULL);
    p->facts = copy;
    if (copy->cluster_id.len == CLUSTER_ID_BYTES)
        memcpy(p->cluster_id, copy->cluster_id.data, CLUSTER_ID_BYTES);
    take_identities(p, copy);
    return true;
}

static bool listen_on(struct peers *p, struct diag *why)
{
    struct connection_setup setup = {.loop = p->loop, .tls = peer_trust_context(p->trust, TLS_SERVER),
        .limits = peers_limits(), .events = &incoming_events, .owner = p};

    if (setup.tls == NULL) {
        diag_set(why, "this node has no certificate to show to others");
        diag_remedy(why, "provision it: hsmctl node provision");
        return false;
    }
    p->listener = listener_open(&setup, p->listen.host, p->listen.port, PEER_CONNECTIONS_MAX, why);
    if (p->listener == NULL)
        return false;
    peers_hold(p);
    SSL_CTX_free(p->listener_tls);
    p->listener_tls = setup.tls;
    SSL_CTX_up_ref(setup.tls);
    return true;
}

bool peers_replica(struct peers *p, struct replica *r, struct diag *why)
{
    if (r == NULL) {
        p->replica = NULL;
        stop_links(p);
        return true;
    }
    if (p->listener == NULL && !listen_on(p, why))
        return false;
    join_end(p);
    p->replica = r;
    replica_status(r, &p->status);
    p->id = p->status.id;
    publish(p);
    return true;
}

uint16_t peers_port(const struct peers *p)
{
    return p->listener != NULL ? listener_port(p->listener) : 0;
}

/* ---- the replica's links: on its thread ---- */

struct letter {
    struct peers *p;
    uint64_t to;
    int fd; /* -1: a message; else a snapshot's file */
    size_t n;
    uint8_t *bytes;
};

static void on_letter(void *arg)
{
    struct letter *l = arg;

    atomic_fetch_sub(&l->p->letter_bytes, l->n);
    if (l->fd < 0) {
        peer_send_raft(l->p, l->to, l->bytes, l->n);
        free(l->bytes);
    } else {
        outbound_start(l->p, l->to, l->fd, l->bytes, l->n);
    }
    free(l);
}

/* False: it is lost; the descriptor is still the caller's. */
static bool post(struct peers *p, uint64_t to, int fd, const uint8_t *bytes, size_t n)
{
    struct letter *l = malloc(sizeof *l);
    uint8_t *copy = malloc(n + 1);
    bool ok = l != NULL && copy != NULL;

    if (ok) {
        memcpy(copy, bytes, n);
        *l = (struct letter){.p = p, .to = to, .fd = fd, .n = n, .bytes = copy};
        ok = atomic_fetch_add(&p->letter_bytes, n) + n <= 4 * (size_t)PEER_QUEUE_BYTES_MAX &&
             mailbox_post(p->mailbox, on_letter, l);
        if (ok)
            return true;
        atomic_fetch_sub(&p->letter_bytes, n);
    }
    free(copy);
    free(l);
    return false;
}

static void link_send(void *data, uint64_t to, const uint8_t *bytes, size_t n)
{
    (void)post(data, to, -1, bytes, n);
}

static void link_send_snapshot(void *data, uint64_t to, const uint8_t *bytes, size_t n, const char *path)
{
    struct peers *p = data;
    int fd;

    if (!sending_set(p, to))
        return;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && post(p, to, fd, bytes, n))
        return;
    if (fd >= 0)
        close(fd);
    sending_clear(p, to);
}

static bool link_sending_snapshot(void *data, uint64_t to)
{
    struct peers *p = data;
    bool is = false;

    uv_mutex_lock(&p->lock);
    for (size_t i = 0; i < MEMBERS_MAX; i++)
        is = is || p->sending[i] == to;
    uv_mutex_unlock(&p->lock);
    return is;
}

const struct replica_links peers_links = {link_send, link_send_snapshot, link_sending_snapshot};
