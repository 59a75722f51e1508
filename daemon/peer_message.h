/* A PeerMessage (proto/peer.proto) as a frame of daemon/net: a 32-bit length, then the message, packed. */
#ifndef CLUSTERHSM_DAEMON_PEER_MESSAGE_H
#define CLUSTERHSM_DAEMON_PEER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/net/connection.h"
#include "proto/error.h"
#include "proto/peer.pb-c.h"

/* False: too long, no memory, or the connection ended over it. */
bool peer_message_send(struct connection *c, const Hsm__PeerMessage *m);

/* From a whole frame with its length word; freed with hsm__peer_message__free_unpacked. NULL: malformed, or nothing that
 * this version knows. */
Hsm__PeerMessage *peer_message_read(const uint8_t *frame, size_t n);

/* Says why and ends the connection. `leader` may be NULL. `reason` is a literal, for the log. */
void peer_message_refuse(struct connection *c, enum err e, const char *detail, const char *leader, const char *reason);

#endif
