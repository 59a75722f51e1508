/*
 * A snapshot's file on its way to a member, over a connection of its own, so that it never stands before a lease message:
 *
 *   dial -> hello, hello -> begin -> chunks, each read from the file by libuv's pool when the one before has nearly left
 *        -> end with the hash of all -> the receiver's end: it is loaded there -> over
 *
 * At most one chunk is read and few are queued, so memory is bounded whatever the file's length. Whatever goes wrong ends
 * it: Raft starts another one. Until it is over, sending_set refuses a second to the same member.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/peers_state.h"

enum { AHEAD_BYTES = 2 * SNAPSHOT_CHUNK_BYTES, RAFT_BYTES_MAX = 64 * 1024, LOAD_MS_MAX = 150000 };

struct outbound {
    struct outbound *next;
    struct peers *p;
    uint64_t to, bytes, at, ended_ms;
    int fd;
    uint8_t *raft; /* Raft's message that the file belongs to */
    size_t raft_bytes;
    struct peer_hash *hash;
    struct peer_dial *dial;
    struct connection *c;
    bool greeted, reading, ended, over;
    uv_fs_t read;
    uint8_t chunk[SNAPSHOT_CHUNK_BYTES];
};

/* ---- who is being sent to: the replica's thread asks ---- */

bool sending_set(struct peers *p, uint64_t id)
{
    size_t unused = MEMBERS_MAX;
    bool is_sending = false;

    uv_mutex_lock(&p->lock);
    for (size_t i = 0; i < MEMBERS_MAX; i++) {
        is_sending = is_sending || p->sending[i] == id;
        if (p->sending[i] == 0)
            unused = i;
    }
    if (!is_sending && unused < MEMBERS_MAX)
        p->sending[unused] = id;
    uv_mutex_unlock(&p->lock);
    return !is_sending && unused < MEMBERS_MAX;
}

void sending_clear(struct peers *p, uint64_t id)
{
    uv_mutex_lock(&p->lock);
    for (size_t i = 0; i < MEMBERS_MAX; i++)
        if (p->sending[i] == id)
            p->sending[i] = 0;
    uv_mutex_unlock(&p->lock);
}

/* ---- the end ---- */

static void free_when_idle(struct outbound *o)
{
    struct outbound **at = &o->p->outbound;
    struct peers *p = o->p;

    if (o->c != NULL || o->reading)
        return;
    while (*at != o)
        at = &(*at)->next;
    *at = o->next;
    if (o->dial != NULL)
        peer_dial_cancel(o->dial);
    sending_clear(p, o->to);
    close(o->fd);
    peer_hash_free(o->hash);
    free(o->raft);
    free(o);
    peers_let_go(p);
}

static void stop(struct outbound *o, const char *reason)
{
    if (!o->over)
        log_warning("snapshot_not_sent", "node=%llu bytes=%llu of=%llu why=\"%s\"", (unsigned long long)o->to,
            (unsigned long long)o->at, (unsigned long long)o->bytes, reason);
    o->over = true;
    if (o->c != NULL)
        connection_end(o->c, reason);
    else
        free_when_idle(o);
}

/* ---- the file ---- */

static void send_end(struct outbound *o)
{
    Hsm__PeerMessage m = HSM__PEER_MESSAGE__INIT;
    Hsm__SnapshotEnd end = HSM__SNAPSHOT_END__INIT;
    uint8_t hash[PEER_HASH_BYTES];

    if (!peer_hash_final(o->hash, hash)) {
        stop(o, "no memory");
        return;
    }
    m.of_case = HSM__PEER_MESSAGE__OF_SNAPSHOT_END;
    m.snapshot_end = &end;
    end.sha256.data = hash;
    end.sha256.len = sizeof hash;
    o->ended = true;
    o->ended_ms = peers_now(o->p);
    (void)peer_message_send(o->c, &m);
}

static bool send_chunk(struct outbound *o, size_t n)
{
    Hsm__PeerMessage m = HSM__PEER_MESSAGE__INIT;
    Hsm__SnapshotChunk chunk = HSM__SNAPSHOT_CHUNK__INIT;

    m.of_case = HSM__PEER_MESSAGE__OF_SNAPSHOT_CHUNK;
    m.snapshot_chunk = &chunk;
    chunk.offset = o->at;
    chunk.data.data = o->chunk;
    chunk.data.len = n;
    o->at += n;
    return peer_hash_update(o->hash, o->chunk, n) && peer_message_send(o->c, &m);
}

static void read_on(struct outbound *o);

static void on_read(uv_fs_t *read)
{
    struct outbound *o = read->data;
    ssize_t n = read->result;

    uv_fs_req_cleanup(read);
    o->reading = false;
    if (o->c == NULL)
        free_when_idle(o);
    else if (n <= 0)
        stop(o, n == 0 ? "the file is shorter than it was" : uv_strerror((int)n));
    else if (!send_chunk(o, (size_t)n))
        stop(o, "no memory, or the connection ended");
    else
        read_on(o);
}

