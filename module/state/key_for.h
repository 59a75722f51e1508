/* A key by its handle, held against what it is needed for. What can be said here is said here, in this order: that it is a key, that its
 * class and its attribute permit the use, that the mechanism takes its type, that its list of mechanisms has this one, and that the policy
 * lets its size. The vault looks again at all that it sees. */
#ifndef CLUSTERHSM_MODULE_STATE_KEY_FOR_H
#define CLUSTERHSM_MODULE_STATE_KEY_FOR_H

#include "module/state/lookup.h"

/* use: one of attribute_use_at's. *out is the caller's to release, and only written on success. ERR_KEY_HANDLE (no key, or no such object),
 * ERR_KEY_FUNCTION, ERR_KEY_TYPE, ERR_MECHANISM, ERR_KEY_SIZE; of keys that wrap and unwrap, their own handle and size errors. */
enum err key_for(struct module *m, CK_OBJECT_HANDLE handle, const struct mechanism *row, CK_FLAGS use, struct known **out);

/* A key that nothing is done with but to take it as data: no attribute permits that. ERR_KEY_HANDLE: no such object. */
enum err key_for_data(struct module *m, CK_OBJECT_HANDLE handle, enum lookup how, struct known **out);

#endif
