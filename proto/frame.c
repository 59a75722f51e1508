#include "proto/frame.h"

#include "proto/limits.h"

enum { HEADER_LENGTH_BYTES = 2, PREFIX_BYTES = FRAME_LENGTH_BYTES + HEADER_LENGTH_BYTES };

static void put_u32(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 24);
    at[1] = (uint8_t)(v >> 16);
    at[2] = (uint8_t)(v >> 8);
    at[3] = (uint8_t)v;
}

enum err frame_decode(const uint8_t *bytes, size_t n, struct frame *f, size_t *taken)
{
    struct cursor c;
    uint32_t length;
    uint16_t header_len;
    const uint8_t *header_bytes;
    Hsm__FrameHeader *header;

    *taken = 0;
    if (n < FRAME_LENGTH_BYTES)
        return ERR_OK;
    cursor_init(&c, bytes, n);
    length = cursor_u32(&c);
    if (length > FRAME_BYTES_MAX)
        return ERR_TOO_LARGE;
    if (length < HEADER_LENGTH_BYTES)
        return ERR_MALFORMED;
    if (n < PREFIX_BYTES)
        return ERR_OK;
    header_len = cursor_u16(&c);
    if (header_len > FRAME_HEADER_BYTES_MAX || header_len > length - HEADER_LENGTH_BYTES)
        return ERR_MALFORMED;
    if (c.left < length - HEADER_LENGTH_BYTES)
        return ERR_OK;
    header_bytes = cursor_skip(&c, header_len);
    header = hsm__frame_header__unpack(NULL, header_len, header_bytes);
    if (header == NULL)
        return ERR_MALFORMED;
    if (header->n_ids > HEADER_IDS_MAX) {
        hsm__frame_header__free_unpacked(header, NULL);
        return ERR_MALFORMED;
    }
    f->header = header;
    f->header_bytes = header_bytes;
    f->header_len = header_len;
    f->payload_len = length - HEADER_LENGTH_BYTES - header_len;
    f->payload = c.at;
    *taken = FRAME_LENGTH_BYTES + length;
    return ERR_OK;
}

void frame_clear(struct frame *f)
{
    if (f->header != NULL)
        hsm__frame_header__free_unpacked(f->header, NULL);
    f->header = NULL;
}

bool frame_begin(struct buffer *out, const Hsm__FrameHeader *header, struct frame_start *start)
{
    size_t n = hsm__frame_header__get_packed_size(header);
    uint8_t *to;

    if (n > FRAME_HEADER_BYTES_MAX)
        return false;
    start->at = out->len;
    start->header_at = out->len + PREFIX_BYTES;
    start->header_len = n;
    to = buffer_extend(out, PREFIX_BYTES + n);
    if (to == NULL)
        return false;
    put_u32(to, 0);
    to[4] = (uint8_t)(n >> 8);
    to[5] = (uint8_t)n;
    hsm__frame_header__pack(header, to + PREFIX_BYTES);
    return true;
}

bool frame_end(struct buffer *out, const struct frame_start *start)
{
    size_t length = out->len - start->at - FRAME_LENGTH_BYTES;
    if (out->failed || length > FRAME_BYTES_MAX) {
        out->len = start->at;
        return false;
    }
    put_u32(out->data + start->at, (uint32_t)length);
    return true;
}

bool frame_put(struct buffer *out, const Hsm__FrameHeader *header, const void *payload, size_t n)
{
    struct frame_start start;
    if (!frame_begin(out, header, &start))
        return false;
    if (n > 0 && !buffer_put(out, payload, n)) {
        out->len = start.at;
        return false;
    }
    return frame_end(out, &start);
}
