/* The one schema of objects: holds what callers give against proto/attribute.def, and completes what they left out.
 *
 *   schema_read      which class, which type of key, whether each attribute may be given, and in this form
 *   (the caller adds the key's own parts: vault/object/material.h, or a certificate's: vault/object/certificate.h)
 *   schema_complete  defaults, what is computed, and whether it agrees with what was given
 *
 * An object that is there already goes through schema_change instead.
 *
 * Errors come with a text that names the attribute; a value is never in it. After an error the object is good for
 * nothing. */
#ifndef CLUSTERHSM_VAULT_OBJECT_SCHEMA_H
#define CLUSTERHSM_VAULT_OBJECT_SCHEMA_H

#include <openssl/types.h>

#include "common/diag.h"
#include "proto/request.pb-c.h"
#include "vault/object/body.h"

enum schema_way { SCHEMA_CREATE, SCHEMA_GENERATE, SCHEMA_UNWRAP, SCHEMA_DERIVE, SCHEMA_ENCAPSULATE, SCHEMA_COPY, SCHEMA_SET };

/* What a key inherits from those that it is made with. All zero: nothing (and no claim about its past). */
struct schema_base {
    bool sensitive;         /* CKA_SENSITIVE has to be true ... */
    bool unextractable;     /* ... CKA_EXTRACTABLE false ... */
    bool with_trusted;      /* ... CKA_WRAP_WITH_TRUSTED true: from the new key's value the old one's could be told */
    bool always_sensitive;  /* so the old ones were; DERIVE only */
    bool never_extractable;
};

struct schema {
    OSSL_LIB_CTX *libctx;
    enum schema_way way;
    /* GENERATE: given, and the template may not say otherwise. UNWRAP, DERIVE: what it is where the template is silent,
     * or CK_UNAVAILABLE_INFORMATION: the template has to say. Else set by the calls below. */
    CK_OBJECT_CLASS object_class;
    CK_KEY_TYPE key_type;         /* NO_KEY_TYPE: no key */
    CK_MECHANISM_TYPE mechanism;  /* GENERATE: by which the key is made */
    bool by_admin;                /* an admin asks, who may say CKA_TRUSTED */
    struct schema_base base;      /* UNWRAP, DERIVE */
    unsigned class_bit;           /* enum attribute_class; set by the calls below */
    bool usage_given;             /* the template says what the key is for; set by schema_read */
};

/* A key is made with this one, and perhaps with others that were added before (first: with none). `reveals`: whoever
 * reads the new key's value learns something of this one's, as with CKM_CONCATENATE_BASE_AND_DATA (PKCS#11 v3.1
 * section 6.27): then it can be no less sensitive. */
void schema_base_add(struct schema_base *b, bool first, const struct object *key, bool reveals);

/* What a template gives, as an object after object_init: known attributes, each once and in canonical form. Whether they
 * may be given is not asked. ERR_ATTRIBUTE_TYPE, ERR_ATTRIBUTE_VALUE, ERR_TEMPLATE_INCONSISTENT, ERR_LIMIT,
 * ERR_NO_MEMORY. */
enum err schema_take(const Hsm__Template *template, struct object *o, struct diag *why);

/* Fills an object after object_init with what the template gives. ERR_ATTRIBUTE_TYPE (not known, or not of this
 * class), ERR_ATTRIBUTE_READ_ONLY (may not be given in this way or by a user), ERR_ATTRIBUTE_VALUE (malformed, too
 * long, a class or type of key that is not there), ERR_TEMPLATE_INCOMPLETE, ERR_TEMPLATE_INCONSISTENT (twice, or it
 * contradicts the call), ERR_LIMIT (too many), ERR_NO_MEMORY. */
enum err schema_read(struct schema *s, const Hsm__Template *template, struct object *o, struct diag *why);

/* ERR_TEMPLATE_INCONSISTENT (what was given is not what it has to be), ERR_NO_MEMORY, ERR_BUG, and those of reading
 * a key. */
enum err schema_complete(const struct schema *s, struct object *o, struct diag *why);

/* COPY and SET: changes the object, which is whole, as the template says. A copy gets what is FRESH in the table, and is
 * trusted only by an admin's word. ERR_ACTION_PROHIBITED: CKA_COPYABLE or CKA_MODIFIABLE is false (of an object that
 * cannot be modified no modified copy is made either), or a trusted key would get another use, or a copy, or a secret key be
 * trusted that is not the sole one of its value (vault/object/sole.h); ERR_ATTRIBUTE_READ_ONLY:
 * not in this way, not back again, or not by this user; schema_take's, ERR_TEMPLATE_INCONSISTENT, ERR_ATTRIBUTE_TYPE. */
enum err schema_change(struct schema *s, const Hsm__Template *template, struct object *o, struct diag *why);

/* "a private key" */
const char *schema_class_name(unsigned class_bit);

/* The attribute's flag that allows it in this way, and "created". */
unsigned schema_way_flags(enum schema_way way);
const char *schema_way_name(enum schema_way way);

/* "CKA_LABEL", or NULL for a type that is not in the table. */
const char *schema_attribute_name(CK_ATTRIBUTE_TYPE type);

#endif
