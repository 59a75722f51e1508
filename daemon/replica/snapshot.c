#include "daemon/replica/snapshot.h"

#include "common/buffer.h"
#include "daemon/replica/checksum.h"
#include "daemon/replica/members.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char magic[] = "clusterhsm-snapshot";

enum { HEAD_BYTES = 1 + 4, CRC_BYTES = 4, KEY_BYTES_MAX = 511 /* LMDB's, as it is usually built */ };

struct file {
    FILE *stream;
    const char *path;
    struct diag *why;
    uint32_t chain; /* checksum of the block before */
    struct buffer block;
};

static bool complain(struct file *f, const char *what)
{
    diag_set(f->why, "the snapshot is damaged: %s", what);
    diag_where(f->why, f->path, 0);
    diag_remedy(f->why, "remove the file; the node takes the next one from the leader");
    return false;
}

static bool refuse(struct file *f, const char *doing, const char *text)
{
    diag_set(f->why, "cannot %s the snapshot: %s", doing, text);
    diag_where(f->why, f->path, 0);
    return false;
}

/* ---- write ------------------------------------------------------------------------------------------------------- */

static void start_block(struct file *f, char kind)
{
    buffer_reset(&f->block);
    buffer_put_u8(&f->block, (uint8_t)kind);
    buffer_put_u32(&f->block, 0);
}

static bool end_block(struct file *f)
{
    size_t n = f->block.len - HEAD_BYTES;
    int i;

    if (f->block.failed)
        return refuse(f, "write", "out of memory, or a record is too large");
    for (i = 0; i < 4; i++)
        f->block.data[1 + i] = (uint8_t)(n >> (24 - 8 * i));
    f->chain = checksum(f->chain, f->block.data, f->block.len);
    if (!buffer_put_u32(&f->block, f->chain) || fwrite(f->block.data, f->block.len, 1, f->stream) != 1)
        return refuse(f, "write", strerror(errno));
    return true;
}

static bool write_records(struct file *f, MDB_txn *txn, MDB_dbi dbi, uint64_t *records)
{
    MDB_cursor *at = NULL;
    MDB_val k, v;
    int rc = mdb_cursor_open(txn, dbi, &at);
    bool ok = rc == 0;

    for (rc = ok ? mdb_cursor_get(at, &k, &v, MDB_FIRST) : rc; ok && rc == 0; rc = mdb_cursor_get(at, &k, &v, MDB_NEXT)) {
        start_block(f, 'R');
        buffer_put_bytes(&f->block, k.mv_data, k.mv_size);
        buffer_put(&f->block, v.mv_data, v.mv_size);
        ok = end_block(f);
        ++*records;
    }
    if (at != NULL)
        mdb_cursor_close(at);
    return ok && (rc == MDB_NOTFOUND || refuse(f, "read the state for", mdb_strerror(rc)));
}

static bool write_database(struct file *f, MDB_txn *txn, const MDB_val *name, uint64_t *records)
{
    char text[128];
    unsigned flags;
    MDB_dbi dbi;
    int rc;

    if (name->mv_size >= sizeof text)
        return refuse(f, "write", "a database's name is too long");
    memcpy(text, name->mv_data, name->mv_size);
    text[name->mv_size] = '\0';
    if ((rc = mdb_dbi_open(txn, text, 0, &dbi)) != 0 || (rc = mdb_dbi_flags(txn, dbi, &flags)) != 0)
        return refuse(f, "read the state for", mdb_strerror(rc));
    if (flags != 0)
        return refuse(f, "write", "a database has another order of keys, or more than one value a key");
    start_block(f, 'D');
    buffer_put_u32(&f->block, flags);
    buffer_put_text(&f->block, text);
    return end_block(f) && write_records(f, txn, dbi, records);
}

