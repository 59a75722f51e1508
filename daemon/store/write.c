#include "daemon/store/write.h"

#include <stdlib.h>
#include <string.h>

#include "common/big_endian.h"
#include "proto/limits.h"

enum { RING_HEAD_BYTES = 8 + 32 + 8, USED_BYTES = ID_BLOCK / 8 };

static int put_pair(MDB_txn *txn, MDB_dbi dbi, const uint8_t *first, size_t n, uint64_t id, bool erase)
{
    uint8_t bytes[STORE_TOKEN_BYTES + 8];
    MDB_val key = {n + 8, bytes}, nothing = {0, bytes};

    memcpy(bytes, first, n);
    u64_put(bytes + n, id);
    return erase ? mdb_del(txn, dbi, &key, NULL) : mdb_put(txn, dbi, &key, &nothing, 0);
}

/* Tokens and owner of one version come or go together. */
static int index_record(const struct store *s, MDB_txn *txn, const Hsm__RecordHeader *h, bool erase)
{
    uint8_t owner[8];
    int rv = 0;

    u64_put(owner, h->owner);
    if (h->owner != 0)
        rv = put_pair(txn, s->owners, owner, sizeof owner, h->id, erase);
    for (size_t i = 0; rv == 0 && i < h->n_tokens; i++)
        rv = put_pair(txn, s->tokens, h->tokens[i].data, STORE_TOKEN_BYTES, h->id, erase);
    return rv;
}

enum err store_put_record(const struct store *s, MDB_txn *txn, const Hsm__RecordHeader *header, const Hsm__RecordHeader *old,
                          const uint8_t *packed, size_t n)
{
    uint8_t id[8];
    MDB_val key = {sizeof id, id}, value = {n, (void *)(uintptr_t)packed};
    int rv = old != NULL ? index_record(s, txn, old, true) : 0;

    u64_put(id, header->id);
    if (rv == 0)
        rv = mdb_put(txn, s->records, &key, &value, 0);
    if (rv == 0)
        rv = index_record(s, txn, header, false);
    return store_error(rv);
}

enum err store_erase_record(const struct store *s, MDB_txn *txn, const Hsm__RecordHeader *old)
{
    uint8_t id[8];
    MDB_val key = {sizeof id, id};
    int rv = index_record(s, txn, old, true);

    u64_put(id, old->id);
    if (rv == 0)
        rv = mdb_del(txn, s->records, &key, NULL);
    return store_error(rv);
}

/* The stretch of `id`, borrowed; ERR_NOT_FOUND: none of its ids was ever used. */
static enum err used_get(const struct store *s, MDB_txn *txn, uint64_t id, const uint8_t **bits)
{
    uint8_t stretch[8];
    MDB_val key = {sizeof stretch, stretch}, value;
    int rv;

    u64_put(stretch, id / ID_BLOCK);
    rv = mdb_get(txn, s->used, &key, &value);
    if (rv == 0 && value.mv_size != USED_BYTES)
        return ERR_CORRUPT;
    if (rv == 0)
        *bits = value.mv_data;
    return store_error(rv);
}

enum err store_is_used(const struct store *s, MDB_txn *txn, uint64_t id, bool *used)
{
    const uint8_t *bits = NULL;
    enum err e = used_get(s, txn, id, &bits);

    *used = e == ERR_OK && (bits[id % ID_BLOCK / 8] >> id % 8 & 1) != 0;
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err store_mark_used(const struct store *s, MDB_txn *txn, uint64_t id)
{
    uint8_t stretch[8], bits[USED_BYTES] = {0};
    MDB_val key = {sizeof stretch, stretch}, value = {sizeof bits, bits};
    const uint8_t *old = NULL;
    enum err e = used_get(s, txn, id, &old);

    if (e != ERR_OK && e != ERR_NOT_FOUND)
        return e;
    if (e == ERR_OK)
        memcpy(bits, old, sizeof bits);
    bits[id % ID_BLOCK / 8] |= (uint8_t)(1u << id % 8);
    u64_put(stretch, id / ID_BLOCK);
    return store_error(mdb_put(txn, s->used, &key, &value, 0));
}

enum err ring_get(const struct store *s, MDB_txn *txn, const uint8_t request_id[STORE_ID_BYTES], struct ring_entry *out)
{
    MDB_val key = {STORE_ID_BYTES, (void *)(uintptr_t)request_id}, value;
    const uint8_t *at;
    int rv = mdb_get(txn, s->ring, &key, &value);

    if (rv != 0)
        return store_error(rv);
    if (value.mv_size < RING_HEAD_BYTES)
        return ERR_CORRUPT;
    at = value.mv_data;
    out->index = u64_get(at);
    memcpy(out->digest, at + 8, sizeof out->digest);
    out->ids_first = u64_get(at + 40);
    out->result = at + RING_HEAD_BYTES;
    out->result_bytes = value.mv_size - RING_HEAD_BYTES;
    return ERR_OK;
}

static enum err forget_oldest(const struct store *s, MDB_txn *txn, struct store_state *st)
{
    uint8_t place[8], request_id[STORE_ID_BYTES];
    MDB_val order_key = {sizeof place, place}, id = {0}, ring_key = {sizeof request_id, request_id};
    struct ring_entry oldest;
    enum err e;
    int rv;

    u64_put(place, st->ring_first);
    rv = mdb_get(txn, s->ring_order, &order_key, &id);
    if (rv != 0 || id.mv_size != STORE_ID_BYTES)
        return ERR_CORRUPT;
    memcpy(request_id, id.mv_data, sizeof request_id);
    e = ring_get(s, txn, request_id, &oldest);
    if (e != ERR_OK)
        return ERR_CORRUPT;
    /* Whoever could still repeat that request had not seen this index when it was made. */
    st->ring_floor = oldest.index;
    rv = mdb_del(txn, s->ring, &ring_key, NULL);
    if (rv == 0)
        rv = mdb_del(txn, s->ring_order, &order_key, NULL);
    st->ring_first++;
    return store_error(rv);
}

enum err ring_put(const struct store *s, MDB_txn *txn, const uint8_t request_id[STORE_ID_BYTES], const struct ring_entry *e,
                  struct store_state *st)
{
    uint8_t place[8], *bytes;
    MDB_val key = {STORE_ID_BYTES, (void *)(uintptr_t)request_id}, value = {RING_HEAD_BYTES + e->result_bytes, NULL};
    MDB_val order_key = {sizeof place, place}, order_value = key;
    int rv;

    while (st->ring_next - st->ring_first >= RING_MUTATIONS) {
        enum err forgotten = forget_oldest(s, txn, st);
        if (forgotten != ERR_OK)
            return forgotten;
    }
    rv = mdb_put(txn, s->ring, &key, &value, MDB_RESERVE);
    if (rv == 0) {
        bytes = value.mv_data;
        u64_put(bytes, e->index);
        memcpy(bytes + 8, e->digest, sizeof e->digest);
        u64_put(bytes + 40, e->ids_first);
        if (e->result_bytes > 0)
            memcpy(bytes + RING_HEAD_BYTES, e->result, e->result_bytes);
        u64_put(place, st->ring_next++);
        rv = mdb_put(txn, s->ring_order, &order_key, &order_value, 0);
    }
    return store_error(rv);
}
