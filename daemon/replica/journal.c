#include "daemon/replica/journal.h"

#include "common/big_endian.h"
#include "common/buffer.h"
#include "daemon/replica/checksum.h"
#include "daemon/replica/members.h"

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FORMAT = 1, CRC_BYTES = 4, ENTRY_HEAD_BYTES = 1 + 8, DATABASES = 2, VALUE_BYTES_MAX = 64 << 20 };

struct journal {
    MDB_env *env;
    MDB_dbi log, meta;
};

static const char remedy_damage[] = "this node's log can't be trusted: empty its data folder (keep a copy), and let it join as a "
                                    "new node";

static bool failed(struct diag *why, const char *doing, int rc)
{
    diag_set(why, "cannot %s the replica's log: %s", doing, mdb_strerror(rc));
    return false;
}

static bool damaged(struct diag *why, const char *what, uint64_t index)
{
    diag_set(why, "the replica's log is damaged: %s at entry %llu", what, (unsigned long long)index);
    diag_remedy(why, "%s", remedy_damage);
    return false;
}

/* ---- values with a checksum -------------------------------------------------------------------------------------- */

static int put(MDB_txn *txn, MDB_dbi dbi, const void *key, size_t key_len, struct buffer *value)
{
    MDB_val k = {key_len, (void *)(uintptr_t)key}, v;

    buffer_put_u32(value, checksum(checksum(0, key, key_len), value->data, value->len));
    if (value->failed)
        return ENOMEM;
    v.mv_size = value->len;
    v.mv_data = value->data;
    return mdb_put(txn, dbi, &k, &v, 0);
}

static bool check(const MDB_val *k, const MDB_val *v, struct cursor *in)
{
    struct cursor tail;

    if (v->mv_size < CRC_BYTES)
        return false;
    cursor_init(in, v->mv_data, v->mv_size - CRC_BYTES);
    cursor_init(&tail, (const uint8_t *)v->mv_data + v->mv_size - CRC_BYTES, CRC_BYTES);
    return cursor_u32(&tail) == checksum(checksum(0, k->mv_data, k->mv_size), v->mv_data, v->mv_size - CRC_BYTES);
}

/* Up to three numbers under a name. */
static int put_numbers(struct journal *j, MDB_txn *txn, const char *name, uint64_t a, uint64_t b)
{
    struct buffer value = {0};
    int rc;

    buffer_put_u64(&value, a);
    buffer_put_u64(&value, b);
    rc = put(txn, j->meta, name, strlen(name), &value);
    buffer_clear(&value);
    return rc;
}

/* False: damaged. Absent ones leave zeros. */
static bool get_numbers(struct journal *j, MDB_txn *txn, const char *name, uint64_t *a, uint64_t *b, struct diag *why)
{
    MDB_val k = {strlen(name), (void *)(uintptr_t)name}, v;
    struct cursor in;
    int rc = mdb_get(txn, j->meta, &k, &v);

    *a = *b = 0;
    if (rc == MDB_NOTFOUND)
        return true;
    if (rc != 0)
        return failed(why, "read", rc);
    if (check(&k, &v, &in)) {
        *a = cursor_u64(&in);
        *b = cursor_u64(&in);
        if (cursor_done(&in))
            return true;
    }
    diag_set(why, "the replica's log is damaged: \"%s\" has a wrong checksum", name);
    diag_remedy(why, "%s", remedy_damage);
    return false;
}

/* ---- open -------------------------------------------------------------------------------------------------------- */

struct journal *journal_open(const char *folder, uint64_t bytes_max, struct diag *why)
{
    struct journal *j = calloc(1, sizeof *j);
    MDB_txn *txn = NULL;
    uint64_t format = 0, unused;
    int rc = ENOMEM;

