#include "tests/unit/local_store.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/apply.h"
#include "proto/limits.h"
#include "tests/unit/temp_folder.h"

void local_store_open(struct local_store *s)
{
    memset(s, 0, sizeof *s);
    s->folder = temp_folder_new("store");
    ck_assert_int_eq(mdb_env_create(&s->env), 0);
    mdb_env_set_maxdbs(s->env, 8);
    mdb_env_set_mapsize(s->env, (size_t)1 << 30);
    ck_assert_int_eq(mdb_env_open(s->env, s->folder, MDB_NOTLS | MDB_NOSYNC, 0600), 0);
    ck_assert_int_eq(store_open(s->env, &s->store), ERR_OK);
}

void local_store_close(struct local_store *s)
{
    mdb_env_close(s->env);
    temp_folder_free(s->folder);
}

void local_store_apply(struct local_store *s, const uint8_t *command, size_t n, bool good, uint64_t leader_time_ms, struct buffer *outcome)
{
    struct apply a;
    Hsm__Outcome out;

    ck_assert_int_eq(apply_begin(&a, &s->store, ++s->index), ERR_OK);
    apply_time(&a, leader_time_ms);
    ck_assert_int_eq(apply_command(&a, command, n, good, &out), ERR_OK);
    hsm__outcome__pack(&out, buffer_extend(outcome, hsm__outcome__get_packed_size(&out)));
    ck_assert_int_eq(apply_end(&a), ERR_OK);
}

static ProtobufCBinaryData copy_of(const uint8_t *bytes, size_t n)
{
    ProtobufCBinaryData d = {.data = malloc(n > 0 ? n : 1), .len = n};
    ck_assert_ptr_nonnull(d.data);
    memcpy(d.data, bytes, n);
    return d;
}

static void add_record(struct local_store *s, MDB_txn *txn, uint64_t id, Hsm__Facts *f)
{
    const uint8_t *bytes;
    size_t n;
    enum err e = store_get(&s->store, txn, id, &bytes, &n);

    if (e == ERR_OK) {
        f->records = realloc(f->records, (f->n_records + 1) * sizeof *f->records);
        f->records[f->n_records++] = copy_of(bytes, n);
    } else {
        ck_assert_int_eq(e, ERR_NOT_FOUND);
        f->absent = realloc(f->absent, (f->n_absent + 1) * sizeof *f->absent);
        f->absent[f->n_absent++] = id;
    }
}

static void add_found(struct local_store *s, MDB_txn *txn, const Hsm__Lookup *l, Hsm__Facts *f)
{
    Hsm__Found *found = malloc(sizeof *found);
    bool more;

    hsm__found__init(found);
    ck_assert_uint_eq(l->token.len, STORE_TOKEN_BYTES);
    ck_assert_uint_le(l->limit, FIND_IDS_MAX);
    found->token = copy_of(l->token.data, l->token.len);
    found->ids = calloc(FIND_IDS_MAX, sizeof *found->ids);
    ck_assert_int_eq(store_find(&s->store, txn, l->token.data, l->after, found->ids, l->limit, &found->n_ids, &more), ERR_OK);
    found->more = more;
    f->found = realloc(f->found, (f->n_found + 1) * sizeof(Hsm__Found *));
    f->found[f->n_found++] = found;
}

/* What is found comes along, as in the product: the least ids of all lists, as many as there is room for. */
static void add_found_records(struct local_store *s, MDB_txn *txn, Hsm__Facts *f)
{
    uint64_t last = 0, least = 1;

    while (least != 0 && f->n_records + f->n_absent < NEED_IDS_MAX) {
        least = 0;
        for (size_t i = 0; i < f->n_found; i++)
            for (size_t j = 0; j < f->found[i]->n_ids; j++)
                if (f->found[i]->ids[j] > last && (least == 0 || f->found[i]->ids[j] < least))
                    least = f->found[i]->ids[j];
        if (least != 0)
            add_record(s, txn, least, f);
        last = least;
    }
}

Hsm__Facts *local_store_facts(struct local_store *s, const uint64_t *ids, size_t n_ids, Hsm__Lookup *const *lookups, size_t n_lookups)
{
    Hsm__Facts *f = malloc(sizeof *f);
    MDB_txn *txn;

    ck_assert_ptr_nonnull(f);
    hsm__facts__init(f);
    ck_assert_int_eq(store_read(&s->store, &txn), ERR_OK);
    for (size_t i = 0; i < n_ids; i++)
        add_record(s, txn, ids[i], f);
    for (size_t i = 0; i < n_lookups; i++)
        add_found(s, txn, lookups[i], f);
    add_found_records(s, txn, f);
    f->applied = s->index;
    mdb_txn_abort(txn);
    return f;
}

void local_facts_free(Hsm__Facts *f)
{
    for (size_t i = 0; i < f->n_records; i++)
        free(f->records[i].data);
    for (size_t i = 0; i < f->n_found; i++) {
        free(f->found[i]->token.data);
        free(f->found[i]->ids);
        free(f->found[i]);
    }
    free(f->records);
    free(f->absent);
    free(f->found);
    free(f);
}

bool local_store_knows(struct local_store *s, const uint8_t request_id[STORE_ID_BYTES])
{
    struct ring_entry entry;
    MDB_txn *txn;
    enum err e;

    ck_assert_int_eq(store_read(&s->store, &txn), ERR_OK);
    e = ring_get(&s->store, txn, request_id, &entry);
    mdb_txn_abort(txn);
    return e == ERR_OK;
}

uint64_t local_store_version(struct local_store *s, uint64_t id)
{
    Hsm__Facts *f = local_store_facts(s, &id, 1, NULL, 0);
    uint64_t version = 0;

    if (f->n_records == 1) {
        Hsm__Record *record = hsm__record__unpack(NULL, f->records[0].len, f->records[0].data);
        Hsm__RecordHeader *header = hsm__record_header__unpack(NULL, record->header.len, record->header.data);
        version = header->version;
        hsm__record_header__free_unpacked(header, NULL);
        hsm__record__free_unpacked(record, NULL);
    }
    local_facts_free(f);
    return version;
}
