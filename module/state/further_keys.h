/* The keys beside the base key that a derivation's parameter names. */
#ifndef CLUSTERHSM_MODULE_STATE_FURTHER_KEYS_H
#define CLUSTERHSM_MODULE_STATE_FURTHER_KEYS_H

#include "module/state/mechanism_given.h"
#include "proto/limits.h"

/* Their handles, in the parameter's order, of a parameter that mechanism_take has found good. Returns how many there are; whether they are
 * keys, and may be used so, is not asked. */
size_t further_keys(const struct mechanism_given *given, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE out[DERIVE_OTHERS_MAX]);

#endif
