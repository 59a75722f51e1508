#include "daemon/replica/message.h"

#include "daemon/replica/members.h"

#include <stdlib.h>

enum { FLAG_GRANTED = 1, FLAG_DISRUPT = 2, FLAG_PRE_VOTE = 4, FLAGS = 7, ENTRY_HEAD_BYTES = 8 + 1 + 4 };

struct parcel *parcel_new(void)
{
    return replica_alloc(1, sizeof(struct parcel));
}

void parcel_free(struct parcel *p)
{
    size_t i;

    if (p == NULL)
        return;
    for (i = 0; i < p->n; i++)
        record_unref(p->rec[i]);
    free(p->rec);
    snap_unref(p->snap);
    free(p);
}

static void put_record(struct buffer *out, const struct record *r)
{
    buffer_put_u64(out, r->term);
    buffer_put_u8(out, (uint8_t)r->kind);
    buffer_put_bytes(out, r->data, r->len);
}

static void put_lease(struct buffer *out, const struct lease_message *l)
{
    buffer_put_u8(out, (uint8_t)l->kind);
    buffer_put_u64(out, l->term);
    buffer_put_u64(out, l->stamp_us);
    buffer_put_u64(out, l->boot);
    buffer_put_u64(out, l->asked_us);
    buffer_put_u64(out, l->index);
    buffer_put_u64(out, l->lasts_us);
}

bool parcel_encode(const struct parcel *p, struct buffer *out)
{
    const struct message *m = &p->msg;
    size_t i;

    buffer_put_u8(out, MESSAGE_FORMAT);
    buffer_put_u8(out, (uint8_t)m->kind);
    buffer_put_u8(out, m->version);
    buffer_put_u8(out, (uint8_t)((m->granted ? FLAG_GRANTED : 0) | (m->disrupt_leader ? FLAG_DISRUPT : 0) |
                                 (m->pre_vote ? FLAG_PRE_VOTE : 0)));
    buffer_put_u16(out, m->features);
    buffer_put_u16(out, m->capacity);
    buffer_put_u64(out, m->term);
    buffer_put_u64(out, m->index);
    buffer_put_u64(out, m->index_term);
    buffer_put_u64(out, m->commit);
    buffer_put_u64(out, m->rejected);
    buffer_put_u64(out, m->candidate);
    if (m->kind == MESSAGE_APPEND) {
        buffer_put_u32(out, (uint32_t)p->n);
        for (i = 0; i < p->n; i++)
            put_record(out, p->rec[i]);
    } else if (m->kind == MESSAGE_INSTALL) {
        buffer_put_u64(out, p->snap->members_index);
        buffer_put_u64(out, p->snap->mark);
        put_record(out, p->snap->members);
    } else if (m->kind == MESSAGE_LEASE) {
        put_lease(out, &p->lease);
    }
    return !out->failed;
}

/* NULL: malformed. */
static struct record *get_record(struct cursor *in)
{
    uint64_t term = cursor_u64(in);
    uint8_t kind = cursor_u8(in);
    size_t len = 0;
    const uint8_t *data = cursor_bytes(in, MESSAGE_ENTRY_BYTES_MAX, &len);
    struct members members;

    if (in->failed || kind < RECORD_COMMAND || kind > RECORD_MEMBERS || term == 0)
        return NULL;
    if (kind == RECORD_MEMBERS && !members_decode(data, len, &members))
        return NULL;
    return record_new(term, (enum record_kind)kind, data, len);
}

static bool get_entries(struct cursor *in, struct parcel *p)
{
    uint32_t n = cursor_u32(in), i;
    uint64_t term = p->msg.index_term;

    /* The count may not promise more than the bytes that follow can hold. */
    if (in->failed || n > MESSAGE_ENTRIES_MAX || n > in->left / ENTRY_HEAD_BYTES)
        return false;
    p->rec = replica_alloc(n, sizeof *p->rec);
    for (i = 0; i < n; i++) {
        struct record *r = get_record(in);
        if (r == NULL)
            return false;
        p->rec[p->n++] = r;
        if (r->term < term || r->term > p->msg.term)
            return false;
        term = r->term;
    }
    return true;
}

static bool get_snapshot(struct cursor *in, struct parcel *p)
{
    uint64_t members_index = cursor_u64(in), mark = cursor_u64(in);
    struct record *members = get_record(in);

    if (members == NULL)
        return false;
    p->snap = snap_new(p->msg.index, p->msg.index_term, members_index, members);
    p->snap->mark = mark;
    record_unref(members);
    return p->snap->members->kind == RECORD_MEMBERS && members_index > 0 && members_index <= p->msg.index &&
           p->msg.index_term > 0 && p->msg.index_term <= p->msg.term;
}

static bool get_lease(struct cursor *in, struct parcel *p)
{
    struct lease_message *l = &p->lease;
    uint8_t kind = cursor_u8(in);

    l->kind = (enum lease_kind)kind;
    l->term = cursor_u64(in);
    l->stamp_us = cursor_u64(in);
    l->boot = cursor_u64(in);
    l->asked_us = cursor_u64(in);
    l->index = cursor_u64(in);
    l->lasts_us = cursor_u64(in);
    return kind >= LEASE_PROBE && kind <= LEASE_SETTLED;
}

struct parcel *parcel_decode(const void *bytes, size_t len)
{
    struct parcel *p = parcel_new();
    struct message *m = &p->msg;
    struct cursor in;
    uint8_t format, kind, flags;
    bool ok;

    cursor_init(&in, bytes, len);
    format = cursor_u8(&in);
    kind = cursor_u8(&in);
    m->version = cursor_u8(&in);
    flags = cursor_u8(&in);
    m->granted = (flags & FLAG_GRANTED) != 0;
    m->disrupt_leader = (flags & FLAG_DISRUPT) != 0;
    m->pre_vote = (flags & FLAG_PRE_VOTE) != 0;
    m->features = cursor_u16(&in);
    m->capacity = cursor_u16(&in);
    m->term = cursor_u64(&in);
    m->index = cursor_u64(&in);
    m->index_term = cursor_u64(&in);
    m->commit = cursor_u64(&in);
    m->rejected = cursor_u64(&in);
    m->candidate = cursor_u64(&in);
    m->kind = (enum message_kind)kind;
    ok = !in.failed && format == MESSAGE_FORMAT && kind >= MESSAGE_APPEND && kind < MESSAGE_KINDS && flags <= FLAGS;
    /* Indexes are counted in, never near the end of 64 bits: sums with them must not wrap. */
    ok = ok && m->term < UINT64_MAX / 2 && m->index < UINT64_MAX / 2 && m->rejected < UINT64_MAX / 2;
    if (ok && kind == MESSAGE_APPEND)
        ok = get_entries(&in, p);
    else if (ok && kind == MESSAGE_INSTALL)
        ok = get_snapshot(&in, p);
    else if (ok && kind == MESSAGE_LEASE)
        ok = get_lease(&in, p);
    if (ok && cursor_done(&in))
        return p;
    parcel_free(p);
    return NULL;
}
