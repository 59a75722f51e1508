/* For every row of the mechanism table a parameter that suits it, and parameters that do not: what the loops over the table give to each.
 *
 * A kind of parameter (enum mechanism_param) that has no recipe here does not compile; one that is never spoiled fails a test. */
#ifndef CLUSTERHSM_TESTS_UNIT_RECIPE_H
#define CLUSTERHSM_TESTS_UNIT_RECIPE_H

#include <stdbool.h>

#include "proto/mechanism.h"

enum { RECIPE_DATA_BYTES = 32, RECIPE_BIT = 3, RECIPE_NUMBER = 2, RECIPE_PASSWORD_BYTES = 8, RECIPE_ITERATIONS = 2 };

/* The bytes in all parameters that hold some: salts, labels, infos, what is put beside a key, the client's random, ... */
extern CK_BYTE recipe_data[RECIPE_DATA_BYTES];
extern CK_BYTE recipe_server_random[RECIPE_DATA_BYTES];

/* What goes into a parameter that names another key: PARAM_KEY's handle, the other side's point, and
 * its number over a finite field (NULL: one is made). Borrowed. */
struct recipe_other {
    CK_OBJECT_HANDLE key;
    const CK_BYTE *point;
    CK_ULONG point_n;
    const CK_BYTE *value;
    CK_ULONG value_n;
};
extern struct recipe_other recipe_other;

/* What CKM_TLS12_KEY_AND_MAC_DERIVE gives back, and the version of a premaster secret. */
extern CK_SSL3_KEY_MAT_OUT recipe_material;
extern CK_VERSION recipe_version;

/* For so much data (CCM). Good until the next call. */
CK_MECHANISM recipe_good(const struct mechanism *row, CK_ULONG data_bytes);

/* The i-th wrong one, what is wrong with it, and what has to be answered; false: there are no more. Good until the next call of either. */
struct recipe_wrong {
    CK_MECHANISM mechanism;
    const char *what;
    CK_RV answer;
};
bool recipe_wrong(const struct mechanism *row, CK_ULONG data_bytes, size_t i, struct recipe_wrong *out);

/* Whether anything is known that is wrong within the structure itself. */
bool recipe_is_spoiled(enum mechanism_param param);

#endif
