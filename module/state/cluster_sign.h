/* The cluster, asked to sign and verify with secret and private keys. */
#ifndef CLUSTERHSM_MODULE_STATE_CLUSTER_SIGN_H
#define CLUSTERHSM_MODULE_STATE_CLUSTER_SIGN_H

#include "module/state/key_request.h"
#include "module/state/module.h"
#include "proto/error.h"

/* *bytes is the room at first. ERR_MALFORMED: the signature does not fit, which no vault of ours makes. */
enum err cluster_sign(struct module *m, const struct key_request *k, uint8_t *signature, size_t *bytes);
enum err cluster_verify(struct module *m, const struct key_request *k, const uint8_t *signature, size_t bytes);

/* A one-time password made, or held against the one that is given: ERR_SIGNATURE. ERR_UNKNOWN_OUTCOME's like: it may count as used. */
enum err cluster_one_time(struct module *m, const struct key_request *k, uint8_t *password, size_t *bytes);
enum err cluster_one_time_verify(struct module *m, const struct key_request *k, const uint8_t *password, size_t bytes);

#endif