/* The unnamed database holds the names of the others. */
static bool write_databases(struct file *f, MDB_txn *txn, uint64_t *databases, uint64_t *records)
{
    MDB_cursor *at = NULL;
    MDB_val k, v;
    MDB_dbi names;
    int rc = mdb_dbi_open(txn, NULL, 0, &names);
    bool ok = true;

    if (rc == 0)
        rc = mdb_cursor_open(txn, names, &at);
    for (rc = rc == 0 ? mdb_cursor_get(at, &k, &v, MDB_FIRST) : rc; ok && rc == 0;
         rc = mdb_cursor_get(at, &k, &v, MDB_NEXT)) {
        ok = write_database(f, txn, &k, records);
        ++*databases;
    }
    if (at != NULL)
        mdb_cursor_close(at);
    return ok && (rc == MDB_NOTFOUND || refuse(f, "read the state for", mdb_strerror(rc)));
}

static bool write_all(struct file *f, MDB_txn *txn, const struct snap *s)
{
    uint64_t databases = 0, records = 0;

    start_block(f, 'S');
    buffer_put_text(&f->block, magic);
    buffer_put_u32(&f->block, SNAPSHOT_FORMAT);
    buffer_put_u64(&f->block, s->index);
    buffer_put_u64(&f->block, s->term);
    buffer_put_u64(&f->block, s->members_index);
    buffer_put(&f->block, s->members->data, s->members->len);
    if (!end_block(f) || !write_databases(f, txn, &databases, &records))
        return false;
    start_block(f, 'E');
    buffer_put_u64(&f->block, databases);
    buffer_put_u64(&f->block, records);
    if (!end_block(f))
        return false;
    if (fflush(f->stream) != 0 || fsync(fileno(f->stream)) != 0)
        return refuse(f, "write", strerror(errno));
    return true;
}

bool snapshot_write(MDB_txn *txn, const struct snap *s, const char *path, struct diag *why)
{
    struct file f = {.path = path, .why = why};
    char part[4096];
    bool ok = false;

    buffer_init(&f.block, SNAPSHOT_BLOCK_BYTES_MAX);
    if ((size_t)snprintf(part, sizeof part, "%s.part", path) >= sizeof part)
        return refuse(&f, "write", "the path is too long");
    if ((f.stream = fopen(part, "wxe")) == NULL && errno == EEXIST && unlink(part) == 0)
        f.stream = fopen(part, "wxe");
    if (f.stream == NULL)
        return refuse(&f, "write", strerror(errno));
    ok = write_all(&f, txn, s);
    if (fclose(f.stream) != 0 && ok)
        ok = refuse(&f, "write", strerror(errno));
    if (ok && rename(part, path) != 0)
        ok = refuse(&f, "write", strerror(errno));
    if (!ok)
        unlink(part);
    buffer_clear(&f.block);
    return ok;
}

/* ---- read -------------------------------------------------------------------------------------------------------- */

/* The next block's payload in *in. Its length is believed only as far as the file reaches. */
static bool read_block(struct file *f, char *kind, struct cursor *in)
{
    uint8_t head[HEAD_BYTES], tail[CRC_BYTES];
    struct cursor c;
    uint32_t n, crc;
    uint8_t *data;

    if (fread(head, sizeof head, 1, f->stream) != 1)
        return complain(f, "it ends too early");
    *kind = (char)head[0];
    cursor_init(&c, head + 1, 4);
    n = cursor_u32(&c);
    if (n > SNAPSHOT_BLOCK_BYTES_MAX)
        return complain(f, "a block is too long");
    buffer_reset(&f->block);
    data = buffer_extend(&f->block, n > 0 ? n : 1);
    if (data == NULL)
        return refuse(f, "read", "out of memory");
    if ((n > 0 && fread(data, n, 1, f->stream) != 1) || fread(tail, sizeof tail, 1, f->stream) != 1)
        return complain(f, "it ends too early");
    crc = checksum(checksum(f->chain, head, sizeof head), data, n);
    cursor_init(&c, tail, sizeof tail);
    if (cursor_u32(&c) != crc)
        return complain(f, "a block has a wrong checksum");
    f->chain = crc;
    cursor_init(in, data, n);
    return true;
}

