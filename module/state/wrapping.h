/* C_WrapKey and C_UnwrapKey, and the same with associated data. */
#ifndef CLUSTERHSM_MODULE_STATE_WRAPPING_H
#define CLUSTERHSM_MODULE_STATE_WRAPPING_H

#include "module/state/keys.h"
#include "module/state/wrap_given.h"

struct wrapping_keys {
    CK_OBJECT_HANDLE wrapping, target;
};

/* wrapped: NULL asks for the length, which the vault has to be asked for as well: only it sees how long the key is in
 * its wrapped form. associated: NULL in C_WrapKey and C_UnwrapKey. */
CK_RV wrapping_wrap(struct module *m, const CK_MECHANISM *mechanism, struct wrapping_keys keys,
                    const struct wrap_associated *associated, CK_BYTE *wrapped, CK_ULONG *wrapped_n);

struct wrapping_bytes {
    const CK_BYTE *bytes;
    CK_ULONG n;
};
CK_RV wrapping_unwrap(struct module *m, const struct session *session, const CK_MECHANISM *mechanism,
                      CK_OBJECT_HANDLE unwrapping_key, struct wrapping_bytes wrapped,
                      const struct wrap_associated *associated, struct keys_template t, CK_OBJECT_HANDLE *key);

#endif
