/* Texts and versions as the standard's info structures have them: filled up with blanks, no terminating zero. */
#ifndef CLUSTERHSM_MODULE_ENTRY_PADDED_H
#define CLUSTERHSM_MODULE_ENTRY_PADDED_H

#include <stddef.h>

#include "proto/pkcs11.h"

#define PADDED_MANUFACTURER "ClusterHSM"

/* Cut at a character of UTF-8 where it does not fit. */
void padded_copy(CK_BYTE *out, size_t room, const char *text);

/* The package's, major and minor. */
CK_VERSION padded_version(void);

#endif
