/* What a validation object may say (PKCS #11 3.2 section 4.15): the types of modules and the authorities that the
 * standard knows, with names for people. Constant data: any thread, for ever. */
#ifndef CLUSTERHSM_PROTO_VALIDATION_H
#define CLUSTERHSM_PROTO_VALIDATION_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/pkcs11.h"

/* CK_VALIDATION_TYPE: "software". NULL: there is none of this number. Back: false if there is none of that name. */
const char *validation_type_name(CK_ULONG type);
bool validation_type_find(const char *name, CK_ULONG *out);

/* CK_VALIDATION_AUTHORITY_TYPE and the levels that the authority gives. */
struct validation_authority {
    CK_ULONG number;
    const char *name; /* "nist-cmvp" */
    CK_ULONG level_min, level_max;
};

/* NULL: there is none. */
const struct validation_authority *validation_authority(CK_ULONG number);
const struct validation_authority *validation_authority_find(const char *name);

/* All names, "a, b or c", for who gave another. The text lives for ever. */
const char *validation_types_text(void);
const char *validation_authorities_text(void);

#endif
