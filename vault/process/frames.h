/* Length-prefixed messages on one end of a socket pair: read in large pieces, written together. One thread.
 *
 * u32 length, big endian, then the message. Nothing blocks: who uses it polls. */
#ifndef CLUSTERHSM_VAULT_PROCESS_FRAMES_H
#define CLUSTERHSM_VAULT_PROCESS_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "proto/vault.pb-c.h"

struct frames {
    int fd;           /* borrowed */
    size_t bytes_max; /* of one message that comes in */
    uint8_t *in;
    size_t in_at, in_len, in_room;
    struct buffer out;
    size_t out_at;
};

enum frames_state { FRAMES_OK, FRAMES_CLOSED, FRAMES_BROKEN };

void frames_init(struct frames *f, int fd, size_t bytes_max);
void frames_clear(struct frames *f);

/* Takes in what is there, up to a bound. CLOSED: the other side is gone. BROKEN: no memory, or a socket that fails. */
enum frames_state frames_receive(struct frames *f);

/* The next whole message, borrowed until the next frames_receive; NULL: not there yet, or *state says why not. BROKEN: it claims to be
 * longer than any. */
const uint8_t *frames_next(struct frames *f, size_t *n, enum frames_state *state);

/* Appends a message to what is to be written. False: no memory. */
bool frames_put(struct frames *f, const ProtobufCMessage *message);

/* Writes what goes. */
enum frames_state frames_send(struct frames *f);

/* Bytes that wait to be written. */
size_t frames_waiting(const struct frames *f);

#endif