    if (j == NULL)
        goto out;
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        rc = errno;
        goto out;
    }
    if ((rc = mdb_env_create(&j->env)) != 0 || (rc = mdb_env_set_mapsize(j->env, bytes_max)) != 0 ||
        (rc = mdb_env_set_maxdbs(j->env, DATABASES)) != 0 ||
        (rc = mdb_env_open(j->env, folder, MDB_NOTLS | MDB_NORDAHEAD, 0600)) != 0)
        goto out;
    if ((rc = mdb_txn_begin(j->env, NULL, 0, &txn)) != 0 || (rc = mdb_dbi_open(txn, "log", MDB_CREATE, &j->log)) != 0 ||
        (rc = mdb_dbi_open(txn, "meta", MDB_CREATE, &j->meta)) != 0)
        goto out;
    if (!get_numbers(j, txn, "format", &format, &unused, why))
        goto fail;
    if (format > FORMAT) {
        diag_set(why, "the replica's log has format %llu, this program knows %d", (unsigned long long)format, FORMAT);
        diag_remedy(why, "start the newer version of the program");
        goto fail;
    }
    if (format == 0 && (rc = put_numbers(j, txn, "format", FORMAT, 0)) != 0)
        goto out;
    rc = mdb_txn_commit(txn);
    txn = NULL;
    if (rc == 0)
        return j;
out:
    failed(why, "open", rc);
    diag_where(why, folder, 0);
fail:
    if (txn != NULL)
        mdb_txn_abort(txn);
    journal_close(j);
    return NULL;
}

void journal_close(struct journal *j)
{
    if (j == NULL)
        return;
    if (j->env != NULL)
        mdb_env_close(j->env);
    free(j);
}

/* ---- load -------------------------------------------------------------------------------------------------------- */

static bool load_snapshot(struct journal *j, MDB_txn *txn, struct journal_content *out, struct diag *why)
{
    MDB_val k = {8, (void *)(uintptr_t)"snapshot"}, v;
    struct cursor in;
    struct record *members;
    struct members m;
    uint64_t index, term, members_index, mark;
    const uint8_t *bytes;
    size_t n = 0;
    int rc = mdb_get(txn, j->meta, &k, &v);

    if (rc == MDB_NOTFOUND)
        return true;
    if (rc != 0)
        return failed(why, "read", rc);
    if (!check(&k, &v, &in))
        return damaged(why, "the snapshot's description has a wrong checksum", 0);
    index = cursor_u64(&in);
    term = cursor_u64(&in);
    members_index = cursor_u64(&in);
    mark = cursor_u64(&in);
    bytes = cursor_bytes(&in, VALUE_BYTES_MAX, &n);
    if (!cursor_done(&in) || !members_decode(bytes, n, &m))
        return damaged(why, "the snapshot's description is malformed", index);
    members = record_new(term, RECORD_MEMBERS, bytes, n);
    out->snap = snap_new(index, term, members_index, members);
    out->snap->mark = mark;
    record_unref(members);
    return true;
}

static bool load_entry(const MDB_val *k, const MDB_val *v, struct journal_content *out, struct diag *why)
{
    struct cursor in;
    struct members m;
    uint64_t index, term;
    uint8_t kind;

    if (k->mv_size != 8)
        return damaged(why, "a key that is no index", 0);
    index = u64_get(k->mv_data);
    if (!check(k, v, &in))
        return damaged(why, "wrong checksum", index);
    kind = cursor_u8(&in);
    term = cursor_u64(&in);
    if (in.failed || kind < RECORD_COMMAND || kind > RECORD_MEMBERS || term == 0)
        return damaged(why, "malformed record", index);
    if (kind == RECORD_MEMBERS && !members_decode(in.at, in.left, &m))
        return damaged(why, "malformed members", index);
    if (out->log.n == 0)
        run_reset(&out->log, index);
    if (index != run_last(&out->log) + 1)
        return damaged(why, "a hole before", index);
    if (out->log.n > 0 && term < out->log.rec[out->log.n - 1]->term)
        return damaged(why, "a term that falls", index);
    run_push(&out->log, record_new(term, (enum record_kind)kind, in.at, in.left));
    return true;
}

