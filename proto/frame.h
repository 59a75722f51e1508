/* Frames between a client and a node, or an operator and a node's Unix socket:
 *
 *   u32 length of all that follows | u16 length of the header | header (FrameHeader, packed) | payload
 *
 * Integers are big-endian. The header's bytes exactly as they stand are the associated data of a sealed payload, so both sides keep
 * them and nobody packs a header a second time. A frame beyond its bounds, or with a header that does not decode, ends the connection.
 */
#ifndef CLUSTERHSM_PROTO_FRAME_H
#define CLUSTERHSM_PROTO_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "proto/error.h"
#include "proto/frame.pb-c.h"

enum { FRAME_LENGTH_BYTES = 4 };

/* A frame that was received. `header` is owned (frame_clear); the byte pointers borrow from what was decoded. */
struct frame {
    Hsm__FrameHeader *header;
    const uint8_t *header_bytes;
    size_t header_len;
    const uint8_t *payload;
    size_t payload_len;
};

/* Looks for one whole frame at the front of n received bytes. ERR_OK with *taken > 0: *f is set, and that many bytes belong to it.
 * ERR_OK with *taken == 0: more bytes are needed. ERR_TOO_LARGE as soon as the length says so, ERR_MALFORMED: the connection is
 * beyond repair; nothing is set. ERR_NO_MEMORY. */
enum err frame_decode(const uint8_t *bytes, size_t n, struct frame *f, size_t *taken);
void frame_clear(struct frame *f);

/* Appends a frame. frame_begin writes lengths and header and says where the header's bytes stand in `out` (an offset, as the buffer
 * may move); the payload is then appended by the caller and frame_end completes the length. False: no memory, or beyond the bounds;
 * `out` is as before. `start` is what frame_begin gave. */
struct frame_start {
    size_t at;          /* of the whole frame in out */
    size_t header_at;   /* of the header's bytes */
    size_t header_len;
};
bool frame_begin(struct buffer *out, const Hsm__FrameHeader *header, struct frame_start *start);
bool frame_end(struct buffer *out, const struct frame_start *start);

/* The whole of it, where the payload is there already. */
bool frame_put(struct buffer *out, const Hsm__FrameHeader *header, const void *payload, size_t n);

#endif
