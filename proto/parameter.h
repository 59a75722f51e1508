/* A mechanism's parameter as it travels: the fields of Mechanism (request.proto), joined to the table's rows. */
#ifndef CLUSTERHSM_PROTO_PARAMETER_H
#define CLUSTERHSM_PROTO_PARAMETER_H

#include <stdbool.h>

#include "proto/mechanism.h"
#include "proto/request.pb-c.h"

/* True if the message carries the parameter that the row has, and none that it has not. */
bool parameter_is_given(const struct mechanism *row, const Hsm__Mechanism *m);

#endif
