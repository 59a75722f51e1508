/* The cluster, asked to encrypt and decrypt with secret and private keys. */
#ifndef CLUSTERHSM_MODULE_STATE_CLUSTER_CIPHER_H
#define CLUSTERHSM_MODULE_STATE_CLUSTER_CIPHER_H

#include "module/state/key_request.h"
#include "module/state/module.h"
#include "proto/error.h"

/* One request; see Encrypt in request.proto. */
struct cluster_cipher {
    bool encrypt, more;
    uint8_t *out;
    size_t room;
    size_t n;     /* bytes of the answer; above `room` nothing of it is written */
    uint8_t *iv;  /* NULL, or room for the vector that the vault makes, of iv_n bytes: another number is ERR_MALFORMED */
    size_t iv_n;
};
enum err cluster_cipher(struct module *m, const struct key_request *k, struct cluster_cipher *c);

#endif
