/* Numbers of another vendor's header, as the operator has said what they mean (setting `aliases`): for programs that were compiled against
 * it. Whoever takes something from such a program asks here first; nobody else ever sees these numbers.
 *
 * Written once, before the first call, and constant from then on: any thread may ask. */
#ifndef CLUSTERHSM_PROTO_ALIAS_H
#define CLUSTERHSM_PROTO_ALIAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/diag.h"
#include "proto/attribute.h"
#include "proto/pkcs11.h"

enum { ALIASES_MAX = 64 };

/* What a number is a number of. The same one may be there once for each. */
enum alias_kind { ALIAS_MECHANISM, ALIAS_ATTRIBUTE, ALIAS_KEY_TYPE, ALIAS_KDF, ALIAS_SET };

struct alias {
    enum alias_kind kind;
    CK_ULONG number;  /* the program's */
    CK_ULONG meaning; /* ours */
};

/* All zero: none. */
struct aliases {
    size_t n;
    struct alias rows[ALIASES_MAX];
};

/* "0x80001057 = CKM_EDDSA". Its meaning may be one that is not here, as libcrypto lacks it: it is then not found under its alias either.
 * False and a reason: no such form; a number that is not a vendor's, that is ours, or that is there already; an unknown name; too many. */
bool aliases_add(struct aliases *a, const char *text, struct diag *why);

/* The number itself where it is no alias. */
CK_ULONG alias_meaning(const struct aliases *a, enum alias_kind kind, CK_ULONG number);

/* The same for the numbers in an attribute's canonical value, in place. */
void alias_value(const struct aliases *a, const struct attribute *row, uint8_t *value, size_t n);

#endif
