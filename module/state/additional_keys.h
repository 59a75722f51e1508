/* The keys beside its own that C_DeriveKey makes at the same time (CK_DERIVED_KEY: PKCS#11 v3.1 section 6.42): their templates, and
 * where the application wants to be told of them. */
#ifndef CLUSTERHSM_MODULE_STATE_ADDITIONAL_KEYS_H
#define CLUSTERHSM_MODULE_STATE_ADDITIONAL_KEYS_H

#include "module/state/mechanism_given.h"
#include "module/state/module.h"
#include "module/state/template.h"
#include "proto/limits.h"

struct session;

/* All zero: none. */
struct additional_keys {
    CK_OBJECT_HANDLE *handles[DERIVED_KEYS_MAX]; /* the application's own */
    size_t n;
};

/* Reads them out of a mechanism's parameter that mechanism_take has found good; their templates go to `templates`, which has room for
 * DERIVED_KEYS_MAX - 1 and is to be cleared, also after failure: *taken are there. CKR_MECHANISM_PARAM_INVALID: no place for a handle;
 * keys_take_template's, for a template that is blamed already. */
CK_RV additional_keys_take(const struct module *m, const struct session *session, const struct mechanism_given *given,
                           const CK_MECHANISM *mechanism, struct additional_keys *out, struct template *templates, size_t *taken);

void additional_keys_give(const struct additional_keys *a, const CK_OBJECT_HANDLE *made);

/* The template that a failure is about, from 0, is shown by an invalid handle. */
void additional_keys_blame(const struct additional_keys *a, size_t which);

#endif
