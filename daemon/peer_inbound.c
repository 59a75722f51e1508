/*
 * A snapshot on its way to this node; one at a time.
 *
 *   begin -> chunks -> end -> given to the replica -> loaded -> our end, and the connection closes
 *
 * Chunks are hashed and written by libuv's pool; the connection's reader stops while a few wait. The file is synced
 * before the replica gets it, as its log is about to be given up for it. The sender hears of the end only when the state
 * is loaded, so that it does not send the next one on top of this one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/log.h"
#include "common/secret.h"
#include "common/whole.h"
#include "daemon/peers_state.h"
#include "daemon/replica/message.h"

enum { PATH_BYTES = 1024, LOAD_MS_MAX = 120000, SETTLE_MS_MAX = 5000, PAUSE_MS_MAX = 30000 };

struct piece {
    struct piece *next;
    size_t n;
    uint8_t bytes[];
};

enum phase { RECEIVING, LOADING };

struct inbound {
    struct peers *p;
    uint64_t serial, from; /* serial 0: the connection is gone */
    enum phase phase;
    char path[PATH_BYTES], part[PATH_BYTES + 8]; /* the replica's, and ours until it is whole */
    int fd;
    uint8_t *raft;
    size_t raft_bytes;
    uint64_t index, bytes, got;
    struct peer_hash *hash;
    struct piece *waiting, *working; /* oldest first */
    bool is_working, has_end;
    uint8_t end[PEER_HASH_BYTES];
    uv_work_t work;
    int fault;         /* of the work: errno, or -1: not what was sent */
    bool was_last;     /* the work also synced and compared */
    uint64_t until_ms, gone_ms;
};

/* ---- the end ---- */

static void pieces_free(struct piece *one)
{
    while (one != NULL) {
        struct piece *next = one->next;
        free(one);
        one = next;
    }
}

static void inbound_free(struct inbound *b)
{
    struct peers *p = b->p;

    if (b->fd >= 0)
        close(b->fd);
    if (b->phase == RECEIVING)
        unlink(b->part);
    pieces_free(b->waiting);
    peer_hash_free(b->hash);
    free(b->raft);
    free(b);
    p->inbound = NULL;
    peers_let_go(p);
}

static void fail(struct inbound *b, const char *reason)
{
    struct incoming *i = incoming_find(b->p, b->serial);

    log_warning("snapshot_not_received", "node=%llu bytes=%llu of=%llu why=\"%s\"", (unsigned long long)b->from,
        (unsigned long long)b->got, (unsigned long long)b->bytes, reason);
    b->serial = 0;
    if (i != NULL)
        peer_message_refuse(i->c, ERR_IO, reason, NULL, "the snapshot failed");
    if (!b->is_working)
        inbound_free(b);
}

/* ---- writing, on the pool ---- */

static bool write_piece(struct inbound *b, const struct piece *one)
{
    return whole_write(b->fd, one->bytes, one->n) && peer_hash_update(b->hash, one->bytes, one->n);
}

static void on_work(uv_work_t *work)
{
    struct inbound *b = work->data;
    uint8_t hash[PEER_HASH_BYTES];

    for (const struct piece *one = b->working; one != NULL && b->fault == 0; one = one->next)
        if (!write_piece(b, one))
            b->fault = errno != 0 ? errno : EIO;
    if (!b->was_last || b->fault != 0)
        return;
    if (fsync(b->fd) != 0)
        b->fault = errno;
    else if (!peer_hash_final(b->hash, hash) || !bytes_equal(hash, b->end, sizeof hash))
        b->fault = -1;
    else if (rename(b->part, b->path) != 0)
        b->fault = errno;
}

static void load(struct inbound *b)
{
    b->phase = LOADING;
    b->until_ms = peers_now(b->p) + LOAD_MS_MAX;
    if (b->p->replica != NULL)
        replica_receive_snapshot(b->p->replica, b->from, b->raft, b->raft_bytes, b->path);
    else
        unlink(b->path);
}

static void work_on(struct inbound *b);

static void on_worked(uv_work_t *work, int status)
{
    struct inbound *b = work->data;
    struct incoming *i = incoming_find(b->p, b->serial);

    (void)status;
    b->is_working = false;
    for (const struct piece *one = b->working; one != NULL && i != NULL; one = one->next)
        connection_release(i->c);
    pieces_free(b->working);
    b->working = NULL;
    if (b->was_last && b->fault == 0)
        load(b); /* also where the connection is gone by now: it is whole */
    else if (b->serial == 0)
        inbound_free(b);
    else if (b->fault != 0)
        fail(b, b->fault < 0 ? "what arrived is not what was sent" : strerror(b->fault));
    else
        work_on(b);
}

static void work_on(struct inbound *b)
{
    if (b->is_working || (b->waiting == NULL && !b->has_end))
        return;
    b->working = b->waiting;
    b->waiting = NULL;
    b->was_last = b->has_end;
    b->work.data = b;
    b->is_working = uv_queue_work(b->p->loop, &b->work, on_work, on_worked) == 0;
    if (b->is_working)
        return;
    pieces_free(b->working);
    b->working = NULL;
    fail(b, "no memory");
}

/* ---- what arrives ---- */

static bool read_index(const Hsm__SnapshotBegin *m, uint64_t *index)
{
    struct parcel *raft = parcel_decode(m->raft.data, m->raft.len);
    bool ok = raft != NULL && raft->msg.kind == MESSAGE_INSTALL;

    if (ok)
        *index = raft->msg.index;
    parcel_free(raft);
    return ok;
}