static bool read_start(struct file *f, struct snap **out)
{
    struct cursor in;
    struct members m;
    struct record *members;
    uint64_t index, term, members_index;
    uint32_t format;
    const uint8_t *text;
    char kind;

    if (!read_block(f, &kind, &in))
        return false;
    text = cursor_skip(&in, sizeof magic - 1);
    format = cursor_u32(&in);
    index = cursor_u64(&in);
    term = cursor_u64(&in);
    members_index = cursor_u64(&in);
    if (kind != 'S' || in.failed || memcmp(text, magic, sizeof magic - 1) != 0)
        return complain(f, "it is no snapshot");
    if (format != SNAPSHOT_FORMAT)
        return complain(f, "its format is one that this program does not know");
    if (!members_decode(in.at, in.left, &m))
        return complain(f, "its members are malformed");
    members = record_new(term, RECORD_MEMBERS, in.at, in.left);
    *out = snap_new(index, term, members_index, members);
    record_unref(members);
    return true;
}

static bool read_database(struct file *f, struct cursor *in, MDB_txn *txn, MDB_dbi *dbi)
{
    uint32_t flags = cursor_u32(in);
    size_t n = in->left;
    const uint8_t *name = cursor_skip(in, n);
    char text[128];
    int rc;

    if (in->failed || n == 0 || n >= sizeof text || flags != 0 || memchr(name, 0, n) != NULL)
        return complain(f, "a database's name or flags are malformed");
    if (txn == NULL)
        return true;
    memcpy(text, name, n);
    text[n] = '\0';
    rc = mdb_dbi_open(txn, text, MDB_CREATE, dbi);
    return rc == 0 || refuse(f, "load", mdb_strerror(rc));
}

static bool read_record(struct file *f, struct cursor *in, MDB_txn *txn, MDB_dbi dbi)
{
    MDB_val k, v;
    size_t n = 0;
    const uint8_t *key = cursor_bytes(in, KEY_BYTES_MAX, &n);
    int rc;

    if (in->failed || n == 0)
        return complain(f, "a record has no key, or one that is too long");
    if (txn == NULL)
        return true;
    k.mv_data = (void *)(uintptr_t)key;
    k.mv_size = n;
    v.mv_data = (void *)(uintptr_t)in->at;
    v.mv_size = in->left;
    rc = mdb_put(txn, dbi, &k, &v, MDB_APPEND);
    if (rc == MDB_KEYEXIST)
        return complain(f, "records are out of order");
    return rc == 0 || refuse(f, "load", mdb_strerror(rc));
}

static bool read_rest(struct file *f, MDB_txn *txn)
{
    uint64_t databases = 0, records = 0;
    MDB_dbi dbi = 0;
    struct cursor in;
    char kind;

    for (;;) {
        if (!read_block(f, &kind, &in))
            return false;
        if (kind == 'D' && ++databases <= SNAPSHOT_DATABASES_MAX) {
            if (!read_database(f, &in, txn, &dbi))
                return false;
        } else if (kind == 'R' && databases > 0) {
            if (!read_record(f, &in, txn, dbi))
                return false;
            records++;
        } else {
            break;
        }
    }
    if (kind != 'E' || cursor_u64(&in) != databases || cursor_u64(&in) != records || !cursor_done(&in))
        return complain(f, "its end does not fit");
    return getc(f->stream) == EOF || complain(f, "there is more behind its end");
}

bool snapshot_read(const char *path, MDB_env *env, struct snap **out, struct diag *why)
{
    struct file f = {.path = path, .why = why};
    struct snap *s = NULL;
    MDB_txn *txn = NULL;
    bool ok = false;
    int rc;

    buffer_init(&f.block, SNAPSHOT_BLOCK_BYTES_MAX);
    if ((f.stream = fopen(path, "re")) == NULL)
        return refuse(&f, "read", strerror(errno));
    if (env != NULL && (rc = mdb_txn_begin(env, NULL, 0, &txn)) != 0) {
        refuse(&f, "load", mdb_strerror(rc));
        goto out;
    }
    ok = read_start(&f, &s) && read_rest(&f, txn);
    if (ok && txn != NULL) {
        rc = mdb_txn_commit(txn);
        txn = NULL;
        if (rc != 0)
            ok = refuse(&f, "load", mdb_strerror(rc));
    }
out:
    if (txn != NULL)
        mdb_txn_abort(txn);
    fclose(f.stream);
    buffer_clear(&f.block);
    if (ok && out != NULL) {
        *out = s;
        s = NULL; /* transferred */
    }
    snap_unref(s);
    return ok;
}
