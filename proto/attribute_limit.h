/* How long an attribute's canonical value may be: the same wherever an object is made. */
#ifndef CLUSTERHSM_PROTO_ATTRIBUTE_LIMIT_H
#define CLUSTERHSM_PROTO_ATTRIBUTE_LIMIT_H

#include <stddef.h>

#include "proto/pkcs11.h"

size_t attribute_bytes_max(CK_ATTRIBUTE_TYPE type);

#endif