static bool has_room(const char *path, uint64_t bytes)
{
    char folder[PATH_BYTES];
    struct statvfs fs;
    char *slash;

    snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (slash != NULL)
        *slash = '\0';
    return statvfs(folder, &fs) == 0 && bytes / fs.f_frsize < fs.f_bavail;
}

/* NULL, or why not. */
static const char *open_file(struct inbound *b, const Hsm__SnapshotBegin *m)
{
    replica_incoming_path(b->p->replica, b->from, b->path, sizeof b->path);
    snprintf(b->part, sizeof b->part, "%s.part", b->path);
    if (!has_room(b->path, m->bytes))
        return "the disk has no room for it";
    b->fd = open(b->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    b->raft = malloc(m->raft.len);
    b->hash = peer_hash_new(b->p->setup.libctx);
    if (b->fd < 0)
        return strerror(errno);
    if (b->raft == NULL || b->hash == NULL)
        return "no memory";
    memcpy(b->raft, m->raft.data, m->raft.len);
    b->raft_bytes = m->raft.len;
    return NULL;
}

bool inbound_begin(struct incoming *i, const Hsm__SnapshotBegin *m)
{
    struct inbound *b;
    uint64_t index = 0;
    const char *reason;

    if (!read_index(m, &index))
        return false;
    if (i->p->inbound != NULL || i->p->replica == NULL || (b = calloc(1, sizeof *b)) == NULL) {
        peer_message_refuse(i->c, ERR_BUSY, "a snapshot is on its way already", NULL, "busy with a snapshot");
        return true;
    }
    *b = (struct inbound){.p = i->p, .serial = i->serial, .from = i->id, .fd = -1, .index = index, .bytes = m->bytes};
    i->p->inbound = b;
    peers_hold(i->p);
    reason = open_file(b, m);
    if (reason != NULL)
        fail(b, reason);
    return true;
}

static struct inbound *of(const struct incoming *i)
{
    struct inbound *b = i->p->inbound;
    return b != NULL && b->serial == i->serial && b->phase == RECEIVING ? b : NULL;
}

bool inbound_chunk(struct incoming *i, Hsm__SnapshotChunk *m)
{
    struct inbound *b = of(i);
    struct piece *one, **last;

    if (b == NULL || b->has_end || m->offset != b->got || m->data.len == 0 || m->data.len > b->bytes - b->got)
        return false;
    one = malloc(sizeof *one + m->data.len);
    if (one == NULL) {
        fail(b, "no memory");
        return true;
    }
    one->next = NULL;
    one->n = m->data.len;
    memcpy(one->bytes, m->data.data, m->data.len);
    for (last = &b->waiting; *last != NULL; last = &(*last)->next)
        ;
    *last = one;
    b->got += one->n;
    connection_hold(i->c);
    work_on(b);
    return true;
}

bool inbound_finish(struct incoming *i, const Hsm__SnapshotEnd *m)
{
    struct inbound *b = of(i);

    if (b == NULL || b->has_end || b->got != b->bytes || m->sha256.len != sizeof b->end)
        return false;
    memcpy(b->end, m->sha256.data, sizeof b->end);
    b->has_end = true;
    work_on(b);
    return true;
}

void inbound_lost(struct incoming *i)
{
    struct inbound *b = i->p->inbound;

    if (b == NULL || b->serial != i->serial)
        return;
    b->serial = 0;
    if (b->phase == RECEIVING && !b->is_working)
        inbound_free(b);
}

/* ---- loading ---- */

static void tell_loaded(struct inbound *b)
{
    struct incoming *i = incoming_find(b->p, b->serial);
    Hsm__PeerMessage m = HSM__PEER_MESSAGE__INIT;
    Hsm__SnapshotEnd end = HSM__SNAPSHOT_END__INIT;

    m.of_case = HSM__PEER_MESSAGE__OF_SNAPSHOT_END;
    m.snapshot_end = &end;
    end.sha256.data = b->end;
    end.sha256.len = sizeof b->end;
    if (i != NULL)
        (void)peer_message_send(i->c, &m);
    log_info("snapshot_received", "node=%llu bytes=%llu index=%llu", (unsigned long long)b->from,
        (unsigned long long)b->bytes, (unsigned long long)b->index);
    inbound_free(b);
}

/* The replica takes the file away when it has loaded or refused it. */
void inbound_tick(struct peers *p)
{
    struct inbound *b = p->inbound;
    uint64_t now = peers_now(p);

    if (b == NULL)
        return;
    if (b->phase == RECEIVING) {
        const struct incoming *i = incoming_find(p, b->serial);
        if (i != NULL && now - i->heard_ms > PAUSE_MS_MAX)
            fail(b, "the other node sends no more");
        return;
    }
    if (b->gone_ms == 0 && access(b->path, F_OK) != 0)
        b->gone_ms = now;
    if (p->status.applied >= b->index)
        tell_loaded(b);
    else if (now >= b->until_ms || (b->gone_ms != 0 && now - b->gone_ms > SETTLE_MS_MAX))
        fail(b, "it was not taken");
}

/* A file that is being written is let go when its connection is closed. */
void inbound_end(struct peers *p)
{
    if (p->inbound != NULL && p->inbound->phase == LOADING)
        inbound_free(p->inbound);
}

bool inbound_is(const struct incoming *i)
{
    return i->p->inbound != NULL && i->p->inbound->serial == i->serial;
}
