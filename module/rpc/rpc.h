/* Requests from this process to one cluster: a few connections that all threads share, retries, fail-over, the login.
 *
 * Story of a call: pick a connection (or dial a node: HELLO, WELCOME, check the login key's statement, open the channel, resume the
 * login), seal the request, send it, wait for its reply; whichever calling thread is there reads for all. When a node is lost, or
 * says that another should be asked, the same request goes elsewhere, with the same request id, as its row in proto/request.def allows.
 *
 * There are no threads in here, no signals, nothing printed. All functions may be called by any thread, but rpc_free only when no
 * other call is under way. After fork the child calls rpc_after_fork first; the login goes on there. */
#ifndef CLUSTERHSM_MODULE_RPC_RPC_H
#define CLUSTERHSM_MODULE_RPC_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "common/diag.h"
#include "module/rpc/stream.h"
#include "proto/error.h"
#include "proto/request.pb-c.h"

struct rpc;

struct rpc_config {
    OSSL_LIB_CTX *libctx;         /* borrowed, outlives the rpc */
    const char *const *servers;   /* "host:port", copied */
    size_t n_servers;
    struct dialer *dialer;        /* becomes the rpc's, also when rpc_new fails */
    const struct client_identity *identity; /* borrowed; NULL: no login possible (a node's own operator) */
    unsigned connect_wait_ms;     /* how long a call waits for a cluster that is down */
    unsigned reply_wait_ms;       /* without a word from the node for so long, it is taken for dead */
    unsigned connections;         /* at most so many, 1 or more */
};

/* Connects nothing yet. */
enum err rpc_new(const struct rpc_config *config, struct rpc **out);
void rpc_free(struct rpc *r);

/* In a child, before any other call: closes inherited descriptors without a word to the nodes, re-makes the locks. */
void rpc_after_fork(struct rpc *r);

struct rpc_call {
    const Hsm__Request *request;
    const uint64_t *ids;          /* records that the request will read (at most HEADER_IDS_MAX - 1): saves the vault a question */
    size_t n_ids;
};

/* Blocks until there is an answer. ERR_OK: *out is the reply, error 0. Otherwise *out is the vault's reply where there was one (its
 * detail is for people), else NULL. The caller frees *out with rpc_reply_free. */
enum err rpc_call(struct rpc *r, const struct rpc_call *call, Hsm__Reply **out);
void rpc_reply_free(Hsm__Reply *reply);

/* Logs this process in; the ticket is kept and resumed on every new connection, in children too. The password is not kept.
 * ERR_PIN_INCORRECT and the like come from the vault. detail may be NULL. */
enum err rpc_login(struct rpc *r, const char *name, const uint8_t *password, size_t password_bytes, bool admin, struct diag *detail);

/* Puts the login of a reply in place of the one that is there: who changes his own password gets a fresh ticket. */
enum err rpc_take_login(struct rpc *r, const Hsm__LoginReply *login);

/* Which login this is: another number after each rpc_login and rpc_take_login, 0 without one. */
unsigned rpc_login_number(struct rpc *r);

/* Forgets the ticket and its secret. Connections stay, their channels do not. Never waits for the network. */
void rpc_logout(struct rpc *r);

/* For people: why the newest try to reach a node failed, with its address. *why is untouched where none has. */
void rpc_last_failure(struct rpc *r, struct diag *why);

/* The highest applied index seen in any answer. */
uint64_t rpc_applied(struct rpc *r);

/* The user's record id, 0 if not logged in. */
uint64_t rpc_user_id(struct rpc *r);

#endif
