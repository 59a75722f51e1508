#include "common/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64 };

void buffer_init(struct buffer *b, size_t bytes_max)
{
    *b = (struct buffer){.bytes_max = bytes_max};
}

void buffer_clear(struct buffer *b)
{
    free(b->data);
    *b = (struct buffer){.bytes_max = b->bytes_max};
}

void buffer_reset(struct buffer *b)
{
    b->len = 0;
    b->failed = false;
}

/* Doubles, so that n appends cost n in all, but never beyond the bound. */
static size_t room_for(const struct buffer *b, size_t need)
{
    size_t room = b->room ? b->room : FIRST_ROOM;
    while (room < need) {
        if (room > SIZE_MAX / 2)
            return need;
        room *= 2;
    }
    return b->bytes_max && room > b->bytes_max ? b->bytes_max : room;
}

uint8_t *buffer_extend(struct buffer *b, size_t n)
{
    if (b->failed)
        return NULL;
    size_t bound = b->bytes_max ? b->bytes_max : SIZE_MAX;
    if (n > bound - b->len)
        goto fail;
    if (b->len + n > b->room || !b->data) {
        size_t room = room_for(b, b->len + n);
        uint8_t *data = realloc(b->data, room);
        if (!data)
            goto fail;
        b->data = data;
        b->room = room;
    }
    b->len += n;
    return b->data + b->len - n;
fail:
    b->failed = true;
    return NULL;
}

bool buffer_put(struct buffer *b, const void *bytes, size_t n)
{
    if (n == 0)
        return !b->failed;
    uint8_t *to = buffer_extend(b, n);
    if (to)
        memcpy(to, bytes, n);
    return to != NULL;
}

static bool put_number(struct buffer *b, uint64_t v, size_t width)
{
    uint8_t *to = buffer_extend(b, width);
    if (!to)
        return false;
    for (size_t i = width; i-- > 0; v >>= 8)
        to[i] = (uint8_t)v;
    return true;
}

bool buffer_put_u8(struct buffer *b, uint8_t v)
{
    return put_number(b, v, sizeof v);
}

bool buffer_put_u16(struct buffer *b, uint16_t v)
{
    return put_number(b, v, sizeof v);
}

bool buffer_put_u32(struct buffer *b, uint32_t v)
{
    return put_number(b, v, sizeof v);
}

bool buffer_put_u64(struct buffer *b, uint64_t v)
{
    return put_number(b, v, sizeof v);
}

bool buffer_put_bytes(struct buffer *b, const void *bytes, size_t n)
{
    if (n > UINT32_MAX) {
        b->failed = true;
        return false;
    }
    return buffer_put_u32(b, (uint32_t)n) && buffer_put(b, bytes, n);
}

bool buffer_put_text(struct buffer *b, const char *text)
{
    return buffer_put(b, text, strlen(text));
}

bool buffer_printf(struct buffer *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    /* vsnprintf ends with a NUL, for which there must be room though it is no part of the content. */
    uint8_t *to = n < 0 ? NULL : buffer_extend(b, (size_t)n + 1);
    if (!to) {
        b->failed = true;
        return false;
    }
    va_start(args, format);
    vsnprintf((char *)to, (size_t)n + 1, format, args);
    va_end(args);
    b->len--;
    return true;
}

void buffer_drop(struct buffer *b, size_t n)
{
    if (n >= b->len) {
        b->len = 0;
        return;
    }
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
}

uint8_t *buffer_take(struct buffer *b, size_t *len)
{
    if (b->failed || b->len == 0)
        return NULL;
    uint8_t *data = b->data;
    if (len != NULL)
        *len = b->len;
    b->data = NULL; /* transferred */
    buffer_clear(b);
    return data;
}

void cursor_init(struct cursor *c, const void *bytes, size_t n)
{
    *c = (struct cursor){.at = bytes, .left = n};
}

const uint8_t *cursor_skip(struct cursor *c, size_t n)
{
    static const uint8_t nothing[1];

    if (c->failed || n > c->left) {
        c->failed = true;
        return NULL;
    }
    if (n == 0)
        return c->at ? c->at : nothing;
    const uint8_t *from = c->at;
    c->at += n;
    c->left -= n;
    return from;
}

static uint64_t get_number(struct cursor *c, size_t width)
{
    const uint8_t *from = cursor_skip(c, width);
    uint64_t v = 0;
    for (size_t i = 0; from && i < width; i++)
        v = v << 8 | from[i];
    return v;
}

uint8_t cursor_u8(struct cursor *c)
{
    return (uint8_t)get_number(c, 1);
}

uint16_t cursor_u16(struct cursor *c)
{
    return (uint16_t)get_number(c, 2);
}

uint32_t cursor_u32(struct cursor *c)
{
    return (uint32_t)get_number(c, 4);
}

uint64_t cursor_u64(struct cursor *c)
{
    return get_number(c, 8);
}

bool cursor_copy(struct cursor *c, void *into, size_t n)
{
    const uint8_t *from = cursor_skip(c, n);
    if (from && n > 0)
        memcpy(into, from, n);
    return from != NULL;
}

const uint8_t *cursor_bytes(struct cursor *c, size_t bytes_max, size_t *n)
{
    size_t len = cursor_u32(c);
    if (len > bytes_max)
        c->failed = true;
    const uint8_t *from = cursor_skip(c, len);
    if (from)
        *n = len;
    return from;
}

bool cursor_done(const struct cursor *c)
{
    return !c->failed && c->left == 0;
}
