#include "daemon/store/store.h"

#include <errno.h>
#include <string.h>

#include "common/big_endian.h"
#include "daemon/store/write.h"

enum { STATE_BYTES = 5 * 8 + 1 + STORE_ID_BYTES, PAIR_BYTES = 16, TOKEN_KEY_BYTES = STORE_TOKEN_BYTES + 8, FIRST_ID = 2 };

static const char state_key[] = "state";

enum err store_error(int rv)
{
    switch (rv) {
    case 0:
        return ERR_OK;
    case MDB_NOTFOUND:
        return ERR_NOT_FOUND;
    case MDB_MAP_FULL:
    case ENOSPC:
        return ERR_FULL;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
        return ERR_CORRUPT;
    case ENOMEM:
        return ERR_NO_MEMORY;
    case MDB_READERS_FULL:
        return ERR_BUSY;
    default:
        return ERR_IO;
    }
}

enum err store_open(MDB_env *env, struct store *out)
{
    struct store s = {.env = env};
    const struct {
        const char *name;
        MDB_dbi *dbi;
    } databases[] = {{"meta", &s.meta},   {"owners", &s.owners},         {"records", &s.records},
                     {"ring", &s.ring},   {"ring_order", &s.ring_order}, {"tokens", &s.tokens},
                     {"used", &s.used}};
    MDB_txn *txn = NULL;
    int rv = mdb_txn_begin(env, NULL, 0, &txn);

    for (size_t i = 0; rv == 0 && i < sizeof databases / sizeof databases[0]; i++)
        rv = mdb_dbi_open(txn, databases[i].name, MDB_CREATE, databases[i].dbi);
    if (rv == 0) {
        rv = mdb_txn_commit(txn);
        txn = NULL;
    }
    if (txn != NULL)
        mdb_txn_abort(txn);
    if (rv == 0)
        *out = s;
    return store_error(rv);
}

enum err store_read(const struct store *s, MDB_txn **out)
{
    return store_error(mdb_txn_begin(s->env, NULL, MDB_RDONLY, out));
}

enum err store_state(const struct store *s, MDB_txn *txn, struct store_state *out)
{
    MDB_val key = {sizeof state_key - 1, (void *)(uintptr_t)state_key}, value;
    struct store_state st = {.next_id = FIRST_ID};
    const uint8_t *at;
    int rv = mdb_get(txn, s->meta, &key, &value);

    if (rv == 0 && value.mv_size != STATE_BYTES)
        return ERR_CORRUPT;
    if (rv == 0) {
        at = value.mv_data;
        st.applied = u64_get(at);
        st.next_id = u64_get(at + 8);
        st.ring_first = u64_get(at + 16);
        st.ring_next = u64_get(at + 24);
        st.ring_floor = u64_get(at + 32);
        st.claimed = at[40] != 0;
        memcpy(st.cluster_id, at + 41, STORE_ID_BYTES);
    }
    if (rv != 0 && rv != MDB_NOTFOUND)
        return store_error(rv);
    *out = st;
    return ERR_OK;
}

enum err store_put_state(const struct store *s, MDB_txn *txn, const struct store_state *st)
{
    uint8_t bytes[STATE_BYTES];
    MDB_val key = {sizeof state_key - 1, (void *)(uintptr_t)state_key}, value = {sizeof bytes, bytes};

    u64_put(bytes, st->applied);
    u64_put(bytes + 8, st->next_id);
    u64_put(bytes + 16, st->ring_first);
    u64_put(bytes + 24, st->ring_next);
    u64_put(bytes + 32, st->ring_floor);
    bytes[40] = st->claimed;
    memcpy(bytes + 41, st->cluster_id, STORE_ID_BYTES);
    return store_error(mdb_put(txn, s->meta, &key, &value, 0));
}

enum err store_get(const struct store *s, MDB_txn *txn, uint64_t id, const uint8_t **bytes, size_t *n)
{
    uint8_t id_bytes[8];
    MDB_val key = {sizeof id_bytes, id_bytes}, value;
    int rv;

    u64_put(id_bytes, id);
    rv = mdb_get(txn, s->records, &key, &value);
    if (rv == 0) {
        *bytes = value.mv_data;
        *n = value.mv_size;
    }
    return store_error(rv);
}

enum err store_find(const struct store *s, MDB_txn *txn, const uint8_t token[STORE_TOKEN_BYTES], uint64_t after, uint64_t *ids,
                    size_t limit, size_t *n, bool *more)
{
    uint8_t from[TOKEN_KEY_BYTES];
    MDB_val key = {sizeof from, from}, value;
    MDB_cursor *cursor = NULL;
    size_t found = 0;
    int rv;

    *more = false;
    *n = 0;
    if (after == UINT64_MAX)
        return ERR_OK;
    memcpy(from, token, STORE_TOKEN_BYTES);
    u64_put(from + STORE_TOKEN_BYTES, after + 1);
    rv = mdb_cursor_open(txn, s->tokens, &cursor);
    if (rv == 0)
        rv = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (rv == 0 && key.mv_size == TOKEN_KEY_BYTES && memcmp(key.mv_data, token, STORE_TOKEN_BYTES) == 0) {
        if (found == limit) {
            *more = true;
            break;
        }
        ids[found++] = u64_get((const uint8_t *)key.mv_data + STORE_TOKEN_BYTES);
        rv = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    if (rv != 0 && rv != MDB_NOTFOUND)
        return store_error(rv);
    if (rv == 0 && key.mv_size != TOKEN_KEY_BYTES)
        return ERR_CORRUPT;
    *n = found;
    return ERR_OK;
}

enum err store_owns(const struct store *s, MDB_txn *txn, uint64_t owner, bool *owns)
{
    uint8_t from[PAIR_BYTES] = {0};
    MDB_val key = {sizeof from, from}, value;
    MDB_cursor *cursor = NULL;
    int rv;

    u64_put(from, owner);
    rv = mdb_cursor_open(txn, s->owners, &cursor);
    if (rv == 0)
        rv = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    *owns = rv == 0 && key.mv_size == PAIR_BYTES && u64_get(key.mv_data) == owner;
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    return rv == MDB_NOTFOUND ? ERR_OK : store_error(rv);
}
