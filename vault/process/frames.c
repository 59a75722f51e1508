#include "vault/process/frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { LENGTH_BYTES = 4, PIECE_BYTES = 64 * 1024, KEPT_BYTES_MAX = 1024 * 1024 };

void frames_init(struct frames *f, int fd, size_t bytes_max)
{
    *f = (struct frames){.fd = fd, .bytes_max = bytes_max};
}

void frames_clear(struct frames *f)
{
    free(f->in);
    buffer_clear(&f->out);
    *f = (struct frames){.fd = -1};
}

static uint32_t length_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Room behind what is there: for the rest of a message that has begun, and at least for a piece. What was handed out before is dropped. */
static bool make_room(struct frames *f)
{
    size_t left = f->in_len - f->in_at, want = left + PIECE_BYTES;
    uint8_t *larger;

    if (left >= LENGTH_BYTES && length_at(f->in + f->in_at) <= f->bytes_max) {
        size_t whole = LENGTH_BYTES + (size_t)length_at(f->in + f->in_at);
        want = whole > want ? whole : want;
    }
    if (left == 0 && f->in_room > KEPT_BYTES_MAX) {
        free(f->in);
        f->in = NULL;
        f->in_room = 0;
    }
    if (left > 0 && f->in_at > 0)
        memmove(f->in, f->in + f->in_at, left);
    f->in_at = 0;
    f->in_len = left;
    if (want <= f->in_room)
        return true;
    larger = realloc(f->in, want);
    if (larger == NULL)
        return false;
    f->in = larger;
    f->in_room = want;
    return true;
}

enum frames_state frames_receive(struct frames *f)
{
    ssize_t got;

    if (!make_room(f))
        return FRAMES_BROKEN;
    do
        got = recv(f->fd, f->in + f->in_len, f->in_room - f->in_len, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got == 0 || (got < 0 && errno == ECONNRESET))
        return FRAMES_CLOSED;
    if (got > 0)
        f->in_len += (size_t)got;
    return got > 0 || errno == EAGAIN || errno == EWOULDBLOCK ? FRAMES_OK : FRAMES_BROKEN;
}

const uint8_t *frames_next(struct frames *f, size_t *n, enum frames_state *state)
{
    size_t left = f->in_len - f->in_at;
    const uint8_t *at;

    *state = FRAMES_OK;
    if (left < LENGTH_BYTES)
        return NULL;
    at = f->in + f->in_at;
    if (length_at(at) > f->bytes_max) {
        *state = FRAMES_BROKEN;
        return NULL;
    }
    if (left < LENGTH_BYTES + (size_t)length_at(at))
        return NULL;
    *n = length_at(at);
    f->in_at += LENGTH_BYTES + *n;
    return at + LENGTH_BYTES;
}

bool frames_put(struct frames *f, const ProtobufCMessage *message)
{
    size_t n = protobuf_c_message_get_packed_size(message);
    uint8_t *to;

    if (f->out_at > KEPT_BYTES_MAX) { /* a slow reader: what it has read already is not kept */
        buffer_drop(&f->out, f->out_at);
        f->out_at = 0;
    }
    if (n > UINT32_MAX || !buffer_put_u32(&f->out, (uint32_t)n))
        return false;
    if (n == 0)
        return true;
    to = buffer_extend(&f->out, n);
    if (to == NULL)
        return false;
    protobuf_c_message_pack(message, to);
    return true;
}

size_t frames_waiting(const struct frames *f)
{
    return f->out.len - f->out_at;
}

enum frames_state frames_send(struct frames *f)
{
    ssize_t sent = 0;

    if (f->out.failed)
        return FRAMES_BROKEN;
    while (frames_waiting(f) > 0) {
        sent = send(f->fd, f->out.data + f->out_at, frames_waiting(f), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            break;
        f->out_at += (size_t)sent;
    }
    if (frames_waiting(f) == 0) {
        f->out_at = 0;
        if (f->out.room > KEPT_BYTES_MAX)
            buffer_clear(&f->out);
        else
            buffer_reset(&f->out);
        return FRAMES_OK;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return FRAMES_OK;
    return errno == EPIPE || errno == ECONNRESET ? FRAMES_CLOSED : FRAMES_BROKEN;
}
