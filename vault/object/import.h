/* Objects from outside: what C_CreateObject brings. */
#ifndef CLUSTERHSM_VAULT_OBJECT_IMPORT_H
#define CLUSTERHSM_VAULT_OBJECT_IMPORT_H

#include "vault/object/schema.h"
#include "vault/provider/key.h"

/* It is a private key's template, whose check is dear: its primes are tested, for seconds where there are 8192 bits. */
bool import_is_dear(const Hsm__Template *template, struct object_memory memory);

/* ... for seconds: a modulus or a prime of more bits than keys mostly have. */
bool import_is_lengthy(const Hsm__Template *template, struct object_memory memory);

/* Fills an object after object_init, whole and checked; `by_admin`: an admin asks. A private key is checked
 * once for a template: *checked is the key that has passed it already for this template, or NULL and set on success
 * where there is such a key. The caller's, freed with key_free. schema.h's errors, ERR_CURVE, ERR_KEY_SIZE, ERR_TOO_LARGE. */
enum err import_object(OSSL_LIB_CTX *libctx, const Hsm__Template *template, bool by_admin, struct key **checked, struct object *o,
                       struct diag *why);

#endif
