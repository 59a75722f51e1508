#include "daemon/replica/members.h"

#include <string.h>

enum { ENCODING_VERSION = 1, HEAD_BYTES = 1 + 8 };

static struct member *find(struct members *m, uint64_t id)
{
    unsigned i;
    for (i = 0; i < m->n; i++)
        if (m->member[i].id == id)
            return &m->member[i];
    return NULL;
}

const struct member *members_find(const struct members *m, uint64_t id)
{
    unsigned i;
    for (i = 0; i < m->n; i++)
        if (m->member[i].id == id)
            return &m->member[i];
    return NULL;
}

bool members_add(struct members *m, uint64_t id, const char *address, enum member_role role)
{
    size_t len = strlen(address);
    unsigned i;

    if (m->n == MEMBERS_MAX || id == 0 || len == 0 || len >= MEMBER_ADDRESS_BYTES)
        return false;
    for (i = 0; i < m->n; i++)
        if (m->member[i].id == id || strcmp(m->member[i].address, address) == 0)
            return false;
    memset(&m->member[m->n], 0, sizeof m->member[0]);
    m->member[m->n].id = id;
    m->member[m->n].role = role;
    memcpy(m->member[m->n].address, address, len);
    m->n++;
    return true;
}

bool members_remove(struct members *m, uint64_t id)
{
    struct member *gone = find(m, id);
    if (gone == NULL)
        return false;
    memmove(gone, gone + 1, (size_t)(&m->member[m->n] - (gone + 1)) * sizeof *gone);
    m->n--;
    return true;
}

bool members_set_role(struct members *m, uint64_t id, enum member_role role)
{
    struct member *one = find(m, id);
    if (one == NULL)
        return false;
    one->role = role;
    return true;
}

unsigned members_count(const struct members *m, enum member_role role)
{
    unsigned i, n = 0;
    for (i = 0; i < m->n; i++)
        n += m->member[i].role == role;
    return n;
}

bool members_is_sole_voter(const struct members *m, uint64_t id)
{
    const struct member *self = members_find(m, id);
    return self != NULL && self->role == MEMBER_VOTER && members_count(m, MEMBER_VOTER) == 1;
}

static uint8_t *put_u64(uint8_t *at, uint64_t v)
{
    int i;
    for (i = 0; i < 8; i++)
        *at++ = (uint8_t)(v >> (8 * i));
    return at;
}

static uint64_t get_u64(const uint8_t *at)
{
    uint64_t v = 0;
    int i;
    for (i = 7; i >= 0; i--)
        v = v << 8 | at[i];
    return v;
}

struct record *members_encode(const struct members *m, uint64_t term)
{
    uint8_t bytes[HEAD_BYTES + MEMBERS_MAX * (8 + MEMBER_ADDRESS_BYTES + 1) + 7] = {ENCODING_VERSION};
    uint8_t *at = put_u64(bytes + 1, m->n);
    unsigned i;

    for (i = 0; i < m->n; i++) {
        size_t len = strlen(m->member[i].address) + 1;
        at = put_u64(at, m->member[i].id);
        memcpy(at, m->member[i].address, len);
        at += len;
        *at++ = (uint8_t)m->member[i].role;
    }
    return record_new(term, RECORD_MEMBERS, bytes, ((size_t)(at - bytes) + 7) / 8 * 8);
}

bool members_decode(const void *bytes, size_t len, struct members *m)
{
    const uint8_t *at = bytes, *end = at + len;
    struct members out = {0};
    uint64_t n, i;

    if (len < HEAD_BYTES || len % 8 != 0 || at[0] != ENCODING_VERSION)
        return false;
    n = get_u64(at + 1);
    at += HEAD_BYTES;
    if (n == 0 || n > MEMBERS_MAX)
        return false;
    for (i = 0; i < n; i++) {
        const uint8_t *nul;
        uint64_t id;
        if (end - at < 8)
            return false;
        id = get_u64(at);
        at += 8;
        nul = memchr(at, 0, (size_t)(end - at));
        if (nul == NULL || nul + 1 == end || nul[1] > MEMBER_SPARE)
            return false;
        if (!members_add(&out, id, (const char *)at, (enum member_role)nul[1]))
            return false;
        at = nul + 2;
    }
    if (end - at >= 8)
        return false;
    while (at < end)
        if (*at++ != 0)
            return false;
    *m = out;
    return true;
}
