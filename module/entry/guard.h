/* The one prologue of all entries: what function.def says must be true before a function does anything, and what is held while it runs. */
#ifndef CLUSTERHSM_MODULE_ENTRY_GUARD_H
#define CLUSTERHSM_MODULE_ENTRY_GUARD_H

#include "module/state/module.h"

enum function {
#define FUNCTION(version, name, needs, who, session) FUNCTION_##name,
#include "module/entry/function.def"
#undef FUNCTION
    FUNCTIONS
};

struct call {
    enum function function;
    struct module *module;
    struct session *session; /* functions that need one */
};

/* CKR_CRYPTOKI_NOT_INITIALIZED, CKR_FUNCTION_NOT_SUPPORTED, CKR_SESSION_HANDLE_INVALID, CKR_USER_NOT_LOGGED_IN, CKR_SESSION_READ_ONLY: the
 * answer of the call, nothing is held then. CKR_OK: *c is to be given to guard_leave. handle: 0 where the function has no session. */
CK_RV guard_enter(enum function f, CK_SESSION_HANDLE handle, struct call *c);

/* Lets go of everything and gives rv back, for the log's sake. */
CK_RV guard_leave(struct call *c, CK_RV rv);

/* The whole of a function that is not there. */
CK_RV guard_missing(enum function f);

/* The whole of an entry: `answer` is evaluated with the call in `c`. */
#define GUARDED(name, handle, answer)                                  \
    struct call c;                                                     \
    CK_RV rv = guard_enter(FUNCTION_##name, handle, &c);               \
    return rv == CKR_OK ? guard_leave(&c, answer) : rv

#endif
