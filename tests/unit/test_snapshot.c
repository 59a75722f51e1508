#include "common/buffer.h"
#include "daemon/replica/checksum.h"
#include "daemon/replica/members.h"
#include "daemon/replica/snapshot.h"
#include "tests/unit/runner.h"
#include "tests/unit/temp_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[256], path[300], other[300];

static MDB_env *env_new(const char *name)
{
    char folder[300];
    MDB_env *env;
    snprintf(folder, sizeof folder, "%s/%s", root, name);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    ck_assert_int_eq(mdb_env_create(&env), 0);
    mdb_env_set_mapsize(env, 16 << 20);
    mdb_env_set_maxdbs(env, 8);
    ck_assert_int_eq(mdb_env_open(env, folder, MDB_NOTLS | MDB_NOSYNC, 0600), 0);
    return env;
}

static void fill(MDB_env *env)
{
    static const char *const names[] = {"keys", "index", "empty"};
    MDB_txn *txn;
    MDB_dbi db;
    char text[32];
    int i, k;

    ck_assert_int_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
    for (k = 0; k < 3; k++) {
        ck_assert_int_eq(mdb_dbi_open(txn, names[k], MDB_CREATE, &db), 0);
        for (i = 0; i < 40 - 20 * k; i++) {
            MDB_val key = {(size_t)snprintf(text, sizeof text, "%d-%d", i * 7919 % 101, k), text};
            ck_assert_int_eq(mdb_put(txn, db, &key, &key, 0), 0);
        }
    }
    ck_assert_int_eq(mdb_txn_commit(txn), 0);
}

static struct snap *description(void)
{
    struct members m = {0};
    struct record *members;
    struct snap *s;
    members_add(&m, 1, "one", MEMBER_VOTER);
    members = members_encode(&m, 3);
    s = snap_new(77, 3, 1, members);
    record_unref(members);
    return s;
}