static void read_on(struct outbound *o)
{
    uv_buf_t into = uv_buf_init((char *)o->chunk, sizeof o->chunk);

    if (!o->greeted || o->reading || o->ended || connection_waiting(o->c) > AHEAD_BYTES)
        return;
    if (o->at == o->bytes) {
        send_end(o);
        return;
    }
    if (o->bytes - o->at < into.len)
        into.len = (size_t)(o->bytes - o->at);
    o->read.data = o;
    o->reading = uv_fs_read(o->p->loop, &o->read, o->fd, &into, 1, (int64_t)o->at, on_read) == 0;
    if (!o->reading)
        stop(o, "the file cannot be read");
}

/* ---- events ---- */

static void on_open(void *owner, struct connection *c)
{
    struct outbound *o = owner;
    (void)hello_send(o->p, c, true);
}

static bool take_hello(struct outbound *o, const Hsm__PeerHello *h)
{
    Hsm__PeerMessage m = HSM__PEER_MESSAGE__INIT;
    Hsm__SnapshotBegin begin = HSM__SNAPSHOT_BEGIN__INIT;

    if (hello_check(o->p, o->c, h, NULL) != ERR_OK || h->node_id != o->to) {
        stop(o, "another node than the member answers");
        return true;
    }
    m.of_case = HSM__PEER_MESSAGE__OF_SNAPSHOT_BEGIN;
    m.snapshot_begin = &begin;
    begin.bytes = o->bytes;
    begin.raft.data = o->raft;
    begin.raft.len = o->raft_bytes;
    o->greeted = true;
    if (peer_message_send(o->c, &m))
        read_on(o);
    return true;
}

static bool take(struct outbound *o, const Hsm__PeerMessage *m)
{
    if (m->of_case == HSM__PEER_MESSAGE__OF_REFUSED) {
        stop(o, "the other node refuses it");
    } else if (m->of_case == HSM__PEER_MESSAGE__OF_HELLO && !o->greeted) {
        return take_hello(o, m->hello);
    } else if (m->of_case == HSM__PEER_MESSAGE__OF_SNAPSHOT_END && o->ended) {
        o->over = true;
        log_info("snapshot_sent", "node=%llu bytes=%llu", (unsigned long long)o->to, (unsigned long long)o->bytes);
        connection_end(o->c, "the snapshot is there");
    } else {
        return false;
    }
    return true;
}

static bool on_frame(void *owner, struct connection *c, const uint8_t *bytes, size_t n)
{
    Hsm__PeerMessage *m = peer_message_read(bytes, n);
    bool ok = m != NULL && take(owner, m);

    (void)c;
    if (m != NULL)
        hsm__peer_message__free_unpacked(m, NULL);
    return ok;
}

static void on_writable(void *owner, struct connection *c)
{
    (void)c;
    read_on(owner);
}

static void on_closed(void *owner, struct connection *c, const char *reason)
{
    struct outbound *o = owner;

    (void)c;
    o->c = NULL;
    stop(o, reason);
}

static const struct connection_events events = {
    .open = on_open, .frame = on_frame, .writable = on_writable, .closed = on_closed};

static void on_dialled(void *arg, struct connection *c, const char *reason)
{
    struct outbound *o = arg;

    o->dial = NULL;
    o->c = c;
    if (c == NULL)
        stop(o, reason);
}

void outbound_start(struct peers *p, uint64_t to, int fd, uint8_t *raft, size_t n)
{
    struct outbound *o = calloc(1, sizeof *o);
    const struct peer *e = peer_find(p, to);
    struct connection_setup setup = {.loop = p->loop, .tls = peer_trust_context(p->trust, TLS_CLIENT), .dialled = true,
        .limits = peers_limits(), .events = &events, .owner = o};
    struct diag why = {0};
    struct stat st;

    if (o == NULL || fstat(fd, &st) != 0 || n > RAFT_BYTES_MAX) {
        free(o);
        free(raft);
        close(fd);
        sending_clear(p, to);
        return;
    }
    *o = (struct outbound){.next = p->outbound, .p = p, .to = to, .bytes = (uint64_t)st.st_size, .fd = fd, .raft = raft,
        .raft_bytes = n, .hash = peer_hash_new(p->setup.libctx)};
    p->outbound = o;
    peers_hold(p);
    if (e != NULL && e->up && setup.tls != NULL && o->hash != NULL)
        o->dial = peer_dial(&setup, e->address, on_dialled, o, &why);
    if (o->dial == NULL)
        stop(o, "the other node is not connected");
}

void outbound_tick(struct peers *p)
{
    struct outbound *o, *next;

    for (o = p->outbound; o != NULL; o = next) {
        next = o->next;
        if (o->ended && !o->over && peers_now(p) - o->ended_ms > LOAD_MS_MAX)
            stop(o, "the other node does not say that it is loaded");
    }
}

void outbound_end(struct peers *p)
{
    struct outbound *o, *next;

    for (o = p->outbound; o != NULL; o = next) {
        next = o->next;
        stop(o, "the node stops");
    }
}
