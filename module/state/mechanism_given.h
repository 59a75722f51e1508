/* A CK_MECHANISM of the application, taken over: its row, and its parameter, checked as far as that goes without the key. */
#ifndef CLUSTERHSM_MODULE_STATE_MECHANISM_GIVEN_H
#define CLUSTERHSM_MODULE_STATE_MECHANISM_GIVEN_H

#include <stdbool.h>

#include "proto/error.h"
#include "proto/mechanism.h"
#include "proto/request.pb-c.h"

struct mechanism_given {
    const struct mechanism *row;
    CK_RSA_PKCS_PSS_PARAMS pss; /* rows with PARAM_PSS */
};

/* `operation` is one CKF_. ERR_MECHANISM: there is none that does this; ERR_MECHANISM_PARAM. */
enum err mechanism_take(const CK_MECHANISM *given, CK_FLAGS operation, struct mechanism_given *out);

/* As a message; borrows nothing. */
struct mechanism_wire {
    Hsm__Mechanism message;
    Hsm__PssParams pss;
};
void mechanism_to_wire(const struct mechanism_given *m, struct mechanism_wire *out);

#endif