static void write_to(MDB_env *env, const char *to)
{
    struct snap *s = description();
    struct diag why = {0};
    MDB_txn *txn;
    ck_assert_int_eq(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    ck_assert_msg(snapshot_write(txn, s, to, &why), "%s", why.what);
    mdb_txn_abort(txn);
    snap_unref(s);
}

static MDB_env *prepare(void)
{
    MDB_env *env;
    snprintf(root, sizeof root, "%s", temp_folder_of_test("snapshot"));
    snprintf(path, sizeof path, "%s/file", root);
    snprintf(other, sizeof other, "%s/other", root);
    env = env_new("from");
    fill(env);
    write_to(env, path);
    return env;
}

static uint8_t *read_all(const char *from, size_t *n)
{
    static uint8_t bytes[1 << 16];
    FILE *f = fopen(from, "re");
    ck_assert_ptr_nonnull(f);
    *n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    return bytes;
}

static void write_all(const char *to, const uint8_t *bytes, size_t n)
{
    FILE *f = fopen(to, "we");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

START_TEST(test_snapshot_loaded_elsewhere_gives_the_same_bytes)
{
    MDB_env *from = prepare(), *to = env_new("to");
    struct snap *s = NULL;
    static uint8_t first[1 << 16];
    size_t n, m;

    ck_assert(snapshot_read(path, to, &s, NULL));
    ck_assert_uint_eq(s->index, 77);
    ck_assert_uint_eq(s->term, 3);
    snap_unref(s);
    write_to(to, other);
    memcpy(first, read_all(path, &n), sizeof first);
    ck_assert_mem_eq(first, read_all(other, &m), n);
    ck_assert_uint_eq(n, m);
    mdb_env_close(from);
    mdb_env_close(to);
}
END_TEST

START_TEST(test_snapshot_with_any_flipped_byte_is_refused)
{
    MDB_env *from = prepare();
    size_t n, at;
    uint8_t *bytes = read_all(path, &n);

    for (at = 0; at < n; at++) {
        struct diag why = {0};
        bytes[at] ^= 0x10;
        write_all(other, bytes, n);
        bytes[at] ^= 0x10;
        ck_assert_msg(!snapshot_read(other, NULL, NULL, &why), "byte %zu", at);
        ck_assert_str_ne(why.what, "");
    }
    mdb_env_close(from);
}
END_TEST

START_TEST(test_snapshot_cut_anywhere_or_too_long_is_refused)
{
    MDB_env *from = prepare();
    size_t n, at;
    uint8_t *bytes = read_all(path, &n);

    for (at = 0; at < n; at++) {
        write_all(other, bytes, at);
        ck_assert(!snapshot_read(other, NULL, NULL, NULL));
    }
    bytes[n] = 0;
    write_all(other, bytes, n + 1);
    ck_assert(!snapshot_read(other, NULL, NULL, NULL));
    mdb_env_close(from);
}
END_TEST

START_TEST(test_snapshot_that_cannot_be_written_leaves_nothing)
{
    MDB_env *from = prepare();
    struct snap *s = description();
    struct diag why = {0};
    struct stat st;
    MDB_txn *txn;

    ck_assert_int_eq(mdb_txn_begin(from, NULL, MDB_RDONLY, &txn), 0);
    snprintf(other, sizeof other, "%s/absent/file", root);
    ck_assert(!snapshot_write(txn, s, other, &why));
    ck_assert_str_ne(why.what, "");
    ck_assert(!snapshot_write(txn, s, "/dev/full/x", NULL));
    ck_assert_int_ne(stat(other, &st), 0);
    mdb_txn_abort(txn);
    snap_unref(s);
    mdb_env_close(from);
}
END_TEST

/* A block as the format has it, with a checksum that is right. */
static void put_block(struct buffer *file, uint32_t *chain, char kind, const struct buffer *payload)
{
    size_t from = file->len;

    buffer_put_u8(file, (uint8_t)kind);
    buffer_put_u32(file, (uint32_t)payload->len);
    buffer_put(file, payload->data, payload->len);
    *chain = checksum(*chain, file->data + from, file->len - from);
    buffer_put_u32(file, *chain);
}

/* A file by somebody who knows the format: one database with these flags, and records with keys of these sizes; 0 ends them. */
static void write_forged(const char *to, uint32_t flags, const size_t *key_sizes)
{
    static const uint8_t key[1024] = {1};
    struct snap *s = description();
    struct buffer file = {0}, payload = {0};
    uint64_t records = 0;
    uint32_t chain = 0;

    buffer_put_text(&payload, "clusterhsm-snapshot");
    buffer_put_u32(&payload, SNAPSHOT_FORMAT);
    buffer_put_u64(&payload, s->index);
    buffer_put_u64(&payload, s->term);
    buffer_put_u64(&payload, s->members_index);
    buffer_put(&payload, s->members->data, s->members->len);
    put_block(&file, &chain, 'S', &payload);
    buffer_reset(&payload);
    buffer_put_u32(&payload, flags);
    buffer_put_text(&payload, "keys");
    put_block(&file, &chain, 'D', &payload);
    for (; key_sizes[records] != 0; records++) {
        buffer_reset(&payload);
        buffer_put_bytes(&payload, key, key_sizes[records]);
        put_block(&file, &chain, 'R', &payload);
    }
    buffer_reset(&payload);
    buffer_put_u64(&payload, 1);
    buffer_put_u64(&payload, records);
    put_block(&file, &chain, 'E', &payload);
    write_all(to, file.data, file.len);
    buffer_clear(&file);
    buffer_clear(&payload);
    snap_unref(s);
}

/* LMDB compares integer keys by the size that it expects of them, whatever their size is: it must not get to see such a table. */
START_TEST(test_snapshot_with_keys_that_lmdb_would_misread_is_refused)
{
    static const size_t good[] = {3, 8, 0}, too_long[] = {512, 0};
    static const uint32_t flags[] = {MDB_INTEGERKEY, MDB_REVERSEKEY, MDB_DUPSORT, 0x40000000};
    MDB_env *from = prepare(), *to = env_new("to");
    struct diag why = {0};
    size_t i;

    write_forged(other, 0, good); /* a file of this making is fine as such */
    ck_assert_msg(snapshot_read(other, NULL, NULL, &why), "%s", why.what);
    for (i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        write_forged(other, flags[i], good);
        ck_assert_msg(!snapshot_read(other, NULL, NULL, &why), "flags %x, looked at", flags[i]);
        ck_assert_msg(!snapshot_read(other, to, NULL, &why), "flags %x, loaded", flags[i]);
        ck_assert_ptr_nonnull(strstr(why.what, "damaged"));
    }
    write_forged(other, 0, too_long);
    ck_assert(!snapshot_read(other, NULL, NULL, &why));
    ck_assert(!snapshot_read(other, to, NULL, &why));
    ck_assert_ptr_nonnull(strstr(why.what, "damaged"));
    mdb_env_close(from);
    mdb_env_close(to);
}
END_TEST

START_TEST(test_snapshot_is_not_written_of_databases_that_could_not_be_read_back)
{
    MDB_env *from = prepare();
    struct snap *s = description();
    struct diag why = {0};
    MDB_txn *txn;
    MDB_dbi db;

    ck_assert_int_eq(mdb_txn_begin(from, NULL, 0, &txn), 0);
    ck_assert_int_eq(mdb_dbi_open(txn, "numbers", MDB_CREATE | MDB_INTEGERKEY, &db), 0);
    ck_assert(!snapshot_write(txn, s, other, &why));
    ck_assert_str_ne(why.what, "");
    mdb_txn_abort(txn);
    snap_unref(s);
    mdb_env_close(from);
}
END_TEST

Suite *test_suite(void)
{
    static const TTest *const *const tests[] = {&test_snapshot_loaded_elsewhere_gives_the_same_bytes,
        &test_snapshot_with_any_flipped_byte_is_refused, &test_snapshot_cut_anywhere_or_too_long_is_refused,
        &test_snapshot_that_cannot_be_written_leaves_nothing, &test_snapshot_with_keys_that_lmdb_would_misread_is_refused,
        &test_snapshot_is_not_written_of_databases_that_could_not_be_read_back, NULL};
    return suite_of("snapshot", 30, tests);
}
