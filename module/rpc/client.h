/* One client of a cluster, made from its configuration: settings, identity, TLS dialer, rpc. The module and the tools begin here.
 *
 * Which file: the one that the caller names; else CLUSTERHSM_CONF, unless the process runs with more rights than its user; else
 * /etc/clusterhsm/client.yaml. Nothing is connected before the first call, so a cluster that is down stops nobody here. */
#ifndef CLUSTERHSM_MODULE_RPC_CLIENT_H
#define CLUSTERHSM_MODULE_RPC_CLIENT_H

#include <stdbool.h>

#include <openssl/types.h>

#include "common/diag.h"
#include "module/rpc/client_settings.h"
#include "module/rpc/identity.h"
#include "module/rpc/rpc.h"

#define CLIENT_PATH "/etc/clusterhsm/client.yaml"

struct client;

/* The path that client_open reads: `given`, or what stands for it where that is NULL or empty. Borrowed from the argument or the
 * environment. */
const char *client_path(const char *given);

/* Reads the file and all that it names. The library context is borrowed and outlives the client. False and a reason that names file
 * and remedy; nothing is held then. Ends with client_close. */
bool client_open(const char *given, OSSL_LIB_CTX *libctx, struct client **out, struct diag *why);

/* The same from settings that are there already; they become the client's, also after failure (client_settings_clear). */
bool client_open_settings(struct client_settings *settings, OSSL_LIB_CTX *libctx, struct client **out, struct diag *why);

/* The same with another way to the nodes than TLS: for programs that carry the frames themselves. Settings, identity and dialer become the
 * client's, also after failure. */
bool client_open_dialer(struct client_settings *settings, struct client_identity *identity, struct dialer *dialer, OSSL_LIB_CTX *libctx,
                        struct client **out, struct diag *why);

/* No call may be under way. Never waits for the network. */
void client_close(struct client *c);

/* As long as the client. */
const struct client_settings *client_settings(const struct client *c);
struct rpc *client_rpc(const struct client *c);

#endif
