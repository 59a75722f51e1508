/* A template of the application, taken over once: bounded, each value in canonical form (proto/attribute.h), in locked memory, as it may
 * hold a key to be imported. */
#ifndef CLUSTERHSM_MODULE_STATE_TEMPLATE_H
#define CLUSTERHSM_MODULE_STATE_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/secret.h"
#include "module/state/known.h"
#include "proto/alias.h"
#include "proto/pkcs11.h"
#include "proto/request.pb-c.h"

/* All zero: empty. */
struct template {
    size_t n;
    struct known_value *values; /* in `bytes` */
    struct secret bytes;
    bool unknown; /* it also named attributes that are not in the table: nothing can fit it */
};

/* CKR_ARGUMENTS_BAD: no array where there should be one, or more than TEMPLATE_ATTRIBUTES_MAX; CKR_ATTRIBUTE_VALUE_INVALID: a value of the
 * wrong length, missing, or above ATTRIBUTE_BYTES_MAX; CKR_TEMPLATE_INCONSISTENT: above OBJECT_BYTES_MAX in all; CKR_HOST_MEMORY.
 * *out is to be cleared, also after failure. What are aliases in it are none afterwards. */
CK_RV template_from_host(const struct aliases *aliases, const CK_ATTRIBUTE *array, CK_ULONG n, struct template *out);
void template_clear(struct template *t);

/* What a key's own template (a value of type TEMPLATE; NULL: none) adds. Borrows from it. CKR_TEMPLATE_INCONSISTENT: they contradict each
 * other, or are too many together. */
CK_RV template_merge(struct template *t, const struct known_value *own);

/* NULL: not in it. */
const struct known_value *template_value(const struct template *t, CK_ATTRIBUTE_TYPE type);
bool template_bool(const struct template *t, CK_ATTRIBUTE_TYPE type, bool otherwise);
CK_ULONG template_ulong(const struct template *t, CK_ATTRIBUTE_TYPE type, CK_ULONG otherwise);

/* The object has all of its attributes, shows them, and with these values. */
bool template_fits(const struct template *t, const struct known *o);

/* As a message that borrows from the template, to be freed with template_wire_free. NULL: no memory. */
Hsm__Template *template_wire(const struct template *t);
void template_wire_free(Hsm__Template *wire);

#endif
