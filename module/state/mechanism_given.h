/* A CK_MECHANISM of the application, taken over: its row, and its parameter, checked as far as that goes without the key. What the
 * application gave may be freed when the call returns. */
#ifndef CLUSTERHSM_MODULE_STATE_MECHANISM_GIVEN_H
#define CLUSTERHSM_MODULE_STATE_MECHANISM_GIVEN_H

#include "proto/error.h"
#include "proto/mechanism.h"
#include "proto/request.pb-c.h"

struct module;

/* All zero: nothing. */
struct mechanism_given {
    const struct mechanism *row;
    Hsm__Mechanism *wire; /* as it travels, with the parameter; owned */
};

/* The row of a number that the application gave; NULL: there is none. */
const struct mechanism *mechanism_asked(const struct module *m, CK_MECHANISM_TYPE type);

/* `operation` is one CKF_. ERR_MECHANISM: there is none that does this, or not under the cluster's policy; ERR_MECHANISM_PARAM;
 * ERR_NO_MEMORY. After a failure there is
 * nothing to clear. */
enum err mechanism_take(struct module *m, const CK_MECHANISM *given, CK_FLAGS operation, struct mechanism_given *out);

/* The same where a function takes another parameter than most do: `take` puts it into the message. */
typedef enum err mechanism_parameter_fn(const struct mechanism *row, const CK_MECHANISM *given, void *context, Hsm__Mechanism *out);
enum err mechanism_take_by(struct module *m, const CK_MECHANISM *given, CK_FLAGS operation, mechanism_parameter_fn *take, void *context,
                           struct mechanism_given *out);

/* The same once more, of its own. ERR_NO_MEMORY: nothing to clear. */
enum err mechanism_copy(const struct mechanism_given *m, struct mechanism_given *out);

/* Wipes; nothing is there afterwards. */
void mechanism_clear(struct mechanism_given *m);

#endif
