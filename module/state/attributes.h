/* C_GetAttributeValue's answer from an object (PKCS #11 2.40 section 5.7, cases 1 to 5): every entry is filled in, also after one that
 * failed, and keeps the type that it was asked under. */
#ifndef CLUSTERHSM_MODULE_STATE_ATTRIBUTES_H
#define CLUSTERHSM_MODULE_STATE_ATTRIBUTES_H

#include "module/state/known.h"
#include "proto/alias.h"

/* The result is the first entry's that could not be given: CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID, CKR_BUFFER_TOO_SMALL. */
CK_RV attributes_answer(const struct aliases *aliases, const struct known *o, CK_ATTRIBUTE *array, CK_ULONG n);

/* C_GetObjectSize: bytes of all that is shown of it. */
CK_ULONG attributes_size(const struct known *o);

#endif
