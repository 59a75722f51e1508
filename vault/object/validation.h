/* Validation objects (PKCS #11 3.2 section 4.15): what an admin states of the validation of this cluster's build. The
 * software itself states nothing (docs/decisions/012). */
#ifndef CLUSTERHSM_VAULT_OBJECT_VALIDATION_H
#define CLUSTERHSM_VAULT_OBJECT_VALIDATION_H

#include "common/diag.h"
#include "vault/object/body.h"
#include "vault/work.h"

/* Holds the values against what the standard has, and sets what every such object has: it is a token object, public, neither modifiable
 * nor copyable, and can be destroyed. ERR_ATTRIBUTE_VALUE; ERR_TEMPLATE_INCONSISTENT: the template says otherwise; ERR_NO_MEMORY. */
enum err validation_complete(struct object *o, struct diag *why);

bool validation_is(const struct object *o);

/* Whether there is room for one more. ERR_NEED and work_lookup's others; ERR_LIMIT. Two that are made at the same moment do not see each
 * other: the limit keeps searches short, and nothing else depends on it. */
enum err validation_room(struct work *w);

#endif
