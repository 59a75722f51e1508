/* The cluster, asked for keys that are made of keys. */
#ifndef CLUSTERHSM_MODULE_STATE_CLUSTER_KEY_H
#define CLUSTERHSM_MODULE_STATE_CLUSTER_KEY_H

#include "common/buffer.h"
#include "module/state/module.h"
#include "proto/error.h"
#include "proto/limits.h"

struct cluster_derived {
    CK_OBJECT_HANDLE handles[DERIVED_KEYS_MAX]; /* in the order of the mechanism, or of the templates */
    size_t n;
    uint8_t beside[2 * PARAMETER_BYTES_MAX]; /* what the mechanism gives besides */
    size_t beside_n;
    uint32_t which; /* after a refusal: the template that it is about, from 1; 0: none of them */
};

struct cluster_deriving {
    const Hsm__Mechanism *mechanism;
    const struct known *base;
    struct known *const *others; /* at most DERIVE_OTHERS_MAX: further keys, in the parameter's order */
    size_t others_n;
    const struct template *templates; /* of one key, or of several that are made together: at most DERIVED_KEYS_MAX */
    size_t templates_n;
    size_t keys; /* that come of it: another number is no answer */
};

CK_RV cluster_derive(struct module *m, CK_SESSION_HANDLE session, const struct cluster_deriving *d, struct cluster_derived *out);

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
