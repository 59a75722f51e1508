/* The cluster, asked for keys that are made of keys. */
#ifndef CLUSTERHSM_MODULE_STATE_CLUSTER_KEY_H
#define CLUSTERHSM_MODULE_STATE_CLUSTER_KEY_H

#include "module/state/module.h"

enum { CLUSTER_DERIVED_MAX = 4 };

struct cluster_derived {
    CK_OBJECT_HANDLE handles[CLUSTER_DERIVED_MAX]; /* in the order of the mechanism */
    size_t n;
    uint8_t beside[2 * PARAMETER_BYTES_MAX]; /* what the mechanism gives besides */
    size_t beside_n;
};

/* other: NULL, or the second key. */
CK_RV cluster_derive(struct module *m, CK_SESSION_HANDLE session, const Hsm__Mechanism *mechanism,
                     const struct known *base, const struct known *other, const struct template *t,
                     struct cluster_derived *out);

#endif
