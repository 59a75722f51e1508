/* The cluster, asked for keys that are made of keys. */
#ifndef CLUSTERHSM_MODULE_STATE_CLUSTER_KEY_H
#define CLUSTERHSM_MODULE_STATE_CLUSTER_KEY_H

#include "common/buffer.h"
#include "module/state/module.h"
#include "proto/error.h"
#include "proto/limits.h"

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

struct cluster_wrapped {
    struct buffer bytes;          /* the caller's to clear */
    uint8_t iv[GCM_IV_BYTES_MAX]; /* the vault's vector, where it was to make one */
    size_t iv_n;
};

/* info: a public key that has no record, or empty. */
enum err cluster_wrap(struct module *m, const Hsm__Mechanism *mechanism, const struct known *wrapping, const struct buffer *info,
                      const struct known *key, struct cluster_wrapped *out);
CK_RV cluster_unwrap(struct module *m, CK_SESSION_HANDLE session, const Hsm__Mechanism *mechanism, const struct known *unwrapping,
                     const uint8_t *wrapped, size_t n, const struct template *t, CK_OBJECT_HANDLE *out);

#endif
