/*
 * File: "clusterhsm-peers", format (32), rows (32), then each {id, boot, term, applied (64), fingerprint, peer address,
 * client address (32-bit length, bytes)}, then a CRC-32C (32) of all before. Integers are big-endian.
 */
#include "daemon/peer_book.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/log.h"
#include "daemon/durable_file.h"
#include "daemon/replica/checksum.h"

enum { FORMAT = 1, FILE_BYTES_MAX = 64 * 1024, PATH_BYTES = 1024, CHECKSUM_BYTES = 4 };

static const char magic[] = "clusterhsm-peers";

struct peer_book {
    uv_loop_t *loop;
    uv_work_t work;
    char folder[PATH_BYTES];
    struct peer_book_row rows[PEER_BOOK_ROWS_MAX];
    size_t n;
    bool dirty, writing, stopping;
    struct buffer image; /* what is being written */
    int fault;           /* errno of the last write; 0: it went well */
    void (*idle)(void *arg);
    void *idle_arg;
};

/* ---- file ---- */

static bool encode(const struct peer_book *b, struct buffer *out)
{
    buffer_reset(out);
    buffer_put(out, magic, sizeof magic - 1);
    buffer_put_u32(out, FORMAT);
    buffer_put_u32(out, (uint32_t)b->n);
    for (size_t i = 0; i < b->n; i++) {
        const struct peer_book_row *r = &b->rows[i];
        buffer_put_u64(out, r->id);
        buffer_put_u64(out, r->boot);
        buffer_put_u64(out, r->term);
        buffer_put_u64(out, r->applied);
        buffer_put_bytes(out, r->fingerprint, r->has_fingerprint ? sizeof r->fingerprint : 0);
        buffer_put_bytes(out, r->peer_address, strlen(r->peer_address));
        buffer_put_bytes(out, r->client_address, strlen(r->client_address));
    }
    return !out->failed && buffer_put_u32(out, checksum(0, out->data, out->len));
}

static void read_text(struct cursor *in, char *out)
{
    size_t n = 0;
    const uint8_t *bytes = cursor_bytes(in, PEER_BOOK_ADDRESS_BYTES - 1, &n);

    if (bytes != NULL && memchr(bytes, 0, n) == NULL)
        memcpy(out, bytes, n);
    else
        in->failed = true;
}

static bool decode(struct peer_book *b, const uint8_t *bytes, size_t len)
{
    struct cursor in, tail;
    const uint8_t *head;
    uint32_t format, n;

    if (len < CHECKSUM_BYTES)
        return false;
    cursor_init(&tail, bytes + len - CHECKSUM_BYTES, CHECKSUM_BYTES);
    if (cursor_u32(&tail) != checksum(0, bytes, len - CHECKSUM_BYTES))
        return false;
    cursor_init(&in, bytes, len - CHECKSUM_BYTES);
    head = cursor_skip(&in, sizeof magic - 1);
    format = cursor_u32(&in);
    n = cursor_u32(&in);
    if (in.failed || memcmp(head, magic, sizeof magic - 1) != 0 || format != FORMAT || n > PEER_BOOK_ROWS_MAX)
        return false;
    for (; b->n < n && !in.failed; b->n++) {
        struct peer_book_row *r = &b->rows[b->n];
        const uint8_t *fingerprint;
        size_t k = 0;
        r->id = cursor_u64(&in);
        r->boot = cursor_u64(&in);
        r->term = cursor_u64(&in);
        r->applied = cursor_u64(&in);
        fingerprint = cursor_bytes(&in, sizeof r->fingerprint, &k);
        r->has_fingerprint = !in.failed && k == sizeof r->fingerprint;
        if (r->has_fingerprint)
            memcpy(r->fingerprint, fingerprint, k);
        read_text(&in, r->peer_address);
        read_text(&in, r->client_address);
    }
    return cursor_done(&in);
}

static bool load(struct peer_book *b, struct diag *why)
{
    char path[PATH_BYTES + 16];
    uint8_t *bytes = malloc(FILE_BYTES_MAX);
    int fd;
    ssize_t n = -1;

    snprintf(path, sizeof path, "%s/peers.db", b->folder);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT) { /* a new node has met nobody */
        free(bytes);
        return true;
    }
    if (fd >= 0 && bytes != NULL)
        n = read(fd, bytes, FILE_BYTES_MAX);
    if (fd < 0 || n < 0) {
        diag_set(why, "what other nodes acknowledged cannot be read: %s", strerror(errno));
        diag_where(why, path, 0);
        diag_remedy(why, "make the file readable for this process");
    } else if (!decode(b, bytes, (size_t)n)) {
        n = -1;
        diag_set(why, "the record of what other nodes acknowledged is damaged");
        diag_where(why, path, 0);
        diag_remedy(why, "if no node's disk was restored from a copy, remove the file and start again; else join that node anew first");
    }
    if (fd >= 0)
        close(fd);
    free(bytes);
    return n >= 0;
}

/* 0 or errno. */
static int save(const struct peer_book *b)
{
    return durable_file_replace(b->folder, "peers.db", b->image.data, b->image.len) ? 0 : errno;
}

/* ---- writing ---- */

static void changed(struct peer_book *b);

