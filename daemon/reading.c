#include "daemon/reading.h"

#include <stdlib.h>

#include "daemon/store/write.h"
#include "proto/record.pb-c.h"

enum err reading_begin(struct reading *r, struct state *s)
{
    struct store_state st;
    enum err e = s != NULL ? state_read(s, &r->reader) : ERR_NOT_FOUND;

    if (e != ERR_OK)
        return e == ERR_NOT_FOUND ? ERR_WRONG_STATE : e;
    e = store_state(r->reader.store, r->reader.txn, &st);
    if (e != ERR_OK) {
        state_read_end(&r->reader);
        return e;
    }
    hsm__facts__init(&r->facts);
    r->facts.records = r->records;
    r->facts.absent = r->absent;
    r->facts.applied = st.applied;
    r->founds = NULL;
    r->found_list = NULL;
    r->found_ids = NULL;
    return ERR_OK;
}

void reading_end(struct reading *r)
{
    free(r->founds);
    free(r->found_list);
    free(r->found_ids);
    state_read_end(&r->reader);
}

enum err reading_records(struct reading *r, const uint64_t *ids, size_t n)
{
    Hsm__Facts *f = &r->facts;

    if (n > NEED_IDS_MAX - f->n_records - f->n_absent)
        return ERR_LIMIT;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *bytes;
        size_t len;
        enum err e = store_get(r->reader.store, r->reader.txn, ids[i], &bytes, &len);
        if (e == ERR_OK)
            f->records[f->n_records++] = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)bytes, .len = len};
        else if (e == ERR_NOT_FOUND)
            f->absent[f->n_absent++] = ids[i];
        else
            return e;
    }
    return ERR_OK;
}

static enum err look_up(struct reading *r, const Hsm__Lookup *l, uint64_t *ids, Hsm__Found *out)
{
    size_t limit = l->limit < FIND_IDS_MAX ? l->limit : FIND_IDS_MAX, n = 0;
    bool more = false;
    enum err e;

    if (l->token.len != STORE_TOKEN_BYTES)
        return ERR_MALFORMED;
    e = store_find(r->reader.store, r->reader.txn, l->token.data, l->after, ids, limit, &n, &more);
    hsm__found__init(out);
    out->token = l->token;
    out->ids = ids;
    out->n_ids = n;
    out->more = more;
    return e;
}

enum err reading_lookups(struct reading *r, Hsm__Lookup *const *lookups, size_t n)
{
    if (n == 0)
        return ERR_OK;
    if (n > NEED_IDS_MAX)
        return ERR_LIMIT;
    r->founds = calloc(n, sizeof *r->founds);
    r->found_list = calloc(n, sizeof(Hsm__Found *));
    r->found_ids = calloc(n * FIND_IDS_MAX, sizeof *r->found_ids);
    if (r->founds == NULL || r->found_list == NULL || r->found_ids == NULL)
        return ERR_NO_MEMORY;
    r->facts.found = r->found_list;
    for (size_t i = 0; i < n; i++) {
        enum err e = look_up(r, lookups[i], r->found_ids + i * FIND_IDS_MAX, &r->founds[i]);
        if (e != ERR_OK)
            return e;
        r->found_list[r->facts.n_found++] = &r->founds[i];
    }
    return ERR_OK;
}

/* The least id of the lists that is above `last`; 0: there is none. Ids ascend in each list. */
static uint64_t least_above(const Hsm__Facts *f, uint64_t last)
{
    uint64_t least = 0;

    for (size_t i = 0; i < f->n_found; i++)
        for (size_t j = 0; j < f->found[i]->n_ids; j++) {
            uint64_t id = f->found[i]->ids[j];
            if (id <= last)
                continue;
            if (least == 0 || id < least)
                least = id;
            break;
        }
    return least;
}

enum err reading_found_records(struct reading *r)
{
    uint64_t id = 0;
    enum err e = ERR_OK;

    while (e == ERR_OK && r->facts.n_records + r->facts.n_absent < NEED_IDS_MAX && (id = least_above(&r->facts, id)) != 0)
        e = reading_records(r, &id, 1);
    return e;
}

enum err reading_repeated(struct reading *r, const uint8_t *request_id)
{
    struct ring_entry entry;
    enum err e = ring_get(r->reader.store, r->reader.txn, request_id, &entry);

    r->facts.repeated_id = e == ERR_OK;
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* 0: there is no such record. */
static enum err version_of(const struct state_reader *r, uint64_t id, uint64_t *version)
{
    Hsm__Record *record;
    Hsm__RecordHeader *header = NULL;
    const uint8_t *bytes;
    size_t n;
    enum err e = store_get(r->store, r->txn, id, &bytes, &n);

    *version = 0;
    if (e != ERR_OK)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    record = hsm__record__unpack(NULL, n, bytes);
    if (record != NULL) {
        header = hsm__record_header__unpack(NULL, record->header.len, record->header.data);
        hsm__record__free_unpacked(record, NULL);
    }
    if (header == NULL)
        return ERR_CORRUPT;
    *version = header->version;
    hsm__record_header__free_unpacked(header, NULL);
    return ERR_OK;
}

enum err reading_check_used(struct state *s, uint64_t since, Hsm__Used *const *used, size_t n)
{
    struct state_reader r;
    struct store_state st;
    enum err e = ERR_OK;

    if (n == 0)
        return ERR_OK;
    if ((e = state_read(s, &r)) != ERR_OK)
        return e;
    e = store_state(r.store, r.txn, &st);
    /* Where no entry has been applied since, nothing can have changed: the usual case costs one look. */
    for (size_t i = 0; e == ERR_OK && st.applied != since && i < n; i++) {
        uint64_t version;
        e = version_of(&r, used[i]->id, &version);
        if (e == ERR_OK && version != used[i]->version)
            e = ERR_CONFLICT;
    }
    state_read_end(&r);
    return e;
}
