/* A secret key that an admin may trust: what it wraps, nothing else opens (docs/decisions/009).
 *
 * That there is no second key of the same value, and that nobody has seen what it makes of a block, cannot be seen of a key as it
 * is now: it is a mark of the stored object (struct object's `sole`), from the key's generation on, which is lost for ever with
 * the first step aside. No template gives it and nothing shows it. */
#ifndef CLUSTERHSM_VAULT_OBJECT_SOLE_H
#define CLUSTERHSM_VAULT_OBJECT_SOLE_H

#include "vault/object/schema.h"

/* The mark of a whole new object: a secret key that is generated at random in the token, can neither be copied nor go out, and is
 * for wrapping and unwrapping only. */
bool sole_at_birth(const struct schema *s, const struct object *o);

/* The mark of an object that has been changed: what it was, as long as that is so. */
bool sole_still(const struct object *o);

#endif
