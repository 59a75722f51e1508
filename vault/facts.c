#include "vault/facts.h"

#include <stdlib.h>
#include <string.h>

#include "vault/record.h"

enum { OVERTAKEN_MAX = 2 };

static void fact_clear(struct fact *r)
{
    free(r->packed);
    record_cache_give_back(r->record);
}

void facts_clear(struct facts *f)
{
    for (size_t i = 0; i < f->n_records; i++)
        fact_clear(&f->records[i]);
    free(f->records);
    free(f->lookups);
    memset(f, 0, sizeof *f);
}

void facts_unuse(struct facts *f)
{
    for (size_t i = 0; i < f->n_records; i++)
        f->records[i].used = false;
    f->n_wanted = 0;
}

bool facts_wants(const struct facts *f)
{
    for (size_t i = 0; i < f->n_lookups; i++)
        if (!f->lookups[i].known)
            return true;
    return f->n_wanted > 0;
}

static struct fact *find(struct facts *f, uint64_t id)
{
    for (size_t i = 0; i < f->n_records; i++)
        if (f->records[i].id == id)
            return &f->records[i];
    return NULL;
}

void facts_drop(struct facts *f, uint64_t id)
{
    struct fact *r = find(f, id), *last;

    if (r == NULL)
        return;
    fact_clear(r);
    last = &f->records[--f->n_records];
    if (r != last)
        *r = *last;
}

/* A place for an id that is not known yet. Places move when more are made: nobody keeps a pointer over calls. */
static enum err place(struct facts *f, uint64_t id, struct fact **out)
{
    if (f->n_records == FACTS_RECORDS_MAX)
        return ERR_MALFORMED;
    if (f->n_records == f->room) {
        size_t room = f->room ? 2 * f->room : 8;
        struct fact *more = realloc(f->records, room * sizeof *more);
        if (more == NULL)
            return ERR_NO_MEMORY;
        f->records = more;
        f->room = room;
    }
    *out = &f->records[f->n_records++];
    **out = (struct fact){.id = id};
    return ERR_OK;
}

static enum err add_absent(struct facts *f, uint64_t id)
{
    struct fact *r;
    enum err e;

    if (find(f, id) != NULL)
        return ERR_OK;
    e = place(f, id, &r);
    if (e == ERR_OK)
        r->absent = true;
    return e;
}

/* What a record's header and seal say of it. */
static enum err peek(const uint8_t *packed, size_t n, struct record_name *name)
{
    struct memory memory;
    Hsm__RecordHeader *header = NULL;
    Hsm__Record *record;
    enum err e = ERR_MALFORMED;

    memory_init(&memory);
    record = hsm__record__unpack(&memory.allocator, n, packed);
    if (record != NULL && record->sealed.len >= GCM_SEAL_BYTES)
        header = hsm__record_header__unpack(&memory.allocator, record->header.len, record->header.data);
    if (header != NULL) {
        name->id = header->id;
        name->version = header->version;
        memcpy(name->tag, record->sealed.data + record->sealed.len - sizeof name->tag, sizeof name->tag);
        e = ERR_OK;
        hsm__record_header__free_unpacked(header, &memory.allocator);
    }
    if (record != NULL)
        hsm__record__free_unpacked(record, &memory.allocator);
    return memory.failed ? ERR_NO_MEMORY : e;
}

static enum err add_record(struct facts *f, const uint8_t *packed, size_t n, bool own)
{
    struct record_name name;
    struct fact *r;
    uint8_t *copy;
    enum err e = peek(packed, n, &name);

    if (e != ERR_OK || find(f, name.id) != NULL)
        return e;
    copy = malloc(n);
    if (copy == NULL)
        return ERR_NO_MEMORY;
    e = place(f, name.id, &r);
    if (e != ERR_OK) {
        free(copy);
        return e;
    }
    memcpy(copy, packed, n);
    r->name = name;
    r->own = own;
    r->packed = copy;
    r->packed_bytes = n;
    return ERR_OK;
}

enum err facts_add_own(struct facts *f, const uint8_t *packed, size_t n)
{
    return add_record(f, packed, n, true);
}

/* An answer to a lookup that was asked for. */
static enum err add_found(struct facts *f, const Hsm__Found *found)
{
    struct found *l = NULL;

    if (found->token.len != INDEX_TOKEN_BYTES)
        return ERR_MALFORMED;
    for (size_t i = 0; i < f->n_lookups && l == NULL; i++)
        if (!f->lookups[i].known && memcmp(f->lookups[i].token, found->token.data, INDEX_TOKEN_BYTES) == 0)
            l = &f->lookups[i];
    if (l == NULL || found->n_ids > l->limit)
        return ERR_MALFORMED;
    for (size_t i = 0; i < found->n_ids; i++) {
        if (found->ids[i] <= (i > 0 ? found->ids[i - 1] : l->after))
            return ERR_MALFORMED;
        l->ids[i] = found->ids[i];
    }
    l->n = found->n_ids;
    l->more = found->more;
    l->known = true;
    return ERR_OK;
}

