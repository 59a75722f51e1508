/* The cluster, asked for secrets that are encapsulated and decapsulated. */
#ifndef CLUSTERHSM_MODULE_STATE_CLUSTER_KEM_H
#define CLUSTERHSM_MODULE_STATE_CLUSTER_KEM_H

#include "module/state/module.h"

/* `ciphertext` has room for n bytes, which is how long it is. */
CK_RV cluster_encapsulate(struct module *m, CK_SESSION_HANDLE session, const Hsm__Mechanism *mechanism, const struct known *public_key,
                          const struct template *t, uint8_t *ciphertext, size_t n, CK_OBJECT_HANDLE *out);

CK_RV cluster_decapsulate(struct module *m, CK_SESSION_HANDLE session, const Hsm__Mechanism *mechanism, const struct known *private_key,
                          const struct template *t, const uint8_t *ciphertext, size_t n, CK_OBJECT_HANDLE *out);

#endif
