/* What an attribute is where the table's default says BY_RULE. */
#ifndef CLUSTERHSM_VAULT_OBJECT_RULES_H
#define CLUSTERHSM_VAULT_OBJECT_RULES_H

#include "common/buffer.h"
#include "proto/attribute.h"
#include "vault/object/schema.h"

struct rule {
    CK_ATTRIBUTE_TYPE type;
    bool fixed; /* a caller who gives another value contradicts the rest of the template */
    /* Appends the canonical value; nothing at all and ERR_NOT_FOUND: such an object has no such attribute. Asked in
     * order of types, so rows with smaller types are there already. All values are public. */
    enum err (*value)(const struct schema *s, const struct object *o, struct buffer *out);
};

/* NULL: no rule. */
const struct rule *rule_find(CK_ATTRIBUTE_TYPE type);

#endif
