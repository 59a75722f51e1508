/* Who sees an object: everybody, without a login, or its owner alone. Asked by the vault, of what it shows and what it finds, and by the
 * module, of what it forgets when a login ends; nobody else decides it by CKA_PRIVATE (docs/decisions/011).
 *
 * Constant data: any thread. */
#ifndef CLUSTERHSM_PROTO_VISIBILITY_H
#define CLUSTERHSM_PROTO_VISIBILITY_H

#include <stdbool.h>

#include "proto/pkcs11.h"

/* Whether there are open objects of this class at all. Secret and private keys never are; nor is what we do not know. */
bool visibility_opens(CK_OBJECT_CLASS object_class);

/* Whether everybody sees an object of this class with this CKA_PRIVATE. */
bool visibility_is_open(CK_OBJECT_CLASS object_class, bool is_private);

#endif
