/* A login that a client keeps: sealed, so that any vault of the cluster can open it and no client can change it. It survives fail-over,
 * restart and fork, and has no end of its own; it holds as long as what it names does (vault/access/access.h).
 *
 * Whoever resumes also proves that he has the secret K that went out with it: a MAC over the new channel's hash. */
#ifndef CLUSTERHSM_VAULT_ACCESS_TICKET_H
#define CLUSTERHSM_VAULT_ACCESS_TICKET_H

#include "common/buffer.h"
#include "common/secret.h"
#include "vault/access/login.h"
#include "vault/keyring.h"
#include "vault/work.h"

enum { TICKET_SECRET_BYTES = 32, RESUME_MAC_BYTES = 32 };

struct ticket {
    struct login login;
    uint64_t issued_ms;
    struct secret k;
};

/* With a fresh K in *k. Appends to `out`. ERR_NO_MEMORY, ERR_BUG. */
enum err ticket_make(const struct cluster_view *view, const struct login *login, uint64_t now_ms, struct secret *k, struct buffer *out);

/* t->k is the caller's to clear. ERR_TICKET: no ticket of this cluster; ERR_NO_MEMORY. */
enum err ticket_open(const struct cluster_view *view, const uint8_t *sealed, size_t n, struct ticket *t);

/* HMAC-SHA-256(K, "clusterhsm resume" || 0 || channel hash) */
enum err resume_mac(OSSL_LIB_CTX *libctx, const struct secret *k, const uint8_t *channel_hash, uint8_t out[RESUME_MAC_BYTES]);

/* Gives the client a fresh ticket for this login in the reply. */
enum err ticket_reply(struct work *w, const struct login *login);

#endif
