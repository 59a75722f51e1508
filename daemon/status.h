/* What a node tells about itself and its cluster: to a client that greets, to one that asks for the status, to its operator. Any thread. */
#ifndef CLUSTERHSM_DAEMON_STATUS_H
#define CLUSTERHSM_DAEMON_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"
#include "daemon/node.h"

/* Appends a Welcome, packed. False: no memory. */
bool status_welcome(struct node *n, uint32_t version, struct buffer *out);

/* Appends a StatusReply, packed. False: no memory. */
bool status_reply(struct node *n, struct buffer *out);

#endif