static bool load_entries(struct journal *j, MDB_txn *txn, struct journal_content *out, struct diag *why)
{
    MDB_cursor *at = NULL;
    MDB_val k, v;
    int rc = mdb_cursor_open(txn, j->log, &at);
    bool ok = rc == 0;

    run_init(&out->log, out->snap != NULL ? out->snap->index + 1 : 1);
    for (rc = ok ? mdb_cursor_get(at, &k, &v, MDB_FIRST) : rc; ok && rc == 0; rc = mdb_cursor_get(at, &k, &v, MDB_NEXT))
        ok = load_entry(&k, &v, out, why);
    if (at != NULL)
        mdb_cursor_close(at);
    if (!ok)
        return rc != 0 && rc != MDB_NOTFOUND ? failed(why, "read", rc) : false;
    return rc == MDB_NOTFOUND ? true : failed(why, "read", rc);
}

/* The log must begin at 1, or at or before the entry behind the snapshot, and reach it. */
static bool joins(const struct journal_content *c, struct diag *why)
{
    uint64_t base = c->snap != NULL ? c->snap->index : 0;

    if (c->log.n > 0 && (c->log.first > base + 1 || run_last(&c->log) < base))
        return damaged(why, "the log does not join the snapshot", c->log.first);
    if (c->log.n > 0 && c->log.rec[c->log.n - 1]->term > c->term)
        return damaged(why, "a term above the stored one", run_last(&c->log));
    if (c->node != 0 && c->term > 0 && c->log.n == 0 && c->snap == NULL && c->vote == c->node)
        return damaged(why, "nothing where a leader once was", 0);
    return true;
}

bool journal_load(struct journal *j, struct journal_content *out, struct diag *why)
{
    struct journal_content c = {0};
    MDB_txn *txn = NULL;
    uint64_t unused;
    int rc = mdb_txn_begin(j->env, NULL, MDB_RDONLY, &txn);
    bool ok;

    if (rc != 0)
        return failed(why, "read", rc);
    ok = get_numbers(j, txn, "node", &c.node, &unused, why) && get_numbers(j, txn, "vote", &c.term, &c.vote, why) &&
         get_numbers(j, txn, "boot", &c.boot, &unused, why) && load_snapshot(j, txn, &c, why) &&
         load_entries(j, txn, &c, why) && joins(&c, why);
    mdb_txn_abort(txn);
    if (ok)
        *out = c;
    else
        journal_content_clear(&c);
    return ok;
}

void journal_content_clear(struct journal_content *c)
{
    run_clear(&c->log);
    snap_unref(c->snap);
    memset(c, 0, sizeof *c);
}

/* ---- write ------------------------------------------------------------------------------------------------------- */

static int begin(struct journal *j, MDB_txn **txn)
{
    return mdb_txn_begin(j->env, NULL, 0, txn);
}

/* Ends what `rc` says: 0 commits. */
static bool finish(MDB_txn *txn, int rc, struct diag *why)
{
    if (rc == 0)
        rc = mdb_txn_commit(txn);
    else if (txn != NULL)
        mdb_txn_abort(txn);
    return rc == 0 ? true : failed(why, "write", rc);
}

static int put_entry(struct journal *j, MDB_txn *txn, uint64_t index, const struct record *rec)
{
    struct buffer value = {0};
    uint8_t key[8];
    int rc;

    u64_put(key, index);
    buffer_put_u8(&value, (uint8_t)rec->kind);
    buffer_put_u64(&value, rec->term);
    buffer_put(&value, rec->data, rec->len);
    rc = put(txn, j->log, key, sizeof key, &value);
    buffer_clear(&value);
    return rc;
}

