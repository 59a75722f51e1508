/* What each function of function.def takes, so that tests can call all of them with whatever they like.
 *
 * A shape has a letter an argument:
 *   s session    l slot        m CK_MECHANISM *   o object          A CK_ATTRIBUTE *   C how many of them
 *   I bytes in   J parameter   n a length         O bytes out       N length in and out
 *   H handle out P other out   v a number         V must be NULL, or a pointer that nobody reads */
#ifndef CLUSTERHSM_TESTS_UNIT_CALL_SHAPE_H
#define CLUSTERHSM_TESTS_UNIT_CALL_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/pkcs11.h"

enum { CALL_ARGUMENTS_MAX = 12 };

enum call_needs { CALL_NOTHING, CALL_MISSING, CALL_MODULE, CALL_SESSION, CALL_OPERATION };
enum call_who { CALL_ANYBODY, CALL_USER, CALL_ADMIN };

struct call_shape {
    const char *name; /* "C_Sign" */
    enum call_needs needs;
    enum call_who who;
    bool writes;       /* needs a read-write session */
    const char *shape; /* NULL: this function has none yet, which a test refuses */
    CK_RV (*function)(CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG,
                      CK_ULONG);
};

/* By position, in the order of function.def; NULL at the end. */
const struct call_shape *call_shape_at(size_t position);
const struct call_shape *call_shape_find(const char *name);

CK_RV call_with(const struct call_shape *c, const CK_ULONG arguments[CALL_ARGUMENTS_MAX]);

#endif
