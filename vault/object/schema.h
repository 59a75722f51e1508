/* The one schema of objects: holds what callers give against proto/attribute.def, and completes what they left out.
 *
 *   schema_read      which class, which type of key, whether each attribute may be given, and in this form
 *   (the caller adds the key's own parts: vault/object/material.h, or a certificate's: vault/object/certificate.h)
 *   schema_complete  defaults, what is computed, and whether it agrees with what was given
 *
 * Errors come with a text that names the attribute; a value is never in it. After an error the object is good for
 * nothing. */
#ifndef CLUSTERHSM_VAULT_OBJECT_SCHEMA_H
#define CLUSTERHSM_VAULT_OBJECT_SCHEMA_H

#include <openssl/types.h>

#include "common/diag.h"
#include "proto/request.pb-c.h"
#include "vault/object/body.h"

enum schema_way { SCHEMA_CREATE, SCHEMA_GENERATE };

struct schema {
    OSSL_LIB_CTX *libctx;
    enum schema_way way;
    CK_OBJECT_CLASS object_class; /* GENERATE: given; CREATE: schema_read takes it from the template, as key_type */
    CK_KEY_TYPE key_type;         /* NO_KEY_TYPE: no key */
    CK_MECHANISM_TYPE mechanism;  /* GENERATE: by which the key is made */
    unsigned class_bit;           /* enum attribute_class; set by schema_read */
    bool usage_given;             /* the template says what the key is for; set by schema_read */
};

/* Fills an object after object_init with what the template gives. ERR_ATTRIBUTE_TYPE (not known, or not of this
 * class), ERR_ATTRIBUTE_READ_ONLY (may not be given in this way or by a user), ERR_ATTRIBUTE_VALUE (malformed, too
 * long, a class or type of key that is not there), ERR_TEMPLATE_INCOMPLETE, ERR_TEMPLATE_INCONSISTENT (twice, or it
 * contradicts the call), ERR_LIMIT (too many), ERR_NO_MEMORY. */
enum err schema_read(struct schema *s, const Hsm__Template *template, struct object *o, struct diag *why);

/* ERR_TEMPLATE_INCONSISTENT (what was given is not what it has to be), ERR_NO_MEMORY, ERR_BUG, and those of reading
 * a key. */
enum err schema_complete(const struct schema *s, struct object *o, struct diag *why);

/* "a private key" */
const char *schema_class_name(unsigned class_bit);

/* "CKA_LABEL", or NULL for a type that is not in the table. */
const char *schema_attribute_name(CK_ATTRIBUTE_TYPE type);

#endif
