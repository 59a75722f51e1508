/* The channels of one vault thread, by connection, each with who has logged in on it. One thread. */
#ifndef CLUSTERHSM_VAULT_CHANNELS_H
#define CLUSTERHSM_VAULT_CHANNELS_H

#include <stdint.h>

#include "crypto/channel.h"
#include "proto/error.h"
#include "vault/access/login.h"

struct channels;

/* Lives until channels_done, also when its connection is closed or opens another: `closed` then. */
struct vault_channel {
    uint64_t connection;
    uint64_t uses;
    bool closed;
    struct channel *noise;
    struct login login;
    struct vault_channel *next;
};

struct channels *channels_new(void); /* NULL: no memory */

/* No channel may be held. */
void channels_free(struct channels *c);

/* Puts a channel in the connection's place; `noise` is taken over, also on failure. ERR_LIMIT, ERR_NO_MEMORY. */
enum err channels_put(struct channels *c, uint64_t connection, struct channel *noise);
void channels_close(struct channels *c, uint64_t connection);

/* Held until channels_done. NULL: no such channel. */
struct vault_channel *channels_hold(struct channels *c, uint64_t connection);
void channels_done(struct vault_channel *v);

#endif
