/* The channel between a module and a vault, through a front that can neither read nor forge what it carries.
 *
 * Noise_NK_25519_AESGCM_SHA256 (The Noise Protocol Framework, revision 34): the module knows the vaults' static key (the login key)
 * from a statement by the cluster key; the vault learns who the client is later, by a login bound to the handshake hash.
 *
 *   module                                     vault
 *   channel_write_open  ── message 1 ──►       channel_accept
 *   channel_read_opened ◄── message 2 ──
 *   channel_seal        ── counter, body ──►   channel_open           once a counter; they may overtake within CHANNEL_WINDOW
 *   channel_open_reply  ◄── body ──            channel_seal_reply     bound to the counter of the request that it answers
 *
 * Nonces: the module's counters number its requests. Replies have a counter of their own, sent along in front of the body, so that a
 * request whose answer had to be decided anew is never sealed twice under one nonce; the request's counter is associated data.
 *
 * A channel is used by one thread at a time. All failures are ERR_FORGED (it does not open, or was seen before), ERR_MALFORMED (wrong
 * length, wrong moment), ERR_NO_MEMORY or ERR_BUG (OpenSSL refused); after a failed handshake step the channel is of no use. */
#ifndef CLUSTERHSM_CRYPTO_CHANNEL_H
#define CLUSTERHSM_CRYPTO_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "common/buffer.h"
#include "common/secret.h"
#include "proto/error.h"

enum {
    CHANNEL_KEY_BYTES = 32,
    CHANNEL_HASH_BYTES = 32,
    CHANNEL_TAG_BYTES = 16,
    CHANNEL_OPEN_BYTES = CHANNEL_KEY_BYTES + CHANNEL_TAG_BYTES, /* either handshake message, with an empty payload */
    CHANNEL_REPLY_EXTRA_BYTES = 8 + CHANNEL_TAG_BYTES
};

/* What both sides of the product mix in first. */
#define CHANNEL_PROLOGUE "clusterhsm channel 1"

struct channel;

struct channel_setup {
    OSSL_LIB_CTX *libctx;          /* borrowed, outlives the channel */
    const uint8_t *server_public;  /* the module's side: the vaults' static key, 32 bytes; NULL on the vault's side */
    const struct secret *server_private; /* the vault's side: 32 bytes; copied into OpenSSL's key */
    const void *prologue;
    size_t prologue_bytes;
    const uint8_t *ephemeral;      /* 32 bytes of private key from a test vector; NULL: random, as ever but there */
};

enum err channel_new(const struct channel_setup *setup, struct channel **out);
void channel_free(struct channel *c);

/* The handshake. Payloads are appended to `out` and to `payload`; either may be empty (NULL, 0 and payload NULL: must be empty). */
enum err channel_write_open(struct channel *c, const void *payload, size_t n, struct buffer *out);
enum err channel_accept(struct channel *c, const uint8_t *message, size_t n, struct buffer *payload, const void *reply, size_t reply_n,
                        struct buffer *out);
enum err channel_read_opened(struct channel *c, const uint8_t *message, size_t n, struct buffer *payload);

/* Both sides' after the handshake: 32 bytes that name this channel and no other. */
const uint8_t *channel_hash(const struct channel *c);

/* Module: takes the next counter, and seals a body under it. Each counter must be used for one body only. Here and below `out` may move
 * as it grows: aad and text lie elsewhere. */
uint64_t channel_next(struct channel *c);
enum err channel_seal(struct channel *c, uint64_t counter, const uint8_t *aad, size_t aad_n, const uint8_t *text, size_t n,
                      struct buffer *out);

/* Vault: opens a body, once. */
enum err channel_open(struct channel *c, uint64_t counter, const uint8_t *aad, size_t aad_n, const uint8_t *sealed, size_t n,
                      struct secret *out);

/* The answer to the request of that counter. The module opens each reply once as well. */
enum err channel_seal_reply(struct channel *c, uint64_t request_counter, const uint8_t *text, size_t n, struct buffer *out);
enum err channel_open_reply(struct channel *c, uint64_t request_counter, const uint8_t *sealed, size_t n, struct secret *out);

#endif
