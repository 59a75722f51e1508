#include "tests/fuzz/wire_mutate.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"

enum { PARTS_MAX = 512, DEPTH_MAX = 12, HEAD_BYTES = 4, GROWTH_BYTES = 256 };
enum { WIRE_VARINT = 0, WIRE_FIXED_64 = 1, WIRE_BYTES = 2, WIRE_FIXED_32 = 5 };

static uint64_t state;
static wire_mutate_fn *leaf;

/* Below n, which is not 0. */
static size_t any(size_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state % n);
}

/* A call of the row, or a field of a message: all of it, and its value. */
struct part {
    const uint8_t *at, *value;
    size_t n, value_n;
    unsigned wire;
};

/* ---- reading: false where it is no such thing, or has too many parts */

static bool read_varint(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool read_value(const uint8_t **at, const uint8_t *end, struct part *p)
{
    uint64_t number = 0;

    p->value = *at;
    if (p->wire == WIRE_BYTES) {
        if (!read_varint(at, end, &number))
            return false;
        p->value = *at;
    } else if (p->wire == WIRE_FIXED_64 || p->wire == WIRE_FIXED_32) {
        number = p->wire == WIRE_FIXED_64 ? 8 : 4;
    } else if (p->wire != WIRE_VARINT || !read_varint(at, end, &number)) {
        return false;
    } else {
        p->value_n = (size_t)(*at - p->value);
        return true;
    }
    if (number > (uint64_t)(end - *at))
        return false;
    *at += number;
    p->value_n = (size_t)number;
    return true;
}

static bool read_message(const uint8_t *bytes, size_t n, struct part *out, size_t *count)
{
    const uint8_t *at = bytes, *end = bytes + n;

    for (*count = 0; at < end; (*count)++) {
        uint64_t key;
        if (*count == PARTS_MAX)
            return false;
        out[*count].at = at;
        if (!read_varint(&at, end, &key) || key >> 3 == 0)
            return false;
        out[*count].wire = key & 7;
        if (!read_value(&at, end, &out[*count]))
            return false;
        out[*count].n = (size_t)(at - out[*count].at);
    }
    return *count > 0;
}

static bool read_row(const uint8_t *bytes, size_t n, struct part *out, size_t *count)
{
    struct cursor c;

    cursor_init(&c, bytes, n);
    for (*count = 0; !cursor_done(&c); (*count)++) {
        struct part *p = &out[*count];
        if (*count == PARTS_MAX || (p->value = cursor_bytes(&c, n, &p->value_n)) == NULL)
            return false;
        p->at = p->value - HEAD_BYTES;
        p->n = p->value_n + HEAD_BYTES;
    }
    return *count > 0;
}

/* ---- writing: a buffer that cannot grow stays as it is, and the change with it */

static void put_varint(struct buffer *to, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        (void)buffer_put_u8(to, (uint8_t)(number | 0x80));
    (void)buffer_put_u8(to, (uint8_t)number);
}

static void put_parts(struct buffer *to, const struct part *parts, size_t from, size_t end)
{
    for (size_t i = from; i < end; i++)
        (void)buffer_put(to, parts[i].at, parts[i].n);
}

static void put_changed(struct buffer *to, const uint8_t *bytes, size_t n)
{
    uint8_t *copy = malloc(n + GROWTH_BYTES);

    if (copy == NULL)
        return;
    if (n > 0)
        memcpy(copy, bytes, n);
    n = leaf(copy, n, n + GROWTH_BYTES);
    (void)buffer_put(to, copy, n);
    free(copy);
}

/* Mostly a near one, or one that stands in bounds. */
static uint64_t changed_number(uint64_t was)
{
    static const uint64_t others[] = {0, 1, 2, 3, 4, 8, 16, 0x7f, 0x80, 0xff, 0x7fffffff, 0x80000000, 0xffffffff, INT64_MAX, UINT64_MAX};

    switch (any(5)) {
    case 0:
        return was + 1;
    case 1:
        return was - 1;
    case 2:
        return was ^ (uint64_t)1 << any(any(2) == 0 ? 64 : 16);
    case 3:
        return others[any(sizeof others / sizeof others[0])];
    default:
        return any(0x1200); /* most CKM_, CKA_ and CKK_ are there */
    }
}

static void put_message(struct buffer *to, const uint8_t *bytes, size_t n, unsigned depth);

static void put_field(struct buffer *to, const struct part *p, unsigned depth)
{
    const uint8_t *at = p->value;
    struct buffer value = {0};
    uint64_t number;
    size_t head = (size_t)(p->value - p->at);

    if (p->wire == WIRE_VARINT) {
        (void)read_varint(&at, p->value + p->value_n, &number);
        (void)buffer_put(to, p->at, head);
        put_varint(to, changed_number(number));
    } else if (p->wire == WIRE_BYTES) {
        at = p->at;
        (void)read_varint(&at, p->value, &number);
        (void)buffer_put(to, p->at, (size_t)(at - p->at));
        put_message(&value, p->value, p->value_n, depth + 1);
        put_varint(to, value.len);
        (void)buffer_put(to, value.data, value.len);
        buffer_clear(&value);
    } else {
        (void)buffer_put(to, p->at, p->n);
    }
}

/* Whatever can be read as a message is taken for one, one time in eight not. */
static void put_message(struct buffer *to, const uint8_t *bytes, size_t n, unsigned depth)
{
    struct part *parts = calloc(PARTS_MAX, sizeof *parts);
    size_t count = 0, i, other;

    if (parts == NULL || depth == DEPTH_MAX || any(8) == 0 || !read_message(bytes, n, parts, &count)) {
        put_changed(to, bytes, n);
        free(parts);
        return;
    }
    i = any(count);
    other = any(count);
    put_parts(to, parts, 0, i);
    switch (any(16)) {
    case 0: /* without it */
        break;
    case 1: /* and another behind it, or the same again */
        put_parts(to, parts, i, i + 1);
        put_parts(to, parts, other, other + 1);
        break;
    default:
        put_field(to, &parts[i], depth);
    }
    put_parts(to, parts, i + 1, count);
    free(parts);
}

static void put_call(struct buffer *to, const struct part *call)
{
    struct buffer message = {0};

    put_message(&message, call->value, call->value_n, 0);
    (void)(buffer_put_u32(to, (uint32_t)message.len) && buffer_put(to, message.data, message.len));
    buffer_clear(&message);
}

static void put_row(struct buffer *to, const struct part *calls, size_t count)
{
    size_t i = any(count), other = any(count);

    put_parts(to, calls, 0, i);
    switch (any(16)) {
    case 0:
        break;
    case 1:
        put_parts(to, calls, other, other + 1);
        put_parts(to, calls, i, i + 1);
        break;
    case 2: /* the row ends here */
        put_call(to, &calls[i]);
        return;
    default:
        put_call(to, &calls[i]);
    }
    put_parts(to, calls, i + 1, count);
}

size_t wire_mutate(uint8_t *row, size_t n, size_t room, unsigned seed, wire_mutate_fn *mutate)
{
    struct part *calls = calloc(PARTS_MAX, sizeof *calls);
    struct buffer changed = {0};
    size_t count = 0;

    state = (uint64_t)seed << 20 | 0x9e3779b9;
    leaf = mutate;
    if (calls != NULL && any(16) != 0 && read_row(row, n, calls, &count))
        put_row(&changed, calls, count);
    if (changed.len > 0 && changed.len <= room) {
        memcpy(row, changed.data, changed.len);
        n = changed.len;
    } else {
        n = mutate(row, n, room);
    }
    buffer_clear(&changed);
    free(calls);
    return n;
}