/* Drops entries from `index` on, from the end backwards. */
static int drop_tail(struct journal *j, MDB_txn *txn, uint64_t index)
{
    MDB_cursor *at;
    MDB_val k, v;
    int rc = mdb_cursor_open(txn, j->log, &at);

    if (rc != 0)
        return rc;
    while ((rc = mdb_cursor_get(at, &k, &v, MDB_LAST)) == 0 && u64_get(k.mv_data) >= index)
        if ((rc = mdb_cursor_del(at, 0)) != 0)
            break;
    mdb_cursor_close(at);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int drop_head(struct journal *j, MDB_txn *txn, uint64_t upto)
{
    MDB_cursor *at;
    MDB_val k, v;
    int rc = mdb_cursor_open(txn, j->log, &at);

    if (rc != 0)
        return rc;
    while ((rc = mdb_cursor_get(at, &k, &v, MDB_FIRST)) == 0 && u64_get(k.mv_data) <= upto)
        if ((rc = mdb_cursor_del(at, 0)) != 0)
            break;
    mdb_cursor_close(at);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int put_snapshot(struct journal *j, MDB_txn *txn, const struct snap *s)
{
    struct buffer value = {0};
    int rc;

    buffer_put_u64(&value, s->index);
    buffer_put_u64(&value, s->term);
    buffer_put_u64(&value, s->members_index);
    buffer_put_u64(&value, s->mark);
    buffer_put_bytes(&value, s->members->data, s->members->len);
    rc = put(txn, j->meta, "snapshot", 8, &value);
    buffer_clear(&value);
    return rc;
}

bool journal_found(struct journal *j, uint64_t node, const struct record *members, struct diag *why)
{
    MDB_txn *txn = NULL;
    int rc = begin(j, &txn);

    if (rc == 0)
        rc = put_numbers(j, txn, "node", node, 0);
    if (rc == 0 && members != NULL)
        rc = put_numbers(j, txn, "vote", 1, 0);
    if (rc == 0 && members != NULL)
        rc = put_entry(j, txn, 1, members);
    return finish(txn, rc, why);
}

bool journal_count_boot(struct journal *j, uint64_t *boot, struct diag *why)
{
    MDB_txn *txn = NULL;
    uint64_t count = 0, unused;
    int rc = begin(j, &txn);

    if (rc != 0)
        return failed(why, "write", rc);
    if (!get_numbers(j, txn, "boot", &count, &unused, why)) {
        mdb_txn_abort(txn);
        return false;
    }
    *boot = count + 1;
    return finish(txn, put_numbers(j, txn, "boot", count + 1, 0), why);
}

bool journal_save_vote(struct journal *j, uint64_t term, uint64_t vote, struct diag *why)
{
    MDB_txn *txn = NULL;
    int rc = begin(j, &txn);

    if (rc == 0)
        rc = put_numbers(j, txn, "vote", term, vote);
    return finish(txn, rc, why);
}

bool journal_append(struct journal *j, const struct run *const *runs, size_t n, struct diag *why)
{
    MDB_txn *txn = NULL;
    int rc = begin(j, &txn);
    size_t i, k;

    for (i = 0; rc == 0 && i < n; i++) {
        rc = drop_tail(j, txn, runs[i]->first);
        for (k = 0; rc == 0 && k < runs[i]->n; k++)
            rc = put_entry(j, txn, runs[i]->first + k, runs[i]->rec[k]);
    }
    return finish(txn, rc, why);
}

bool journal_compact(struct journal *j, const struct snap *s, uint64_t drop_upto, struct diag *why)
{
    MDB_txn *txn = NULL;
    uint8_t key[8];
    MDB_val k = {sizeof key, key}, v;
    int rc = begin(j, &txn);

    u64_put(key, drop_upto);
    if (rc == 0)
        rc = put_snapshot(j, txn, s);
    if (rc == 0 && drop_upto > 0 && mdb_get(txn, j->log, &k, &v) == 0)
        rc = drop_head(j, txn, drop_upto);
    return finish(txn, rc, why);
}

bool journal_install(struct journal *j, const struct snap *s, struct diag *why)
{
    MDB_txn *txn = NULL;
    int rc = begin(j, &txn);

    if (rc == 0)
        rc = put_snapshot(j, txn, s);
    if (rc == 0)
        rc = mdb_drop(txn, j->log, 0);
    return finish(txn, rc, why);
}
