#include "daemon/replica/record.h"

#include <stdlib.h>
#include <string.h>

void *replica_alloc(size_t n, size_t size)
{
    void *p = calloc(n > 0 ? n : 1, size);
    if (p == NULL)
        abort();
    return p;
}

struct record *record_new(uint64_t term, enum record_kind kind, const void *data, size_t len)
{
    struct record *r = replica_alloc(1, sizeof *r + len);
    r->refs = 1;
    r->term = term;
    r->kind = kind;
    r->len = len;
    if (len > 0)
        memcpy(r->data, data, len);
    return r;
}

struct record *record_ref(struct record *r)
{
    r->refs++;
    return r;
}

void record_unref(struct record *r)
{
    if (r != NULL && --r->refs == 0)
        free(r);
}

void run_init(struct run *r, uint64_t first)
{
    memset(r, 0, sizeof *r);
    r->first = first;
}

void run_clear(struct run *r)
{
    run_truncate(r, r->first);
    free(r->rec);
    r->rec = NULL;
    r->room = 0;
}

void run_push(struct run *r, struct record *rec)
{
    if (r->n == r->room) {
        r->room = r->room > 0 ? r->room * 2 : 16;
        r->rec = realloc(r->rec, r->room * sizeof *r->rec);
        if (r->rec == NULL)
            abort();
    }
    r->rec[r->n++] = rec;
    r->bytes += rec->len;
}

void run_truncate(struct run *r, uint64_t index)
{
    while (r->n > 0 && run_last(r) >= index) {
        r->bytes -= r->rec[--r->n]->len;
        record_unref(r->rec[r->n]);
    }
}

void run_drop_prefix(struct run *r, uint64_t index)
{
    size_t drop, i;

    if (index < r->first)
        return;
    drop = index - r->first + 1 < r->n ? (size_t)(index - r->first + 1) : r->n;
    for (i = 0; i < drop; i++) {
        r->bytes -= r->rec[i]->len;
        record_unref(r->rec[i]);
    }
    if (drop > 0)
        memmove(r->rec, r->rec + drop, (r->n - drop) * sizeof *r->rec);
    r->n -= drop;
    r->first = index + 1;
}

void run_reset(struct run *r, uint64_t first)
{
    run_truncate(r, r->first);
    r->first = first;
}

struct record *run_get(const struct run *r, uint64_t index)
{
    return index < r->first || index >= r->first + r->n ? NULL : r->rec[index - r->first];
}

uint64_t run_last(const struct run *r)
{
    return r->first + r->n - 1;
}

struct snap *snap_new(uint64_t index, uint64_t term, uint64_t members_index, struct record *members)
{
    struct snap *s = replica_alloc(1, sizeof *s);
    s->refs = 1;
    s->index = index;
    s->term = term;
    s->members_index = members_index;
    s->members = record_ref(members);
    return s;
}

struct snap *snap_ref(struct snap *s)
{
    s->refs++;
    return s;
}

void snap_unref(struct snap *s)
{
    if (s == NULL || --s->refs > 0)
        return;
    record_unref(s->members);
    free(s);
}
