/* Domain parameters for C_GenerateKey: what a template asks for, and the parts of the object. */
#ifndef CLUSTERHSM_VAULT_OPERATION_GENERATE_DOMAIN_H
#define CLUSTERHSM_VAULT_OPERATION_GENERATE_DOMAIN_H

#include "common/diag.h"
#include "proto/mechanism.h"
#include "vault/object/body.h"
#include "vault/work.h"

/* Puts the parameters into an object that schema_read has passed. Those that are searched for are lengthy work, and are kept. ERR_PENDING,
 * ERR_TEMPLATE_INCOMPLETE, ERR_TEMPLATE_INCONSISTENT, ERR_ATTRIBUTE_VALUE, ERR_KEY_SIZE, ERR_NO_MEMORY, ERR_BUG. */
enum err generate_domain(struct work *w, const struct mechanism *m, struct object *o, struct diag *why);

#endif
