/* Domain parameters of CKK_DSA that are none: of a key in such a group the private number, or a part of it, can be told from the public
 * one, or its size is none of ours. */
#ifndef CLUSTERHSM_TESTS_UNIT_WEAK_GROUP_H
#define CLUSTERHSM_TESTS_UNIT_WEAK_GROUP_H

#include <stdbool.h>

#include "tests/unit/sample_group.h"

struct weak_group {
    const char *what;
    struct sample_group group;
    CK_RV answer; /* to whoever generates or creates a key in it */
};

/* By position; false: there are no more. A new one each time. */
bool weak_group_at(size_t position, struct weak_group *out);

#endif
