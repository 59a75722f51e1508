/* The node's state as the vault sealed it, in a file: opaque to us, and durable before we go on. */
#ifndef CLUSTERHSM_DAEMON_NODE_FILE_H
#define CLUSTERHSM_DAEMON_NODE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/diag.h"

enum { NODE_FILE_BYTES_MAX = 1 << 20 };

/* <folder>/node.state into `out`; a file that is not there leaves it empty. False and a reason: it cannot be read. */
bool node_file_read(const char *folder, struct buffer *out, struct diag *why);

/* Replaces it: after a crash there is the old state or the new one, whole. False: the old one is there, or nobody knows. */
bool node_file_write(const char *folder, const uint8_t *bytes, size_t n, struct diag *why);

#endif