enum err facts_add(struct facts *f, const Hsm__Facts *more)
{
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < more->n_records; i++)
        e = add_record(f, more->records[i].data, more->records[i].len, false);
    for (size_t i = 0; e == ERR_OK && i < more->n_absent; i++)
        e = add_absent(f, more->absent[i]);
    for (size_t i = 0; e == ERR_OK && i < more->n_found; i++)
        e = add_found(f, more->found[i]);
    if (more->applied > f->applied)
        f->applied = more->applied;
    return e;
}

/* Held; of this cluster, and what its name says. */
static enum err unseal(const struct fact *r, const struct cluster_view *view, struct record_cache *cache, const struct opened_record **out)
{
    Hsm__RecordHeader *header = NULL;
    struct secret text = {0};
    enum err e = record_open(view->master, r->packed, r->packed_bytes, &header, &text);

    if (e != ERR_OK)
        return e == ERR_NO_MEMORY || e == ERR_BUG ? e : ERR_FORGED;
    if (r->name.version == 0 || header->cluster_id.len != sizeof view->cluster_id ||
        memcmp(header->cluster_id.data, view->cluster_id, sizeof view->cluster_id) != 0) {
        hsm__record_header__free_unpacked(header, NULL);
        secret_clear(&text);
        return ERR_FORGED;
    }
    *out = record_cache_put(cache, &r->name, header, &text);
    return *out != NULL ? ERR_OK : ERR_NO_MEMORY;
}

static enum err open_fact(struct fact *r, const struct facts_proof *proof)
{
    const struct opened_record *record = record_cache_borrow(proof->cache, &r->name);
    enum err e = record != NULL ? ERR_OK : unseal(r, proof->view, proof->cache, &record);

    if (e != ERR_OK)
        return e;
    if (!seen_note(proof->seen, r->id, r->name.version)) {
        record_cache_give_back(record);
        return ERR_STALE;
    }
    free(r->packed);
    r->packed = NULL;
    r->record = record;
    r->version = r->name.version;
    return ERR_OK;
}

enum err facts_want(struct facts *f, uint64_t id)
{
    if (find(f, id) != NULL)
        return ERR_OK;
    for (size_t i = 0; i < f->n_wanted; i++)
        if (f->wanted[i] == id)
            return ERR_NEED;
    if (f->n_wanted == NEED_IDS_MAX)
        return ERR_LIMIT;
    f->wanted[f->n_wanted++] = id;
    return ERR_NEED;
}

static bool holds(const struct found *l, uint64_t id)
{
    for (size_t i = 0; l->known && i < l->n; i++)
        if (l->ids[i] == id)
            return true;
    return false;
}

/* Is the record part of what searches found, they are made anew with all that they found. Read anew alone it could be gone, and the list
 * would then be of no moment: without what was destroyed later, and without what was made before that. */
static bool search_anew(struct facts *f, uint64_t id)
{
    bool part = false;

    for (size_t i = 0; i < f->n_lookups && !part; i++)
        part = holds(&f->lookups[i], id);
    for (size_t i = 0; part && i < f->n_lookups; i++) {
        struct found *l = &f->lookups[i];
        for (size_t k = 0; l->known && k < l->n; k++)
            facts_drop(f, l->ids[k]);
        l->known = false;
    }
    return part;
}

enum err facts_record(struct facts *f, const struct facts_proof *proof, uint64_t id, struct fact **out)
{
    struct fact *r = find(f, id);
    enum err e = ERR_OK;

    if (r == NULL)
        return facts_want(f, id);
    if (!r->absent && r->record == NULL)
        e = open_fact(r, proof);
    if (e == ERR_STALE && f->overtaken++ < OVERTAKEN_MAX) {
        facts_drop(f, id);
        return search_anew(f, id) ? ERR_NEED : facts_want(f, id);
    }
    if (e != ERR_OK)
        return e;
    r->used = true;
    *out = r;
    return ERR_OK;
}

enum err facts_lookup(struct facts *f, const uint8_t token[INDEX_TOKEN_BYTES], uint64_t after, uint32_t limit, const struct found **out)
{
    struct found *l;

    for (size_t i = 0; i < f->n_lookups; i++) {
        l = &f->lookups[i];
        if (memcmp(l->token, token, INDEX_TOKEN_BYTES) == 0 && l->after == after && l->limit == limit) {
            *out = l;
            return l->known ? ERR_OK : ERR_NEED;
        }
    }
    if (f->n_lookups == FACTS_LOOKUPS_MAX || limit == 0 || limit > FIND_IDS_MAX)
        return ERR_LIMIT;
    if (f->lookups == NULL)
        f->lookups = calloc(FACTS_LOOKUPS_MAX, sizeof *f->lookups);
    if (f->lookups == NULL)
        return ERR_NO_MEMORY;
    l = &f->lookups[f->n_lookups++];
    *l = (struct found){.after = after, .limit = limit};
    memcpy(l->token, token, INDEX_TOKEN_BYTES);
    return ERR_NEED;
}