static void on_work(uv_work_t *work)
{
    struct peer_book *b = work->data;
    b->fault = save(b);
}

static void on_written(uv_work_t *work, int status)
{
    struct peer_book *b = work->data;
    (void)status;
    b->writing = false;
    if (b->fault != 0) {
        log_error("peers_db_not_written", "folder=%s why=\"%s\"", b->folder, strerror(b->fault));
        b->dirty = true; /* with the next change */
    } else if (b->dirty && !b->stopping) {
        changed(b);
    }
    if (b->stopping && b->idle != NULL)
        b->idle(b->idle_arg);
}

static void changed(struct peer_book *b)
{
    b->dirty = true;
    if (b->writing || b->stopping || !encode(b, &b->image))
        return;
    b->dirty = false;
    b->writing = uv_queue_work(b->loop, &b->work, on_work, on_written) == 0;
    b->dirty = !b->writing;
}

struct peer_book *peer_book_open(uv_loop_t *loop, const char *folder, struct diag *why)
{
    struct peer_book *b = calloc(1, sizeof *b);

    if (b == NULL) {
        diag_set(why, "out of memory");
        return NULL;
    }
    b->loop = loop;
    b->work.data = b;
    snprintf(b->folder, sizeof b->folder, "%s", folder);
    if (load(b, why))
        return b;
    free(b);
    return NULL;
}

void peer_book_stop(struct peer_book *b, void (*idle)(void *arg), void *arg)
{
    b->stopping = true;
    b->idle = idle;
    b->idle_arg = arg;
    if (!b->writing)
        idle(arg);
}

void peer_book_free(struct peer_book *b)
{
    if (b == NULL)
        return;
    if (b->dirty && encode(b, &b->image) && (b->fault = save(b)) != 0)
        log_error("peers_db_not_written", "folder=%s why=\"%s\"", b->folder, strerror(b->fault));
    buffer_clear(&b->image);
    free(b);
}

/* ---- rows ---- */

const struct peer_book_row *peer_book_find(const struct peer_book *b, uint64_t id)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->rows[i].id == id)
            return &b->rows[i];
    return NULL;
}

size_t peer_book_count(const struct peer_book *b)
{
    return b->n;
}

const struct peer_book_row *peer_book_at(const struct peer_book *b, size_t i)
{
    return &b->rows[i];
}

static struct peer_book_row *row_of(struct peer_book *b, uint64_t id)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->rows[i].id == id)
            return &b->rows[i];
    if (b->n == PEER_BOOK_ROWS_MAX) /* only known nodes are written down, and there are fewer of them */
        return NULL;
    b->rows[b->n] = (struct peer_book_row){.id = id};
    return &b->rows[b->n++];
}

enum err peer_book_check(const struct peer_book *b, uint64_t id, uint64_t boot, uint64_t term, uint64_t last_index,
    struct diag *why)
{
    const struct peer_book_row *r = peer_book_find(b, id);

    if (r == NULL || (boot >= r->boot && term >= r->term && last_index >= r->applied))
        return ERR_OK;
    diag_set(why, "node %llu comes with start %llu, term %llu, log up to %llu, but had acknowledged start %llu, term %llu, "
        "entry %llu: its disk is an old copy",
        (unsigned long long)id, (unsigned long long)boot, (unsigned long long)term, (unsigned long long)last_index,
        (unsigned long long)r->boot, (unsigned long long)r->term, (unsigned long long)r->applied);
    diag_remedy(why, "empty its data folder (keep a copy), and let it join as a new node");
    return ERR_OLD_DISK;
}

static bool raise_to(uint64_t *at, uint64_t to)
{
    bool higher = to > *at;
    if (higher)
        *at = to;
    return higher;
}

void peer_book_heard(struct peer_book *b, uint64_t id, uint64_t boot, uint64_t term, uint64_t applied)
{
    struct peer_book_row *r = row_of(b, id);
    bool more;

    if (r == NULL)
        return;
    more = raise_to(&r->boot, boot);
    more = raise_to(&r->term, term) || more;
    more = raise_to(&r->applied, applied) || more;
    if (more)
        changed(b);
}

static bool replace_text(char *into, const char *text)
{
    if (text == NULL || *text == '\0' || strlen(text) >= PEER_BOOK_ADDRESS_BYTES || strcmp(into, text) == 0)
        return false;
    snprintf(into, PEER_BOOK_ADDRESS_BYTES, "%s", text);
    return true;
}

void peer_book_know(struct peer_book *b, uint64_t id, const uint8_t *fingerprint, const char *peer_address,
    const char *client_address)
{
    struct peer_book_row *r = row_of(b, id);
    bool news;

    if (r == NULL)
        return;
    news = replace_text(r->peer_address, peer_address);
    news = replace_text(r->client_address, client_address) || news;
    if (fingerprint != NULL &&
        (!r->has_fingerprint || memcmp(r->fingerprint, fingerprint, sizeof r->fingerprint) != 0)) {
        memcpy(r->fingerprint, fingerprint, sizeof r->fingerprint);
        r->has_fingerprint = news = true;
    }
    if (news)
        changed(b);
}

void peer_book_forget(struct peer_book *b, uint64_t id)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->rows[i].id == id) {
            b->rows[i] = b->rows[--b->n];
            changed(b);
            return;
        }
}
