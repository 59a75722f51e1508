/* A node's operator asks the node itself, over its Unix socket: one request, one reply (FRAME_LOCAL, proto/frame.h). Who may connect is
 * the socket file's mode and the node's look at our user id. */
#ifndef CLUSTERHSM_TOOLS_LOCAL_H
#define CLUSTERHSM_TOOLS_LOCAL_H

#include <stdbool.h>

#include "common/diag.h"
#include "proto/error.h"
#include "proto/node.pb-c.h"

#define NODE_CONFIG_PATH "/etc/clusterhsm/hsmd.yaml"

/* Where the socket is: `socket`, else what the node's configuration says (`config`, else NODE_CONFIG_PATH). `out` has PATH_MAX bytes. */
bool local_socket_path(const char *socket, const char *config, char *out, struct diag *why);

/* The reply is the caller's (hsm__local_reply__free_unpacked(_, NULL)), also where it carries an error, which is then the result.
 * `silence_ms`: so long without a byte, and the node is taken for dead; progress frames keep it alive. ERR_LOST: no node there;
 * ERR_PERMISSION: the socket is not for us; ERR_MALFORMED, ERR_NO_MEMORY. `why` is always filled on failure. */
enum err local_ask(const char *socket_path, const Hsm__LocalRequest *request, unsigned silence_ms, Hsm__LocalReply **out,
                   struct diag *why);

#endif
