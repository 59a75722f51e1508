/*
 * A growable byte buffer and a cursor over received bytes.
 *
 * Both carry a sticky `failed` bit, so that a message is built or taken apart in one straight run of calls with one
 * check at the end: after the first failure every further call does nothing and returns false or zero.
 * Integers are big-endian. A plain buffer is for public bytes; secrets go into `struct secret` (common/secret.h).
 */
#ifndef CLUSTERHSM_COMMON_BUFFER_H
#define CLUSTERHSM_COMMON_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero is an empty buffer without a bound; `data` is owned by the buffer and moves when it grows. */
struct buffer {
    uint8_t *data;
    size_t len;
    size_t room;
    size_t bytes_max; /* 0: no bound */
    bool failed;
};

/* Starts an empty buffer that refuses to hold more than bytes_max (0: no bound). Nothing is allocated yet. */
void buffer_init(struct buffer *b, size_t bytes_max);

/* Frees the bytes and leaves an empty buffer with the same bound. Legal on a failed or an all-zero buffer. */
void buffer_clear(struct buffer *b);

/* Forgets the content and the failure; keeps the memory for the next use. */
void buffer_reset(struct buffer *b);

/* Appends n bytes and returns where they are to be written, or NULL on failure. Valid until the next append. */
uint8_t *buffer_extend(struct buffer *b, size_t n);

bool buffer_put(struct buffer *b, const void *bytes, size_t n);
bool buffer_put_u8(struct buffer *b, uint8_t v);
bool buffer_put_u16(struct buffer *b, uint16_t v);
bool buffer_put_u32(struct buffer *b, uint32_t v);
bool buffer_put_u64(struct buffer *b, uint64_t v);

/* A 32-bit length, then the bytes. */
bool buffer_put_bytes(struct buffer *b, const void *bytes, size_t n);

/* The characters without the terminating NUL. */
bool buffer_put_text(struct buffer *b, const char *text);

/* printf into the buffer, without the terminating NUL. */
bool buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Removes the first n bytes (all of them when there are fewer). */
void buffer_drop(struct buffer *b, size_t n);

/* Gives the bytes away: the caller frees them with free(). The buffer is empty then. NULL when failed or empty. `len` may be NULL. */
uint8_t *buffer_take(struct buffer *b, size_t *len);

/* Reads borrowed bytes from front to back. What it returns points into them and lives as long as they do. */
struct cursor {
    const uint8_t *at;
    size_t left;
    bool failed;
};

void cursor_init(struct cursor *c, const void *bytes, size_t n);
uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);

/* The next n bytes, or NULL on failure; for n = 0 a pointer that must not be read. */
const uint8_t *cursor_skip(struct cursor *c, size_t n);

/* Copies the next n bytes to `into`; on failure nothing is written. */
bool cursor_copy(struct cursor *c, void *into, size_t n);

/* What buffer_put_bytes wrote: borrowed bytes and their count. A length above bytes_max fails. */
const uint8_t *cursor_bytes(struct cursor *c, size_t bytes_max, size_t *n);

/* True when nothing failed and nothing is left: the check at the end of every decoder. */
bool cursor_done(const struct cursor *c);

#endif
