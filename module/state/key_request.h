/* A key that is to be used, as the cluster is asked (cluster_sign.h, cluster_cipher.h). Borrows all. */
#ifndef CLUSTERHSM_MODULE_STATE_KEY_REQUEST_H
#define CLUSTERHSM_MODULE_STATE_KEY_REQUEST_H

#include "module/state/known.h"

struct key_request {
    const struct known *key;
    const Hsm__Mechanism *mechanism;
    const uint8_t *data;
    size_t data_bytes;
    bool recover; /* C_SignRecover */
    const struct secret *password; /* for this use (module/state/reauthentication.h), or NULL */
};

#endif
