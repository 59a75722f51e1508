/* Objects that every token of ours has and that are answered here, without the cluster: the profiles that it follows
 * (PKCS #11 3.1 section 4.13). There are no CKO_HW_FEATURE and CKO_MECHANISM objects. Nor is any CKO_VALIDATION the
 * module's own: nobody has validated it, and one that said so much as a level would be read as a claim. What an admin
 * states stands in the cluster (vault/object/validation.h). */
#ifndef CLUSTERHSM_MODULE_STATE_BUILTIN_H
#define CLUSTERHSM_MODULE_STATE_BUILTIN_H

#include <stdbool.h>

#include "module/state/known.h"
#include "module/state/template.h"

enum { BUILTINS = 3 };

struct builtin {
    struct known *objects[BUILTINS];
};

/* False: no memory; to be cleared all the same. */
bool builtin_init(struct builtin *b);
void builtin_clear(struct builtin *b);

/* NULL: no handle of such an object. Held. */
struct known *builtin_find(const struct builtin *b, CK_OBJECT_HANDLE handle);

/* Handles of those that fit; the result is their number. */
size_t builtin_match(const struct builtin *b, const struct template *t, CK_OBJECT_HANDLE out[BUILTINS]);

#endif
