/* C_FindObjects: first this process' session objects that fit, as they were at the beginning, and the token's profiles, then token objects,
 * page by page as they are asked for; a page holds more than most programs ask at once. */
#ifndef CLUSTERHSM_MODULE_STATE_SEARCH_H
#define CLUSTERHSM_MODULE_STATE_SEARCH_H

#include <stdbool.h>

#include "module/state/template.h"
#include "proto/pkcs11.h"

struct module;

/* All zero: none. */
struct search {
    bool active;
    bool more;               /* the cluster may have further ones */
    struct template template;
    uint64_t after;          /* its cursor */
    CK_OBJECT_HANDLE *found; /* not given out yet: from `next` on */
    size_t n, next;
};

/* CKR_OPERATION_ACTIVE; template_from_host's. */
CK_RV search_begin(struct module *m, struct search *s, const CK_ATTRIBUTE *array, CK_ULONG n);

/* At most `room` handles; fewer: there are no more. An error ends the search. CKR_OPERATION_NOT_INITIALIZED. */
CK_RV search_next(struct module *m, struct search *s, CK_OBJECT_HANDLE *out, CK_ULONG room, CK_ULONG *n);

/* CKR_OPERATION_NOT_INITIALIZED. */
CK_RV search_finish(struct search *s);

/* Legal where there is none. */
void search_end(struct search *s);

#endif
